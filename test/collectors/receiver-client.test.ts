/** A receiving thread from the main one: it dies before it listens, or later, or cannot look at its disk. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startReceiver } from '#collectors/receiver-client.js'
import { makeConfig } from '#core/config.js'
import { createCounters } from '#core/counters.js'
import { createBlockStore } from '#core/store/blocks.js'
import { createDocuments } from '#core/store/documents.js'

/** A receiver without ports on a folder, and the deaths that it told. */
function receiverOn(data: string, sequence: SharedArrayBuffer) {
  const deaths: Error[] = []
  const problems: string[] = []
  let statuses = 0
  const started = startReceiver({
    setup: {
      data,
      sequence,
      stopBelowFreeOctets: 1,
      exporters: [],
      elements: [],
      mappings: [],
      counts: createCounters().of('receiver-0'),
      listen: makeConfig({ listen: { receive: 'dgram' } }).listen,
      worker: 0,
      workers: 1,
      datagramPorts: [],
      streamPorts: [],
    },
    onStatus: () => statuses++,
    onProblem: (message) => problems.push(message),
    onNotice: () => {},
    onDeath: (error) => deaths.push(error),
  })
  return { started, deaths, problems, statuses: () => statuses }
}

async function openFolder(t: Test): Promise<{ data: string; sequence: SharedArrayBuffer }> {
  const data = join(t.testdir({ data: {} }), 'data')
  const blocks = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  const documents = createDocuments({ location: join(data, 'documents') })
  await blocks.open()
  await documents.open()
  t.teardown(async () => {
    await blocks.close()
    await documents.close()
  })
  return { data, sequence: blocks.sequence.shared }
}

t.test('a thread that cannot start rejects the start, and its death is not told beside', async (t) => {
  const data = join(t.testdir(), 'file')
  await writeFile(data, '')
  const { started, deaths } = receiverOn(data, new SharedArrayBuffer(64))
  await t.rejects(started)
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.same(deaths, [], 'who starts may mend and start again')
})

t.test('a thread that has died is not waited for', async (t) => {
  const { data, sequence } = await openFolder(t)
  const { started, deaths } = receiverOn(data, sequence)
  const client = await started
  await t.rejects(client.exporters(null as never))
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.equal(deaths.length, 1, 'told once')
  await t.rejects(client.exporters([]), 'nobody is left to answer')
  const began = performance.now()
  await client.close()
  t.ok(performance.now() - began < 5000, 'it ends at once')
})

t.test('a thread that cannot look at the free space goes on and says so', async (t) => {
  const { data, sequence } = await openFolder(t)
  const { started, problems, statuses } = receiverOn(data, sequence)
  const client = await started
  await rename(data, `${data}-away`)
  const [before, until] = [statuses(), Date.now() + 60_000]
  while (statuses() < before + 2 && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 50))
  t.ok(statuses() >= before + 2, 'its status comes')
  t.ok(
    problems.some((message) => /ENOENT/.test(message)),
    problems.join(),
  )
  await rename(`${data}-away`, data)
  await client.close()
})

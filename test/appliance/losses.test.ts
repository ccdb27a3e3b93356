/** Rows that are gone, told by health, read and acknowledged by the command line, of a folder and of a running appliance. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createBlockStore } from '#core/store/blocks.js'
import { builderOf } from '../src/store/rows.js'
import { command, plainNode } from '../support/project.js'
import { freePort, getJson, startAppliance, stopAppliance } from '../support/running.js'

function culvert(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile('env', [...plainNode, command, 'losses', ...args], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })
}

/** Appends rows and leaves a hole before them. */
async function lose(data: string, rows: number): Promise<void> {
  const store = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  await store.open()
  store.skip(rows)
  await store.append(builderOf(10, Date.now()), Date.now(), true)
  await store.close()
}

t.test('a loss is listed, acknowledged, and no fault any more; the next one is', async (t) => {
  const folder = t.testdir()
  const data = join(folder, 'data')
  await lose(data, 7)
  const start = async () => startAppliance({ folder, netflow: await freePort(), syslog: await freePort() })
  let running = await start()
  t.teardown(() => stopAppliance(running, 'SIGKILL'))
  const storedRows = async () => {
    const { checks } = await getJson(running, 'health')
    return checks.find(({ name }: { name: string }) => name === 'stored rows')
  }
  const from = () => ['--url', running.url, '--token-file', join(data, 'token')]
  t.match(await storedRows(), { status: 'degraded', text: /^7 rows gone/ })
  t.match(await getJson(running, 'flows?limit=50'), { partial: true, partialReasons: ['lost'] })

  const listed = await culvert(...from())
  t.match(listed, {
    code: 0,
    stdout:
      /^7 stored rows are gone .* not acknowledged: 7 rows, 0 blocks\n {2}7 rows from number 1 on, received between /,
  })
  t.match(await culvert(...from(), '--acknowledge'), { code: 2, stderr: /asks for --note/ })
  t.match(await culvert(...from(), '--note', 'x'), { code: 2, stderr: /--note is for --acknowledge/ })
  const acknowledged = await culvert(...from(), '--acknowledge', '--note', 'the disk was swapped')
  t.match(acknowledged, {
    code: 0,
    stdout: /^loss-1, acknowledged .*: the disk was swapped\n {2}7 rows from number 1/,
  })
  t.match(await storedRows(), { status: 'ok', text: /^7 rows gone.*: all acknowledged$/ })
  t.match(await getJson(running, 'flows?limit=50'), { partial: true }, 'what is gone is gone')
  t.match(await culvert(...from(), '--acknowledge', '--note', 'x'), {
    code: 0,
    stdout: '',
    stderr: /no loss/,
  })
  const metrics = await fetch(`${running.url}/metrics`, {
    headers: { authorization: `Bearer ${running.token}` },
  })
  t.match(await metrics.text(), /culvert_store_lost_rows 7\n(?:.*\n)*culvert_store_unacknowledged_losses 0\n/)
  await writeFile(join(folder, 'wrong'), `culvert_0123456789abcdef_${'A'.repeat(43)}`)
  t.match(await culvert('--url', running.url, '--token-file', join(folder, 'wrong')), {
    code: 1,
    stderr: /answers 401: the token is not valid/,
  })
  await stopAppliance(running)

  await lose(data, 5)
  t.match(await culvert('--data', data), {
    code: 0,
    stdout:
      /^12 stored rows are gone .* not acknowledged: 5 rows, 0 blocks\n {2}5 rows .*\nloss-1, acknowledged /,
  })
  const second = await culvert('--data', data, '--acknowledge', '--note', 'again', '--json')
  const { by, note } = JSON.parse(second.stdout) as { by: string; note: string }
  t.match(by, /^command line \(/)
  t.equal(note, 'again')
  running = await start()
  t.match(await storedRows(), { status: 'ok', text: /^12 rows gone/ })
  const { items } = await getJson(running, 'losses/acknowledgements')
  t.same(
    items.map(({ id }: { id: string }) => id),
    ['loss-1', 'loss-2'],
  )
  t.match(await getJson(running, 'audit/verify'), { intact: true })
})

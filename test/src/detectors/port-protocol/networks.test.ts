/** The detector on simulated networks, and on the laboratory capture when it is there. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { inputDatagrams } from '#cli/inputs.js'
import { createImportIntake } from '#collectors/import-intake.js'
import { portProtocol } from '#core/detectors/port-protocol/index.js'
import { settingsOf } from '#core/detectors/settings.js'
import { makeSurroundings, nothingKnown } from '#core/detectors/surroundings.js'
import type { Observation } from '#core/findings/finding.js'
import { formatAddress, parseAddress } from '#core/records/address.js'
import { ceilingTo, evaluate, floorTo, STEP_MILLISECONDS } from '#core/scheduler/evaluate.js'
import { createBlockStore } from '#core/store/blocks.js'
import { emptyScanCounts, receivedRange } from '#core/store/scan.js'
import { createBlockWriter } from '#core/store/writer.js'
import { enterprise } from '#simulate/enterprise.js'
import type { Simulation } from '#simulate/scenario.js'
import { smallCompany } from '#simulate/small-company.js'
import { START } from './made.js'

async function overStored(
  t: { testdir(): string; teardown(handler: () => Promise<void>): void },
  datagrams: Iterable<{ payload: Uint8Array; exporter: string; port: number; milliseconds: number }>,
): Promise<Observation[]> {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true, onRepair: () => {} })
  await store.open()
  t.teardown(() => store.close())
  const fail = (error: Error) => {
    throw error
  }
  const writer = createBlockWriter({ store, now: () => START, onFailure: fail })
  const intake = createImportIntake(writer)
  let count = 0
  for (const { payload, exporter, port, milliseconds } of datagrams) {
    intake.datagram(payload, parseAddress(exporter)!, port, Math.floor(milliseconds))
    if (++count % 256 === 0) await writer.drained()
  }
  intake.finish()
  await writer.flush()
  const range = (await receivedRange(store, portProtocol.streams))!
  const judge = portProtocol.start(settingsOf(portProtocol, {}), makeSurroundings(nothingKnown))
  const found = new Map<string, Observation>()
  const steps = evaluate({
    store,
    judge,
    streams: portProtocol.streams,
    fromMilliseconds: floorTo(range.fromMilliseconds, STEP_MILLISECONDS),
    toMilliseconds: ceilingTo(range.toMilliseconds + 1, STEP_MILLISECONDS) + portProtocol.settleMilliseconds,
    stepMilliseconds: STEP_MILLISECONDS,
    counts: emptyScanCounts(),
  })
  for await (const { observations } of steps) for (const one of observations) found.set(one.id, one)
  return [...found.values()].filter(({ kind }) => kind === 'finding')
}

function* exported(simulation: Simulation) {
  for (const { payload, exporterAddress, listenerPort, timeMilliseconds } of simulation.datagrams) {
    yield { payload, exporter: exporterAddress, port: listenerPort, milliseconds: timeMilliseconds }
  }
}

t.test('the small company: what is misplaced, and nothing else', async (t) => {
  const simulation = smallCompany(3, { durationMilliseconds: 3_600_000 })
  const found = await overStored(t, exported(simulation))
  const isLabelled = ({ destinationAddresses, destinationTransportPort }: Observation) =>
    simulation.labels.some(
      (label) =>
        label.label === 'port_mismatch' &&
        label.destinationAddress === destinationAddresses[0] &&
        label.destinationTransportPort === destinationTransportPort,
    )
  t.same(
    found.filter((one) => !isLabelled(one)).map(({ title }) => title),
    [],
    'no false finding',
  )
  t.ok(found.length >= 5, `${found.length} of 7 are found`)
})

t.test('an enterprise without anything hidden gives nothing', async (t) => {
  const simulation = enterprise(5, 200, {
    durationMilliseconds: 7_200_000,
    hidden: false,
    webPauseMilliseconds: 120_000,
  })
  const found = await overStored(t, exported(simulation))
  t.same(
    found.map(({ title }) => title),
    [],
  )
})

/** The folder of shared captures: named by CULVERT_SHARED, or found above this file. */
function corpora(): string | undefined {
  const named = process.env['CULVERT_SHARED']
  if (named !== undefined) return join(named, 'corpora')
  for (
    let folder = dirname(fileURLToPath(import.meta.url));
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    const candidate = join(folder, 'shared', 'corpora')
    if (existsSync(candidate)) return resolve(candidate)
  }
  return undefined
}

t.test('the laboratory: every exporter', async (t) => {
  const folder = corpora()
  const capture = folder === undefined ? '' : join(folder, 'detect', 'pcaps', 'lab_dev_netflow.pcap')
  if (!existsSync(capture)) {
    t.comment('NOT RUN: no shared/corpora folder found (set CULVERT_SHARED); the laboratory was not checked')
    t.pass('the laboratory', { skip: 'no shared/corpora folder found' })
    return
  }
  const labels = readFileSync(join(folder!, 'detect', 'lab_pairs.tsv'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t') as [string, string, string, string])
  const wanted = labels.filter(([, , label]) => ['port_mismatch', 'socks', 'dns_tunnel'].includes(label))
  for (const port of [2055, 2056, 2057, 2058, 2059, 2060]) {
    await t.test(`port ${port}`, async (t) => {
      function* captured() {
        for (const { payload, source, destinationPort, timeMilliseconds } of inputDatagrams(capture)) {
          if (destinationPort !== port) continue
          yield {
            payload,
            exporter: formatAddress(source),
            port: destinationPort,
            milliseconds: timeMilliseconds!,
          }
        }
      }
      const found = await overStored(t, captured())
      const servers = new Set(found.map(({ destinationAddresses }) => destinationAddresses[0]))
      const others = [...servers].filter((server) => !wanted.some(([, other]) => other === server))
      t.same(others, [], 'no benign pair')
      const hits = wanted.filter(([, server]) => servers.has(server)).length
      // One of ten packets leaves what means and regular starts tell.
      t.ok(hits >= (port === 2058 ? 4 : 10), `${hits} of ${wanted.length}`)
    })
  }
})

/** What is watched of each exporter: its quota, its pace, the timeouts that its records show. */
import t from 'tap'
import { createQuota, createTimeoutMeter, isSilent } from '#collectors/exporter-watch.js'
import { createFlowIntake } from '#collectors/flow-intake.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { parseAddress } from '#core/records/address.js'
import { streamNames, streams } from '#core/records/columns.js'
import type { BlockWriter } from '#core/store/writer.js'
import { smallCompany } from '#simulate/small-company.js'

t.test('a sender over its quota is cut off, the others are not', async (t) => {
  const quota = createQuota(100)
  const [noisy, quiet] = [parseAddress('192.0.2.1')!, parseAddress('192.0.2.2')!]
  let admitted = 0
  // Ten seconds at 1,000 a second: two seconds' worth at once, then 100 a second.
  for (let index = 0; index < 10_000; index++) if (quota.admit(noisy, index)) admitted++
  t.ok(admitted >= 1150 && admitted <= 1201, `${admitted} admitted`)
  t.equal(quota.admit(quiet, 10_000), true)
  const refused = quota.takeRefused()
  t.equal(refused.get(noisy), 10_000 - admitted)
  t.equal(refused.has(quiet), false)
  t.equal(quota.takeRefused().size, 0, 'told once')
})

t.test('a clock that is set back cuts nobody off', async (t) => {
  const quota = createQuota(100)
  const sender = parseAddress('192.0.2.1')!
  const hour = 3_600_000
  t.equal(quota.admit(sender, 2 * hour), true)
  let refused = 0
  // Ten seconds at 50 a second, an hour before.
  for (let index = 0; index < 500; index++) if (!quota.admit(sender, hour + index * 20)) refused++
  t.equal(refused, 0)
})

t.test('what was refused is told, however many senders come after it', async (t) => {
  const quota = createQuota(1)
  const noisy = parseAddress('192.0.2.1')!
  for (let index = 0; index < 10; index++) quota.admit(noisy, 1)
  for (let index = 0; index < 70_000; index++)
    quota.admit({ family: 4, words: [0, 0, 0, 0x0a000000 + index] }, 1)
  t.equal(quota.takeRefused().get(noisy), 8)
})

t.test('refused datagrams are noted with an exporter whose templates were kept', async (t) => {
  const builders = streams.map((stream) => new BlockBuilder(stream, 64))
  const builder = (stream: number) => builders[stream]!
  const intake = createFlowIntake({ writer: { builder } as BlockWriter })
  const { store } = intake.decoder
  store.domain(store.exporter(parseAddress('192.0.2.1')!, 2055, 0)!, 9, 7)
  store.domain(store.exporter(parseAddress('192.0.2.2')!, 2055, 0)!, 9, 7)
  intake.noteRefused(new Map([[parseAddress('192.0.2.1')!, 5]]), 1_700_000_000_000)
  const events = builder(streamNames.indexOf('exporterEvent'))
  t.equal(events.rows, 1)
  t.same(
    events.exporters.slice(0, 1).map(({ address }) => address),
    [parseAddress('192.0.2.1')],
  )
})

t.test('a device is silent by its own pace', async (t) => {
  const minute = 60_000
  // Twenty datagrams, one each minute: twenty intervals are twenty minutes.
  t.equal(isSilent(20, 1, 1 + 19 * minute, 38 * minute), false)
  t.equal(isSilent(20, 1, 1 + 19 * minute, 41 * minute), true)
  // Ten a second: five minutes.
  t.equal(isSilent(6000, 1, 600_000, 600_000 + 4 * minute), false)
  t.equal(isSilent(6000, 1, 600_000, 600_000 + 6 * minute), true)
  t.equal(isSilent(5, 1, 1000, 3_600_000), false, 'too few to know a pace')
})

t.test('the timeouts of the simulated exporters are measured', async (t) => {
  const meter = createTimeoutMeter()
  const builders = streams.map((stream) => new BlockBuilder(stream, 2048))
  const writer: BlockWriter = {
    counts: { blocks: 0, rows: 0, octets: 0, droppedRows: 0, failures: 0 },
    builder(stream) {
      const builder = builders[stream]!
      if (builder.rows >= builder.capacity) {
        meter.observe(builder)
        builder.reset()
      }
      return builder
    },
    pendingOctets: () => 0,
    stop: () => {},
    seal: () => {},
    flush: async () => {},
    drained: async () => {},
  }
  const { decoder } = createFlowIntake({ writer })
  const simulation = smallCompany(1)
  for (const { payload, exporterAddress, listenerPort, timeMilliseconds } of simulation.datagrams) {
    if (listenerPort === 5514) continue
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
    decoder.datagram(view, payload.length, parseAddress(exporterAddress)!, listenerPort, timeMilliseconds)
  }
  for (const builder of builders) meter.observe(builder)
  const settings = new Map(simulation.network.exporters.map((exporter) => [exporter.address, exporter]))
  t.plan(decoder.store.exporters.length * 2)
  for (const { address, domains } of decoder.store.exporters) {
    const [domain] = [...domains.values()]
    const exporter = settings.get(
      `${address.words[3] >>> 24}.${(address.words[3] >>> 16) & 255}.${(address.words[3] >>> 8) & 255}.${address.words[3] & 255}`,
    )!
    const measured = meter.measured(domain!.identity, 0)
    const active = measured.activeMilliseconds ?? 0
    t.ok(
      Math.abs(active - exporter.activeTimeoutMilliseconds) < exporter.activeTimeoutMilliseconds * 0.15,
      `${exporter.name}: active ${active}`,
    )
    const idle = measured.idleMilliseconds ?? 0
    t.ok(
      idle > exporter.idleTimeoutMilliseconds * 0.4 && idle < exporter.idleTimeoutMilliseconds * 2.5,
      `${exporter.name}: idle ${idle}`,
    )
  }
})

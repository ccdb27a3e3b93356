/** What the load generator sends is what it claims, as our own decoders and a socket see it. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { emptyingWriter } from '#bench/emptying-writer.js'
import { startSender } from '#bench/load/client.js'
import { FlowLoad } from '#bench/load/flow-load.js'
import { flowProtocols } from '#bench/load/layouts.js'
import { type Load, sourceAddressText } from '#bench/load/load.js'
import { pace } from '#bench/load/pace.js'
import { SyslogLoad } from '#bench/load/syslog-load.js'
import { openTransmitter } from '#bench/load/transmit.js'
import { createFlowIntake } from '#collectors/flow-intake.js'
import { TemplateStore } from '#collectors/netflow/template-store.js'
import { createSyslogIntake } from '#collectors/syslog-intake.js'
import type { BlockBuilder } from '#core/blocks/builder.js'
import { parseAddress } from '#core/records/address.js'
import { FlowColumnIndex } from '#core/records/columns.js'

const START = Date.UTC(2026, 5, 15, 12)
/** The low 32 bits of times in milliseconds turn over here. */
const TURNOVER = Math.ceil(START / 2 ** 32) * 2 ** 32

/** Hands out datagrams as a socket would. */
function* datagramsOf(load: Load, count: number, timeOf: (index: number) => number) {
  for (let index = 0; index < count; index++) {
    const time = timeOf(index)
    load.advance(time)
    const view = new DataView(load.arena.slice(load.offset, load.offset + load.length).buffer)
    yield { view, source: load.source, time }
  }
}

type Sums = { rows: number; icmp: number; octets: number; packets: number; oldest: number; newest: number }

function addRows(sums: Sums, builder: BlockBuilder): void {
  const { planes, stream, rows } = builder
  const whole = (column: number, row: number) => {
    const [low, high] = planes[column]!
    return low![row]! + (high?.[row] ?? 0) * 2 ** 32
  }
  for (let row = 0; row < rows; row++) {
    sums.rows++
    if (stream.name === 'icmp4') sums.icmp++
    sums.octets += whole(FlowColumnIndex.octets, row)
    sums.packets += whole(FlowColumnIndex.packets, row)
    const received = planes[0]![0]![row]!
    sums.oldest = Math.max(sums.oldest, received - planes[FlowColumnIndex.startMilliseconds]![0]![row]!)
    sums.newest = Math.min(sums.newest, received - planes[FlowColumnIndex.endMilliseconds]![0]![row]!)
  }
}

function checkFlows(t: Test, load: FlowLoad, datagrams: number, timeOf: (index: number) => number): void {
  const sums: Sums = { rows: 0, icmp: 0, octets: 0, packets: 0, oldest: 0, newest: Number.POSITIVE_INFINITY }
  const undecoded: string[] = []
  const writer = emptyingWriter((builder) => addRows(sums, builder))
  const store = new TemplateStore()
  const onUndecoded = (reason: string) => undecoded.push(reason)
  const { decoder } = createFlowIntake({ writer, store, onUndecoded })
  const addresses = Array.from(
    { length: load.sources },
    (_, source) => parseAddress(sourceAddressText(source))!,
  )
  for (const { view, source, time } of datagramsOf(load, datagrams, timeOf))
    decoder.datagram(view, view.byteLength, addresses[source]!, 2055, time)
  writer.seal()
  const { counts } = load
  t.same(undecoded, [], 'all is decoded')
  t.equal(counts.datagrams, datagrams)
  t.ok(counts.records > 0)
  t.equal(sums.rows, counts.records, 'records')
  t.equal(sums.icmp, counts.icmpRecords, 'of ICMP')
  t.equal(sums.octets, counts.octetDelta, 'octets')
  t.equal(sums.packets, counts.packetDelta, 'packets')
  t.ok(sums.newest >= 0 && sums.oldest <= 76_001, 'flows ended before their export and are not old')
  const domains = store.exporters.flatMap((exporter) => [...exporter.domains.values()])
  for (const { sequence } of domains) {
    const { gaps, resets, duplicates, reordered } = sequence.counts
    t.equal(gaps + resets + duplicates + reordered, 0, 'the sequence is gapless')
  }
}

t.test('flows decode to what the generator counts, round after round', async (t) => {
  for (const protocol of flowProtocols) {
    await t.test(protocol, async (t) => {
      const load = new FlowLoad({
        protocol,
        seed: 1,
        epochMilliseconds: START,
        exporters: 3,
        ringPackets: 600,
      })
      checkFlows(t, load, 2000, (index) => START + index * 7)
      load.restart()
      checkFlows(t, load, 500, (index) => START + 60_000 + index)
    })
  }
})

t.test('exporters are told apart by address or by domain, and each has its templates', async (t) => {
  const cases = [
    { protocol: 'v5', exporters: 300, toldApartBy: 'domain', templates: 1 },
    { protocol: 'v9', exporters: 300, toldApartBy: 'address', templates: 300 },
    { protocol: 'v9', exporters: 2, toldApartBy: 'domain', templates: 400 },
    { protocol: 'ipfix', exporters: 40, toldApartBy: 'domain', templates: 200 },
  ] as const
  for (const options of cases) {
    await t.test(JSON.stringify(options), async (t) => {
      const load = new FlowLoad({ ...options, seed: 2, epochMilliseconds: START, templateEvery: 64 })
      t.equal(load.sources, options.toldApartBy === 'address' ? options.exporters : 1)
      checkFlows(t, load, 10_000, () => START)
      t.equal(load.counts.templateDatagrams > 0, options.protocol !== 'v5')
    })
  }
})

t.test('times of IPFIX pass 2^32 milliseconds', async (t) => {
  const load = new FlowLoad({
    protocol: 'ipfix',
    seed: 3,
    epochMilliseconds: TURNOVER - 500,
    ringPackets: 64,
  })
  checkFlows(t, load, 1000, (index) => TURNOVER - 500 + index)
})

t.test('the same seed gives the same octets, another one others', async (t) => {
  const made = (seed: number) =>
    new FlowLoad({ protocol: 'v9', seed, epochMilliseconds: START, ringPackets: 64 })
  t.equal(Buffer.compare(made(1).arena, made(1).arena), 0)
  t.not(Buffer.compare(made(1).arena, made(2).arena), 0)
  t.throws(
    () => new FlowLoad({ protocol: 'v9', seed: 1, epochMilliseconds: START, exporters: 0 }),
    RangeError,
  )
  t.throws(
    () => new FlowLoad({ protocol: 'v9', seed: 1, epochMilliseconds: START, templateEvery: 1 }),
    RangeError,
  )
})

t.test('log lines are connections of three products, with the time of their sending', async (t) => {
  const load = new SyslogLoad({ seed: 1, epochMilliseconds: START, ringLines: 1000 })
  let rows = 0
  const writer = emptyingWriter((builder) => {
    rows += builder.stream.name === 'message' ? 0 : builder.rows
  })
  const intake = createSyslogIntake({ writer, zoneOf: () => 'UTC' })
  for (const { view, source, time } of datagramsOf(load, 3000, (index) => START + index * 10)) {
    const text = Buffer.from(view.buffer).toString('latin1')
    intake.line(text, parseAddress(sourceAddressText(source))!, 5514, 0, time)
  }
  writer.seal()
  t.equal(rows, 3000, 'each line is a connection')
  t.equal(load.counts.records, 3000)
  const products = new Set<string>()
  for (const { notUnderstood, clockSkewMilliseconds, product } of intake.exporters()) {
    t.equal(notUnderstood, 0)
    t.ok(Math.abs(clockSkewMilliseconds) <= 1000, `clock of ${product}`)
    products.add(product)
  }
  t.equal(products.size, 3)
})

t.test('a rate is kept, and a late sender does not send all that it missed at once', async (t) => {
  // Looks at the clock: the start, a millisecond later, then as if the process had stood still for a second.
  const looks = [0, 1, 1001, 1002, 1003]
  const portions: number[] = []
  let look = 0
  await pace({
    total: 10_000,
    perSecond: 10_000,
    most: 64,
    isStopped: () => look > looks.length,
    now: () => looks[look++] ?? 1004,
    send: (count) => {
      portions.push(count)
    },
  })
  t.ok(portions.every((count) => count <= 64))
  const sent = portions.reduce((sum, count) => sum + count, 0)
  // 10 of the first millisecond, 200 of the 20 that may be caught up with, 10 of each further one.
  t.ok(sent >= 220 && sent <= 250, `${sent} sent`)
})

t.test('datagrams leave from the addresses of their exporters, by either way', async (t) => {
  for (const onlyDgram of [false, true]) {
    const load = new FlowLoad({ protocol: 'v9', seed: 1, epochMilliseconds: START, exporters: 5 })
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
    const received = new Map<string, number>()
    socket.on('message', (_octets, { address }) => received.set(address, (received.get(address) ?? 0) + 1))
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const transmitter = await openTransmitter(load, socket.address().port, onlyDgram)
    t.ok(onlyDgram ? transmitter.fallback : transmitter.kind)
    for (let batch = 0; batch < 5; batch++) {
      await transmitter.send(20, START)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    transmitter.close()
    const expected = process.platform === 'linux' ? [0, 1, 2, 3, 4].map(sourceAddressText) : ['127.0.0.1']
    t.same([...received.keys()].sort(), expected)
    t.equal(
      [...received.values()].reduce((sum, count) => sum + count, 0),
      100,
    )
    socket.close()
  }
})

t.test('a process of its own sends as ordered, twice', async (t) => {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
  let received = 0
  socket.on('message', () => received++)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const sender = startSender()
  for (const kind of ['v9', 'syslog'] as const) {
    received = 0
    const order = { port: socket.address().port, datagramsPerSecond: 2000, datagrams: 500 }
    const sending = await sender.prepare({ ...order, traffic: { kind, seed: 1 } })
    const report = await sending.go()
    await new Promise((resolve) => setTimeout(resolve, 100))
    t.equal(report.datagrams, 500)
    t.equal(received, 500)
    t.ok(report.seconds >= 0.2, 'not faster than asked')
  }
  await t.rejects(
    sender.prepare({
      port: 1,
      datagramsPerSecond: 1,
      datagrams: 1,
      traffic: { kind: 'v9', seed: 1, exporters: 0 },
    }),
    /exporters/,
  )
  await sender.close()
  socket.close()
})

/**
 * `npm run bench:receive`: what receiving a datagram costs this process, by each way there is, alone and with the decoder
 * behind it. Another process sends a fixed number at a steady rate over loopback. Best of some alternating rounds.
 */
import { cpus, loadavg } from 'node:os'
import { chooseReceive, type Receive } from '#collectors/datagram/choose.js'
import type { DatagramHandler } from '#collectors/datagram/source.js'
import { createFlowIntake } from '#collectors/flow-intake.js'
import { Count, createCounters } from '#core/counters.js'
import { keepVitals } from '#core/thread-vitals.js'
import { emptyingWriter } from './emptying-writer.js'
import { print, ROUNDS } from './figures.js'
import { startSender } from './load/client.js'
import type { SenderOrder } from './load/sender.js'
import type { Traffic } from './load/traffic-kinds.js'

const SECONDS = 3
const BUFFER_OCTETS = 32 * 1024 * 1024
/** What has not come this long after the sender's end will not. */
const SILENCE_MILLISECONDS = 200

const sender = startSender()

type Figure = { secondsPerMillion: number; lost: number; collections: number }

async function measure(
  receive: Receive,
  order: Omit<SenderOrder, 'type' | 'port'>,
  take: DatagramHandler,
): Promise<Figure> {
  let received = 0
  const source = receive.createSource({
    host: '127.0.0.1',
    port: 0,
    receiveBufferOctets: BUFFER_OCTETS,
    now: Date.now,
    onError(error) {
      throw error
    },
    onDatagram(view, length, address, receivedMilliseconds) {
      received++
      take(view, length, address, receivedMilliseconds)
    },
  })
  const { port } = await source.start()
  const sending = await sender.prepare({ ...order, port })
  const counts = createCounters().of('receiver')
  keepVitals(counts)
  const before = process.cpuUsage()
  await sending.go()
  for (let seen = -1; seen !== received; ) {
    seen = received
    await new Promise((resolve) => setTimeout(resolve, SILENCE_MILLISECONDS))
  }
  const { user, system } = process.cpuUsage(before)
  await source.close()
  return {
    secondsPerMillion: (user + system) / received,
    lost: order.datagrams - received,
    collections: (counts[Count.garbageCollections]! * 1e6) / received,
  }
}

/** Decodes and forgets. */
function decoderTaker(): DatagramHandler {
  const { decoder } = createFlowIntake({ writer: emptyingWriter(() => {}) })
  return (view, length, address, receivedMilliseconds) =>
    decoder.datagram(view, length, address, 2055, receivedMilliseconds)
}

const ways = [chooseReceive('dgram'), chooseReceive('auto')]
const [, second] = ways
if (second?.fallback !== undefined) {
  process.stdout.write(`without recvmmsg: ${second.fallback}\n`)
  ways.pop()
}
process.stdout.write(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node.js ${process.version}, load ${loadavg()[0]!.toFixed(1)}\n\n`,
)
const takers: [string, Traffic, () => DatagramHandler][] = [
  ['receive 200 octets', { kind: 'blank', octets: 200 }, () => () => {}],
  ['receive 1400 octets', { kind: 'blank', octets: 1400 }, () => () => {}],
  ['receive and decode', { kind: 'v9', seed: 1 }, decoderTaker],
]
for (const [what, traffic, makeTaker] of takers) {
  for (const datagramsPerSecond of [10_000, 100_000]) {
    const order = { traffic, datagramsPerSecond, datagrams: datagramsPerSecond * SECONDS }
    const rounds: Figure[][] = ways.map(() => [])
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, way] of ways.entries()) rounds[index]!.push(await measure(way, order, makeTaker()))
    }
    for (const [index, { kind }] of ways.entries()) {
      const [best] = rounds[index]!.sort((one, other) => one.secondsPerMillion - other.secondsPerMillion)
      const { secondsPerMillion, lost, collections } = best!
      const more = `${lost} lost, ${collections.toFixed(0)} garbage collections a million`
      const rate = `${datagramsPerSecond / 1000} k/s`
      print(`${what}, ${rate}, ${kind}`, secondsPerMillion, 'CPU-s a million', more)
    }
  }
}
await sender.close()

/** Packets through one of the simulator's exporters: the datagrams that it would send, one by one. */
import type { Activity } from '#simulate/activity.js'
import { createExporter } from '#simulate/exporter.js'
import type { ExporterSettings } from '#simulate/network.js'
import type { Random } from '#simulate/random.js'
import type { JudgedDatagram } from './judge.js'

const TICK_MILLISECONDS = 1000

/** Meters packets in order of time; the network is quiet afterwards until every flow has ended by itself. */
export function* meterPackets(
  packets: Iterable<Activity>,
  settings: ExporterSettings,
  random: Random,
  startMilliseconds: number,
): Generator<JudgedDatagram> {
  const queue: JudgedDatagram[] = []
  const exporter = createExporter(settings, random, startMilliseconds, (timeMilliseconds, payload) => {
    queue.push({ timeMilliseconds, source: settings.address, port: settings.listenerPort, payload })
  })
  function* drain(): Generator<JudgedDatagram> {
    yield* queue
    queue.length = 0
  }
  let tick = startMilliseconds + TICK_MILLISECONDS
  for (const packet of packets) {
    for (; tick <= packet.timeMilliseconds; tick += TICK_MILLISECONDS) {
      exporter.advance(tick)
      if (queue.length > 0) yield* drain()
    }
    exporter.observe(packet, 1, 2)
    if (queue.length > 0) yield* drain()
  }
  const longest = Math.max(settings.activeTimeoutMilliseconds, settings.idleTimeoutMilliseconds)
  for (const end = tick + longest + 2 * TICK_MILLISECONDS; tick <= end; tick += TICK_MILLISECONDS) {
    exporter.advance(tick)
    if (queue.length > 0) yield* drain()
  }
}

/** Several sources of datagrams as one, in order of time. */
export function* mergeDatagrams(sources: readonly Iterable<JudgedDatagram>[]): Generator<JudgedDatagram> {
  const heads = sources
    .map((source) => source[Symbol.iterator]())
    .map((iterator) => ({ iterator, step: iterator.next() }))
  for (;;) {
    let best: (typeof heads)[number] | undefined
    for (const head of heads) {
      if (head.step.done === true) continue
      const isEarlier =
        best === undefined ||
        head.step.value.timeMilliseconds < (best.step.value as JudgedDatagram).timeMilliseconds
      if (isEarlier) best = head
    }
    if (best === undefined) return
    yield best.step.value as JudgedDatagram
    best.step = best.iterator.next()
  }
}

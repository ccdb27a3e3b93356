/** One run of one collector: started on an empty folder, fed at a steady rate, ended, and what it kept is counted. */
import { join } from 'node:path'
import type { Sender } from '../load/client.js'
import type { Traffic } from '../load/traffic-kinds.js'
import { type Collector, octetsBelow, pause, startCollector, udpSocket } from '../service/collector.js'
import { withFolder } from '../service/folder.js'

export type Run = {
  readonly collector: string
  readonly datagramsPerSecond: number
  readonly sent: number
  readonly stored: number
  /** Datagrams that the kernel dropped before the collector. */
  readonly dropped: number
  /** User and system seconds from the port's opening to the process's end. */
  readonly processorSeconds: number
  readonly octets: number
  /** The rate that the sender really reached. */
  readonly reachedPerSecond: number
}

export type Feed = {
  readonly traffic: Traffic
  readonly datagramsPerSecond: number
  readonly seconds: number
}

const DRAIN_MILLISECONDS = 30_000
/** What is left in a collector's own buffers is written within so much. */
const SETTLE_MILLISECONDS = 1500

/** Throws when the collector cannot be started; its folder is gone afterwards. */
export function measure(collector: Collector, sender: Sender, feed: Feed): Promise<Run> {
  return withFolder('peers', (folder) => measureIn(folder, collector, sender, feed))
}

async function measureIn(folder: string, collector: Collector, sender: Sender, feed: Feed): Promise<Run> {
  const { traffic, seconds } = feed
  const datagramsPerSecond = Math.min(
    feed.datagramsPerSecond,
    collector.mostDatagramsPerSecond ?? Number.POSITIVE_INFINITY,
  )
  const running = await startCollector(collector, folder)
  const { port } = running
  let sent: Awaited<ReturnType<typeof fill>>
  try {
    sent = await fill(sender, { traffic, datagramsPerSecond, seconds }, port)
  } catch (error) {
    running.child.kill('SIGKILL')
    throw error
  }
  const processorSeconds = await running.stop()
  return {
    collector: collector.name,
    datagramsPerSecond,
    sent: sent.records,
    stored: await collector.stored(folder),
    dropped: sent.dropped,
    processorSeconds,
    octets: octetsBelow(join(folder, collector.kept)),
    reachedPerSecond: sent.datagrams / sent.seconds,
  }
}

/** Sends to a port until all is sent and the port's buffer is empty; also what the kernel dropped meanwhile. */
export async function fill(sender: Sender, feed: Feed, port: number) {
  const { traffic, datagramsPerSecond, seconds } = feed
  const datagrams = Math.round(datagramsPerSecond * seconds)
  const sending = await sender.prepare({ traffic, port, datagramsPerSecond, datagrams })
  const report = await sending.go()
  const deadline = Date.now() + DRAIN_MILLISECONDS
  while ((udpSocket(port)?.waiting ?? 0) > 0 && Date.now() < deadline) await pause(50)
  await pause(SETTLE_MILLISECONDS)
  return { ...report, dropped: udpSocket(port)?.drops ?? 0 }
}

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
  /** Records stored behind the warm-up: those that the seconds are about. */
  readonly measured: number
  /** User and system seconds from the end of the warm-up to the process's end. */
  readonly processorSeconds: number
  readonly octets: number
  /** Of them the lines as received, where they are kept beside what was read from them. */
  readonly lineOctets: number | undefined
  /** The rate that the sender really reached. */
  readonly reachedPerSecond: number
}

export type Feed = {
  readonly traffic: Traffic
  readonly datagramsPerSecond: number
  readonly seconds: number
  /** Sent before, and not measured: compilers and caches begin cold. */
  readonly warmUpSeconds: number
}

const DRAIN_MILLISECONDS = 30_000
/** What is left in a collector's own buffers is written within so much. */
const SETTLE_MILLISECONDS = 1500

/** Throws when the collector cannot be started; its folder is gone afterwards. */
export function measure(collector: Collector, sender: Sender, feed: Feed): Promise<Run> {
  return withFolder('peers', (folder) => measureIn(folder, collector, sender, feed))
}

async function measureIn(folder: string, collector: Collector, sender: Sender, feed: Feed): Promise<Run> {
  const { traffic, seconds, warmUpSeconds } = feed
  const datagramsPerSecond = Math.min(
    feed.datagramsPerSecond,
    collector.mostDatagramsPerSecond ?? Number.POSITIVE_INFINITY,
  )
  const running = await startCollector(collector, folder)
  const { port } = running
  let warmUp: Awaited<ReturnType<typeof fill>>
  let sent: Awaited<ReturnType<typeof fill>>
  let secondsBefore: number
  try {
    warmUp = await fill(sender, { traffic, datagramsPerSecond, seconds: warmUpSeconds }, port)
    secondsBefore = running.seconds()
    sent = await fill(sender, { traffic, datagramsPerSecond, seconds }, port)
  } catch (error) {
    running.child.kill('SIGKILL')
    throw error
  }
  const processorSeconds = (await running.stop()) - secondsBefore
  const stored = await collector.stored(folder)
  return {
    collector: collector.name,
    datagramsPerSecond,
    sent: warmUp.records + sent.records,
    stored,
    measured: stored - warmUp.records,
    dropped: sent.dropped,
    processorSeconds,
    octets: octetsBelow(join(folder, collector.kept)),
    lineOctets: await collector.lines?.(folder),
    reachedPerSecond: sent.datagrams / sent.seconds,
  }
}

/** Sends to a port until all is sent and the port's buffer is empty; also what the kernel dropped meanwhile. */
export async function fill(sender: Sender, feed: Omit<Feed, 'warmUpSeconds'>, port: number) {
  const { traffic, datagramsPerSecond, seconds } = feed
  const datagrams = Math.round(datagramsPerSecond * seconds)
  const sending = await sender.prepare({ traffic, port, datagramsPerSecond, datagrams })
  const report = await sending.go()
  const deadline = Date.now() + DRAIN_MILLISECONDS
  while ((udpSocket(port)?.waiting ?? 0) > 0 && Date.now() < deadline) await pause(50)
  await pause(SETTLE_MILLISECONDS)
  return { ...report, dropped: udpSocket(port)?.drops ?? 0 }
}

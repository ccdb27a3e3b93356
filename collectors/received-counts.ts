/** The reports of several receiving threads as that of one. */
import type { ReceivedReport } from '#core/metrics.js'

export function sumReceived(all: readonly ReceivedReport[]): ReceivedReport {
  const byKey = (read: (report: ReceivedReport) => Readonly<Record<string, number>> | undefined) => {
    const sums: Record<string, number> = {}
    for (const one of all) {
      for (const [key, count] of Object.entries(read(one) ?? {})) sums[key] = (sums[key] ?? 0) + count
    }
    return sums
  }
  const drops = all.flatMap(({ lastDropMilliseconds = [] }) => lastDropMilliseconds)
  const kernelDrops = all.flatMap(({ lastKernelDropMilliseconds = [] }) => lastKernelDropMilliseconds)
  const stops = all.flatMap(({ stopped = [] }) => stopped)
  // All look at one disk: the first to notice tells since when.
  const stopped = stops.toSorted((one, other) => one.sinceMilliseconds - other.sinceMilliseconds)[0]
  return {
    undecoded: byKey((one) => one.undecoded),
    tcp: byKey((one) => one.tcp),
    ipfixStreams: byKey((one) => one.ipfixStreams),
    ...(drops.length === 0 ? {} : { lastDropMilliseconds: Math.max(...drops) }),
    ...(kernelDrops.length === 0 ? {} : { lastKernelDropMilliseconds: Math.max(...kernelDrops) }),
    ...(stopped === undefined ? {} : { stopped }),
    refusedPeers: all.flatMap(({ refusedPeers = [] }) => refusedPeers),
    ...(all.some(({ kernelDrops }) => kernelDrops !== undefined)
      ? { kernelDrops: byKey((one) => one.kernelDrops) }
      : {}),
  }
}

/** The counts of several receiving threads as those of one. */
import type { ReceivedCounts } from '#core/metrics.js'

export function sumReceived(all: readonly ReceivedCounts[]): ReceivedCounts {
  const sum = (read: (counts: ReceivedCounts) => number) => all.reduce((total, one) => total + read(one), 0)
  const byKey = (read: (counts: ReceivedCounts) => Readonly<Record<string, number>> | undefined) => {
    const sums: Record<string, number> = {}
    for (const one of all) {
      for (const [key, count] of Object.entries(read(one) ?? {})) sums[key] = (sums[key] ?? 0) + count
    }
    return sums
  }
  const drops = all.flatMap(({ lastDropMilliseconds = [] }) => lastDropMilliseconds)
  const stops = all.flatMap(({ stopped = [] }) => stopped)
  // All look at one disk: the first to notice tells since when.
  const stopped = stops.toSorted((one, other) => one.sinceMilliseconds - other.sinceMilliseconds)[0]
  return {
    datagrams: sum((one) => one.datagrams),
    octets: sum((one) => one.octets),
    rows: sum((one) => one.rows),
    blocks: sum((one) => one.blocks),
    blockOctets: sum((one) => one.blockOctets),
    droppedRows: sum((one) => one.droppedRows),
    overQuota: sum((one) => one.overQuota),
    storeFailures: sum((one) => one.storeFailures),
    truncated: sum((one) => one.truncated),
    garbageCollection: {
      seconds: sum((one) => one.garbageCollection.seconds),
      runs: sum((one) => one.garbageCollection.runs),
    },
    undecoded: byKey((one) => one.undecoded),
    tcp: byKey((one) => one.tcp),
    ipfixStreams: byKey((one) => one.ipfixStreams),
    ...(drops.length === 0 ? {} : { lastDropMilliseconds: Math.max(...drops) }),
    ...(stopped === undefined ? {} : { stopped }),
    refusedPeers: all.flatMap(({ refusedPeers = [] }) => refusedPeers),
    ...(all.some(({ kernelDrops }) => kernelDrops !== undefined)
      ? { kernelDrops: byKey((one) => one.kernelDrops) }
      : {}),
  }
}

// The unit of simulated traffic, and the merge that puts many behaviours into one order of time.
// An activity is one packet, or a burst of packets of one direction of one flow that are cheap to treat at once.
// ICMP is always packet by packet; bulk TCP comes in bursts of at most MAX_BURST_MILLISECONDS.
import type { Host } from './network.js'

/** The longest span of one burst in milliseconds: short against every flow timeout in use. */
export const MAX_BURST_MILLISECONDS = 5000

/** 0: from initiator to responder, 1: back. */
export type Direction = 0 | 1

/** A burst of packets of one direction of one flow. */
export interface Activity {
  /** First packet, in epoch milliseconds. */
  timeMilliseconds: number
  /** Time from the first packet to the last, in milliseconds. */
  spanMilliseconds: number
  source: Host
  destination: Host
  protocolIdentifier: number
  /** 0 for protocols without ports. */
  sourceTransportPort: number
  destinationTransportPort: number
  /** ICMP or ICMPv6 type and code; 0 for other protocols. */
  icmpType: number
  icmpCode: number
  /** ICMP echo identifier (RFC 792): in no flow record, but firewalls key their sessions by it. */
  icmpIdentifier: number
  packets: number
  /** IP total lengths summed (headers included). */
  octets: number
  tcpControlBits: number
  ipClassOfService: number
  direction: Direction
  /** What an application-aware device would call it; '' when it could not tell. */
  application: string
  /** True when the firewall on the way refuses it: exporters before the firewall still see it. */
  denied: boolean
}

/**
 * A behaviour yields batches. Within a batch the first activity is the earliest, and the first activities of
 * successive batches never go back in time; the others may lie later than the next batch.
 */
export type Behaviour = Iterator<Activity[], void, undefined>

/** TCP control bits as in IE 6 (RFC 9293 §3.1). */
export const TCP = { FIN: 0x01, SYN: 0x02, RST: 0x04, PSH: 0x08, ACK: 0x10 } as const

interface Entry {
  time: number
  order: number
  activity: Activity
  behaviour: Behaviour | undefined
  batch: Activity[] | undefined
}

function precedes(left: Entry, right: Entry): boolean {
  return left.time < right.time || (left.time === right.time && left.order < right.order)
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.length
  heap.push(entry)
  while (index > 0) {
    const parentIndex = (index - 1) >> 1
    const parent = heap[parentIndex]!
    if (!precedes(entry, parent)) break
    heap[index] = parent
    index = parentIndex
  }
  heap[index] = entry
}

/** Puts `entry` where the root was and restores the heap. */
function replaceRoot(heap: Entry[], entry: Entry): void {
  const size = heap.length
  let index = 0
  for (;;) {
    let childIndex = index * 2 + 1
    if (childIndex >= size) break
    if (childIndex + 1 < size && precedes(heap[childIndex + 1]!, heap[childIndex]!)) childIndex += 1
    const child = heap[childIndex]!
    if (!precedes(child, entry)) break
    heap[index] = child
    index = childIndex
  }
  heap[index] = entry
}

function nextBatch(behaviour: Behaviour): Activity[] | undefined {
  for (;;) {
    const step = behaviour.next()
    if (step.done === true) return undefined
    if (step.value.length > 0) return step.value
  }
}

/** Merges behaviours by time, ties in the order of their creation, until `endMilliseconds` (excluded). */
export function* mergeByTime(
  behaviours: Iterable<Behaviour>,
  endMilliseconds: number,
): Generator<Activity, void> {
  const heap: Entry[] = []
  let order = 0
  const add = (activity: Activity, behaviour?: Behaviour, batch?: Activity[]) => {
    push(heap, { time: activity.timeMilliseconds, order: order++, activity, behaviour, batch })
  }
  for (const behaviour of behaviours) {
    const batch = nextBatch(behaviour)
    if (batch !== undefined) add(batch[0]!, behaviour, batch)
  }
  while (heap.length > 0) {
    const entry = heap[0]!
    if (entry.time >= endMilliseconds) return
    const { activity, behaviour, batch } = entry
    const following = behaviour === undefined ? undefined : nextBatch(behaviour)
    if (following === undefined) {
      const last = heap.pop()!
      if (heap.length > 0) replaceRoot(heap, last)
    } else {
      // The entry is reused for the behaviour's next batch; the rest of this batch is pushed below.
      entry.activity = following[0]!
      entry.batch = following
      entry.time = entry.activity.timeMilliseconds
      entry.order = order++
      replaceRoot(heap, entry)
    }
    if (batch !== undefined) for (let index = 1; index < batch.length; index += 1) add(batch[index]!)
    yield activity
  }
}

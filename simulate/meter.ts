// A flow meter: a cache keyed by addresses, protocol, ports and ICMP type and code, which turns packets observed
// in time order into flow records. A burst is accounted at its first packet and ends at its last one.
import { type Activity, TCP } from './activity.js'
import { FLOW_END, type FlowRecord } from './flow-record.js'
import type { Random } from './random.js'

export type { FlowRecord } from './flow-record.js'

/** Settings of a meter. */
export interface MeterOptions {
  activeTimeoutMilliseconds: number
  idleTimeoutMilliseconds: number
  /** Flows that are due are ended only so often, and counted on until then; by default at once. */
  sweepMilliseconds?: number
  maximumFlows?: number
  /** Packets are counted with probability 1/samplingInterval, and counted as they are. */
  samplingInterval?: number
  biflow?: boolean
  /** Needed when sampling. */
  random?: Random
  /** Receives each ended flow and the time at which the meter ended it. The record is the receiver's. */
  emit: (record: FlowRecord, timeMilliseconds: number) => void
}

/** A flow meter in use. */
export interface Meter {
  /** Observes packets at `activity.timeMilliseconds`; `packets` and `octets` override the activity's own. */
  observe(
    activity: Activity,
    ingressInterface: number,
    egressInterface: number,
    packets?: number,
    octets?: number,
  ): void
  /** Ends the flows that are due at this time. */
  advance(timeMilliseconds: number): void
  /** Ends every flow (reason 4). */
  flush(timeMilliseconds: number): void
  /** Forgets every flow without a record, as a restart does. */
  clear(): void
  /** Flows in the cache. */
  size(): number
}

interface Entry extends FlowRecord {
  hash: number
  sibling: Entry | undefined
  olderUse: Entry | undefined
  newerUse: Entry | undefined
  olderStart: Entry | undefined
  newerStart: Entry | undefined
}

const REVERSE_ICMP_TYPE: Readonly<Record<number, number>> = { 8: 0, 0: 8, 128: 129, 129: 128 }

function reverseIcmpType(type: number): number {
  return REVERSE_ICMP_TYPE[type] ?? -1
}

function hashOf(
  from: number,
  to: number,
  protocol: number,
  fromPort: number,
  toPort: number,
  type: number,
): number {
  let hash = Math.imul(from, 0x9e3779b1) ^ Math.imul(to, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15) ^ ((fromPort << 16) | toPort), 0x2c1b3c6d)
  hash = Math.imul(hash ^ (hash >>> 13) ^ ((protocol << 16) | type), 0x297a2d39)
  return (hash ^ (hash >>> 16)) & 0x3fff_ffff
}

/** Creates a meter with an empty cache. */
export function createMeter(options: MeterOptions): Meter {
  const { activeTimeoutMilliseconds, idleTimeoutMilliseconds, samplingInterval = 1, random, emit } = options
  const maximumFlows = options.maximumFlows ?? 65_536
  const biflow = options.biflow ?? false
  const sweepMilliseconds = options.sweepMilliseconds ?? 0
  let nextSweep = Number.NEGATIVE_INFINITY
  const buckets = new Map<number, Entry>()
  let count = 0
  // Two lists run through the cache: by last use (idle timeout) and by start (active timeout).
  let leastUsed: Entry | undefined
  let mostUsed: Entry | undefined
  let oldest: Entry | undefined
  let newest: Entry | undefined

  function appendUse(entry: Entry): void {
    entry.olderUse = mostUsed
    entry.newerUse = undefined
    if (mostUsed === undefined) leastUsed = entry
    else mostUsed.newerUse = entry
    mostUsed = entry
  }

  function detachUse(entry: Entry): void {
    if (entry.olderUse === undefined) leastUsed = entry.newerUse
    else entry.olderUse.newerUse = entry.newerUse
    if (entry.newerUse === undefined) mostUsed = entry.olderUse
    else entry.newerUse.olderUse = entry.olderUse
  }

  function appendStart(entry: Entry): void {
    entry.olderStart = newest
    if (newest === undefined) oldest = entry
    else newest.newerStart = entry
    newest = entry
  }

  function detachStart(entry: Entry): void {
    if (entry.olderStart === undefined) oldest = entry.newerStart
    else entry.olderStart.newerStart = entry.newerStart
    if (entry.newerStart === undefined) newest = entry.olderStart
    else entry.newerStart.olderStart = entry.olderStart
  }

  function remove(entry: Entry): void {
    const head = buckets.get(entry.hash)!
    if (head === entry) {
      if (entry.sibling === undefined) buckets.delete(entry.hash)
      else buckets.set(entry.hash, entry.sibling)
    } else {
      let before = head
      while (before.sibling !== entry) before = before.sibling!
      before.sibling = entry.sibling
    }
    detachUse(entry)
    detachStart(entry)
    entry.sibling = entry.olderUse = entry.newerUse = entry.olderStart = entry.newerStart = undefined
    count -= 1
  }

  function end(entry: Entry, reason: number, timeMilliseconds: number): void {
    remove(entry)
    entry.flowEndReason = reason
    emit(entry, timeMilliseconds)
  }

  function advance(time: number): void {
    if (sweepMilliseconds > 0) {
      if (time < nextSweep) return
      nextSweep = time + sweepMilliseconds
    }
    while (leastUsed !== undefined && time - leastUsed.endMilliseconds >= idleTimeoutMilliseconds) {
      end(leastUsed, FLOW_END.idle, time)
    }
    while (oldest !== undefined && time - oldest.startMilliseconds >= activeTimeoutMilliseconds) {
      end(oldest, FLOW_END.active, time)
    }
  }

  function find(activity: Activity, reversed: boolean): Entry | undefined {
    const source = reversed ? activity.destination : activity.source
    const destination = reversed ? activity.source : activity.destination
    const sourcePort = reversed ? activity.destinationTransportPort : activity.sourceTransportPort
    const destinationPort = reversed ? activity.sourceTransportPort : activity.destinationTransportPort
    const { protocolIdentifier } = activity
    const isIcmp = protocolIdentifier === 1 || protocolIdentifier === 58
    const type = reversed && isIcmp ? reverseIcmpType(activity.icmpType) : activity.icmpType
    const hash = hashOf(source.id, destination.id, protocolIdentifier, sourcePort, destinationPort, type)
    let entry = buckets.get(hash)
    while (entry !== undefined) {
      if (
        entry.source.id === source.id &&
        entry.destination.id === destination.id &&
        entry.protocolIdentifier === protocolIdentifier &&
        entry.sourceTransportPort === sourcePort &&
        entry.destinationTransportPort === destinationPort &&
        entry.icmpType === type &&
        entry.icmpCode === activity.icmpCode
      ) {
        return entry
      }
      entry = entry.sibling
    }
    return undefined
  }

  function insert(activity: Activity, ingressInterface: number, egressInterface: number): Entry {
    const { source, destination, protocolIdentifier, sourceTransportPort, destinationTransportPort } =
      activity
    const { icmpType, timeMilliseconds } = activity
    const hash = hashOf(
      source.id,
      destination.id,
      protocolIdentifier,
      sourceTransportPort,
      destinationTransportPort,
      icmpType,
    )
    const entry: Entry = {
      source,
      destination,
      protocolIdentifier,
      sourceTransportPort,
      destinationTransportPort,
      icmpType,
      icmpCode: activity.icmpCode,
      ipClassOfService: activity.ipClassOfService,
      ingressInterface,
      egressInterface,
      startMilliseconds: timeMilliseconds,
      endMilliseconds: timeMilliseconds,
      packets: 0,
      octets: 0,
      tcpControlBits: 0,
      flowEndReason: 0,
      flowDirection: 0,
      direction: activity.direction,
      application: activity.application,
      reversePackets: 0,
      reverseOctets: 0,
      reverseTcpControlBits: 0,
      hash,
      sibling: buckets.get(hash),
      olderUse: undefined,
      newerUse: undefined,
      olderStart: undefined,
      newerStart: undefined,
    }
    buckets.set(hash, entry)
    appendUse(entry)
    appendStart(entry)
    count += 1
    return entry
  }

  /** The cached flow, unless it is due: then it is ended here, however late the next sweep would come. */
  function findLive(activity: Activity, reversed: boolean): Entry | undefined {
    const entry = find(activity, reversed)
    if (entry === undefined) return undefined
    if (sweepMilliseconds > 0) return entry
    const time = activity.timeMilliseconds
    if (time - entry.endMilliseconds >= idleTimeoutMilliseconds) end(entry, FLOW_END.idle, time)
    else if (time - entry.startMilliseconds >= activeTimeoutMilliseconds) end(entry, FLOW_END.active, time)
    else return entry
    return undefined
  }

  return {
    observe(activity, ingressInterface, egressInterface, seenPackets, seenOctets) {
      let packets = seenPackets ?? activity.packets
      let octets = seenOctets ?? activity.octets
      if (samplingInterval > 1 && random !== undefined) {
        const sampled = random.binomial(packets, 1 / samplingInterval)
        octets = sampled === packets ? octets : Math.round((octets * sampled) / packets)
        packets = sampled
      }
      const time = activity.timeMilliseconds
      advance(time)
      if (packets === 0) return
      let reversed = false
      let entry = findLive(activity, false)
      if (entry === undefined && biflow) {
        entry = findLive(activity, true)
        reversed = entry !== undefined
      }
      if (entry === undefined) {
        if (count >= maximumFlows && leastUsed !== undefined) end(leastUsed, FLOW_END.lackOfResources, time)
        entry = insert(activity, ingressInterface, egressInterface)
      }
      const last = time + activity.spanMilliseconds
      if (last > entry.endMilliseconds) entry.endMilliseconds = last
      if (reversed) {
        entry.reversePackets += packets
        entry.reverseOctets += octets
        entry.reverseTcpControlBits |= activity.tcpControlBits
      } else {
        entry.packets += packets
        entry.octets += octets
        entry.tcpControlBits |= activity.tcpControlBits
      }
      const { tcpControlBits } = activity
      const closed = biflow
        ? (entry.tcpControlBits & entry.reverseTcpControlBits & TCP.FIN) !== 0 ||
          (tcpControlBits & TCP.RST) !== 0
        : (tcpControlBits & (TCP.FIN | TCP.RST)) !== 0
      if (closed) {
        end(entry, FLOW_END.endOfFlow, time)
      } else if (entry !== mostUsed) {
        detachUse(entry)
        appendUse(entry)
      }
    },
    advance,
    flush(time) {
      while (oldest !== undefined) end(oldest, FLOW_END.forced, time)
    },
    clear() {
      buckets.clear()
      leastUsed = mostUsed = oldest = newest = undefined
      count = 0
    },
    size: () => count,
  }
}

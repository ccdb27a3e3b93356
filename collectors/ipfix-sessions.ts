/**
 * IPFIX sessions over TCP and TLS: one decoder for all of them, a set of templates for each, which ends with its
 * connection (RFC 7011 §8), and what is left to show of an exporter when it has gone.
 */
import { type Address, formatAddress, parseAddress } from '#core/records/address.js'
import type { NetflowDecoder } from './netflow/decoder.js'
import type { Exporter } from './netflow/template-store.js'
import type { IpfixSession } from './stream/ipfix-tcp.js'

/** Exporters that are remembered; the one that was away longest is forgotten first. */
const MAX_REMEMBERED = 4096

/** Counts of connections that have ended. */
export type PastCounts = {
  datagrams: number
  octets: number
  records: number
  undecoded: Map<string, number>
  firstSeenMilliseconds: number
  lastSeenMilliseconds: number
}

/** A device, by address, listener and transport, with its connections. */
export type StreamExporter = {
  readonly address: Address
  readonly listenerPort: number
  readonly transport: number
  readonly sessions: Set<Exporter>
  readonly past: PastCounts
}

export type IpfixSessions = {
  readonly exporters: ReadonlyMap<string, StreamExporter>
  /** A session for a new connection; undefined when its address cannot be read, or there are too many. */
  open(address: string, listenerPort: number, transport: number): IpfixSession | undefined
}

export function createIpfixSessions(
  decoder: NetflowDecoder,
  now: () => number,
  onMessage: (octets: number) => void,
): IpfixSessions {
  const exporters = new Map<string, StreamExporter>()

  const remember = (address: Address, listenerPort: number, transport: number): StreamExporter => {
    const key = `${formatAddress(address)}|${listenerPort}|${transport}`
    const known = exporters.get(key)
    if (known !== undefined) return known
    if (exporters.size >= MAX_REMEMBERED) {
      for (const [oldest, { sessions }] of exporters) {
        if (sessions.size > 0) continue
        exporters.delete(oldest)
        break
      }
    }
    const past: PastCounts = {
      datagrams: 0,
      octets: 0,
      records: 0,
      undecoded: new Map(),
      firstSeenMilliseconds: 0,
      lastSeenMilliseconds: 0,
    }
    const exporter = { address, listenerPort, transport, sessions: new Set<Exporter>(), past }
    exporters.set(key, exporter)
    return exporter
  }

  return {
    exporters,
    open(text, listenerPort, transport) {
      const address = parseAddress(text)
      const session =
        address === undefined ? undefined : decoder.store.session(address, listenerPort, transport)
      if (address === undefined || session === undefined) return undefined
      const { sessions, past } = remember(address, listenerPort, transport)
      sessions.add(session)
      return {
        message(octets) {
          onMessage(octets.length)
          const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
          decoder.message(view, octets.length, session, now())
        },
        close() {
          for (const { statistics } of session.domains.values()) {
            past.datagrams += statistics.datagrams
            past.octets += statistics.octets
            past.records += statistics.records
            for (const [reason, count] of statistics.undecoded)
              past.undecoded.set(reason, (past.undecoded.get(reason) ?? 0) + count)
            past.firstSeenMilliseconds ||= statistics.firstSeenMilliseconds
            past.lastSeenMilliseconds = Math.max(past.lastSeenMilliseconds, statistics.lastSeenMilliseconds)
          }
          sessions.delete(session)
          decoder.endSession(session)
        },
      }
    },
  }
}

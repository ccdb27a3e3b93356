/**
 * Who sent a row: the transport session without the source port (decision 8), the observation domain and the protocol.
 */
import type { Address } from './address.js'
import { formatAddress } from './address.js'

/** Code of a protocol on disk → the name in JSON. */
export const protocolVersionNames: ReadonlyMap<number, number | string> = new Map<number, number | string>([
  [1, 1],
  [5, 5],
  [7, 7],
  [9, 9],
  [10, 10],
  [105, 'sflow5'],
  [200, 'syslog'],
])

export const SYSLOG_PROTOCOL = 200

export const transportNames = ['udp', 'tcp', 'tls'] as const

/** An exporter's observation domain as a row refers to it. */
export type ExporterIdentity = {
  readonly address: Address
  readonly listenerPort: number
  /** 0 UDP, 1 TCP, 2 TLS. */
  readonly transport: number
  /** A key of protocolVersionNames. */
  readonly protocol: number
  readonly observationDomainId: number
  /** sFlow: the agent that the datagrams name, where that is not the address they come from (relays, NAT, loopbacks). */
  readonly agentAddress?: Address
}

/** One text for one identity, stable over restarts. */
export function exporterKey(identity: ExporterIdentity): string {
  return [
    formatAddress(identity.address),
    identity.listenerPort,
    transportNames[identity.transport],
    protocolVersionNames.get(identity.protocol) ?? identity.protocol,
    identity.observationDomainId,
    ...(identity.agentAddress === undefined ? [] : [formatAddress(identity.agentAddress)]),
  ].join('|')
}

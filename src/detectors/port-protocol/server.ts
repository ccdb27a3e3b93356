/**
 * Who is the server of a conversation. Certain facts first (a lone SYN, a biflow's or a firewall's direction), then the
 * ports, then what is known of the two ends from other conversations, then who spoke first. When none of them tells,
 * nothing is reported about the conversation.
 */
import { registeredService } from '../../iana/services.js'
import { isUsualPort, TCP, UDP } from './expected.js'

/** Ports below are given out by the system alone (RFC 6335 §6). */
const FIRST_USER_PORT = 1024
/** Client ports begin here on Linux; the IANA range (RFC 6335) and Windows begin at 49152. */
export const FIRST_EPHEMERAL_PORT = 32_768

/** Well-known, but of clients: RFC 2131 §4.1, RFC 8415 §7.2. */
const DHCP_CLIENT_PORTS: ReadonlySet<number> = new Set([68, 546])

export type Ends = {
  readonly protocolIdentifier: number
  readonly lowPort: number
  readonly highPort: number
  readonly lowIsInside: boolean
  readonly highIsInside: boolean
  /** Certain: 1 the lower end opened, 2 the higher, 0 unknown. */
  readonly opener: 0 | 1 | 2
  /** Which end's first record began earlier, likewise. */
  readonly firstSpeaker: 0 | 1 | 2
  /** Other ends that each end's port was seen with; only looked at when ports do not tell. */
  readonly lowPeers: number
  readonly highPeers: number
}

/** How the server was told: `certain` allows judging odd ports, `likely` only those that the ports tell. */
export type ServerVerdict = { readonly server: 0 | 1; readonly confidence: 'certain' | 'likely' } | undefined

/** Answers are asked for with every conversation, so they are made once: by the server. */
const certain = [
  { server: 0, confidence: 'certain' },
  { server: 1, confidence: 'certain' },
] as const
const likely = [
  { server: 0, confidence: 'likely' },
  { server: 1, confidence: 'likely' },
] as const

/** 0 when the lower end is the server, 1 when the higher is; undefined when it cannot be told. */
export function serverOf(ends: Ends): ServerVerdict {
  const { protocolIdentifier, lowPort, highPort, opener, firstSpeaker, lowPeers, highPeers } = ends
  if (opener !== 0) return certain[opener === 1 ? 1 : 0]
  if (lowPort === highPort) return samePort(ends)
  const clear = clearServer(protocolIdentifier, lowPort, highPort)
  if (clear >= 0) return certain[clear as 0 | 1]
  const low = rank(protocolIdentifier, lowPort)
  const high = rank(protocolIdentifier, highPort)
  if (lowPeers >= 2 !== highPeers >= 2) return certain[lowPeers > highPeers ? 0 : 1]
  if (low !== high) return likely[low > high ? 0 : 1]
  if (firstSpeaker !== 0) return likely[firstSpeaker === 1 ? 1 : 0]
  return undefined
}

/** The server where a service's port meets a client's, so that nothing else is asked: 0 low, 1 high; -1 otherwise. */
export function clearServer(protocolIdentifier: number, lowPort: number, highPort: number): number {
  const low = rank(protocolIdentifier, lowPort)
  const high = rank(protocolIdentifier, highPort)
  // Address translation also hands out ports between the two ranges.
  const isClear = Math.min(lowPort, highPort) < FIRST_USER_PORT || Math.min(low, high) === 0
  return isClear && Math.abs(low - high) >= 2 ? (low > high ? 0 : 1) : -1
}

/** Ranks of all ports, by whether the protocol is UDP: asked for with every conversation. */
const ranks: readonly [Uint8Array, Uint8Array] = [new Uint8Array(65_536), new Uint8Array(65_536)]
for (let port = 0; port < 65_536; port++) {
  ranks[0][port] = rankOf(TCP, port)
  ranks[1][port] = rankOf(UDP, port)
}

/** Protocols without ports have 0 for both, which ranks alike. */
function rank(protocolIdentifier: number, port: number): number {
  return ranks[protocolIdentifier === UDP ? 1 : 0][port]!
}

/** 5: usual, 4: below 1024, 3: registered, 2: neither, 0: a port that systems give to clients. */
function rankOf(protocolIdentifier: number, port: number): number {
  if (protocolIdentifier === UDP && DHCP_CLIENT_PORTS.has(port)) return 0
  if (isUsualPort(protocolIdentifier, port)) return 5
  if (port < FIRST_USER_PORT) return 4
  if (port >= FIRST_EPHEMERAL_PORT) return 0
  return registeredService(protocolIdentifier, port) === undefined ? 2 : 3
}

/** NTP, IKE, syslog and old name servers use one port at both ends. */
function samePort({ lowIsInside, highIsInside, lowPeers, highPeers, firstSpeaker }: Ends): ServerVerdict {
  if (lowIsInside !== highIsInside) return certain[lowIsInside ? 1 : 0]
  if (lowPeers !== highPeers) return likely[lowPeers > highPeers ? 0 : 1]
  if (firstSpeaker !== 0) return likely[firstSpeaker === 1 ? 1 : 0]
  return likely[1]
}

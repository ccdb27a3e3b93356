/** IPFIX over TCP and TLS (RFC 7011 §10.4, §11): every connection is a transport session with a framer of its own. */
import { IpfixFramer, ipfixFramingFaults } from './ipfix-framing.js'
import { type ConnectionListener, createConnectionListener, type ListenerLimits } from './listener.js'

const reasons = [...ipfixFramingFaults, 'truncated'] as const

/** What can be wrong with a stream of IPFIX. */
export type IpfixStreamReason = (typeof reasons)[number]

/** A transport session; templates live as long as it does (RFC 7011 §8). */
export type IpfixSession = {
  /** One whole message, valid until the call returns. */
  message(octets: Uint8Array): void
  close(): void
}

export type IpfixListenerOptions = ListenerLimits & {
  /** A session for a peer's address; undefined when there can be none. */
  readonly open: (address: string) => IpfixSession | undefined
}

export type IpfixListener = ConnectionListener<IpfixStreamReason>

/** Exporters of quiet networks may say nothing for long, and must send all templates again after a close. */
const DEFAULT_IDLE_TIMEOUT_MILLISECONDS = 60 * 60_000

/** Makes a listener for IPFIX. */
export function createIpfixListener(options: IpfixListenerOptions): IpfixListener {
  return createConnectionListener({
    idleTimeoutMilliseconds: DEFAULT_IDLE_TIMEOUT_MILLISECONDS,
    ...options,
    reasons,
    open(address, count) {
      const session = options.open(address)
      if (session === undefined) return undefined
      const framer = new IpfixFramer((octets) => session.message(octets))
      let isBroken = false
      return {
        take(octets) {
          const fault = framer.push(octets)
          if (fault === undefined) return true
          isBroken = true
          count(fault)
          return false
        },
        get messages() {
          return framer.messages
        },
        get isPending() {
          return framer.pending > 0
        },
        end() {
          if (framer.pending > 0 && !isBroken) count('truncated')
          session.close()
        },
      }
    },
  })
}

/**
 * Syslog over TCP (RFC 6587) and TLS (RFC 5425): every connection has a framer of its own. Octet counting is the standard's
 * framing over TLS, but devices send lines over it as they do over TCP, so both are told apart there too.
 */
import { Framer, type FramingReason, framingReasons } from './framing.js'
import { type ConnectionListener, createConnectionListener, type ListenerLimits } from './listener.js'

export type SyslogListenerOptions = ListenerLimits & {
  readonly maxFrameOctets?: number
  /** One message from a peer's address; the octets are valid until the call returns. */
  readonly onFrame: (address: string, octets: Uint8Array, start: number, end: number) => void
}

export type SyslogListener = ConnectionListener<FramingReason>

/**
 * Some senders end a message when the next one begins, so an end that does not come is no fault for a while; what is
 * there is kept as a message when the connection is closed.
 */
const DEFAULT_MESSAGE_TIMEOUT_MILLISECONDS = 5 * 60_000

/** Makes a listener for syslog. */
export function createSyslogListener(options: SyslogListenerOptions): SyslogListener {
  const { maxFrameOctets, onFrame } = options
  return createConnectionListener({
    messageTimeoutMilliseconds: DEFAULT_MESSAGE_TIMEOUT_MILLISECONDS,
    ...options,
    reasons: framingReasons,
    open(address, count) {
      const framer = new Framer({
        onFrame: (octets, start, end) => onFrame(address, octets, start, end),
        onReason: count,
        ...(maxFrameOctets === undefined ? {} : { maxFrameOctets }),
      })
      return {
        take: (octets) => framer.push(octets),
        get messages() {
          return framer.messages
        },
        get isPending() {
          return framer.isPending
        },
        end: () => framer.end(),
      }
    },
  })
}

/** Where datagrams come from: one small interface, so that ways of receiving can be exchanged. */
import type { Address } from '#core/records/address.js'
import type { LinuxSocket } from './linux-socket.js'

/**
 * Takes one datagram: `length` octets at the start of `view`, which may be longer and is valid until the call returns.
 * Equal senders come as the same address object. The time is when the datagram was read, not when it arrived.
 */
export type DatagramHandler = (
  view: DataView,
  length: number,
  source: Address,
  receivedMilliseconds: number,
) => void

export type DatagramSource = {
  /** Opens the socket, where none was given; throws PORT_UNAVAILABLE. */
  start(): Promise<ListeningSocket>
  /** No datagram comes once this has resolved. */
  close(): Promise<void>
  readonly counts: {
    /** Datagrams that were longer than the room for them. */
    readonly truncated: number
  }
}

export type ListeningSocket = {
  readonly host: string
  readonly port: number
  /** Octets of receive buffer asked for, and what the kernel gave. */
  readonly bufferAsked: number
  readonly bufferGranted: number
  /** False where only IPv4 could be had. */
  readonly isDualStack: boolean
  /** By which /proc tells it from others of its port; undefined where it is the only one. */
  readonly inode?: number
}

export type DatagramSourceOptions = {
  readonly host: string
  readonly port: number
  readonly receiveBufferOctets: number
  /** A socket of recvmmsg that another thread opened, and will close. */
  readonly opened?: LinuxSocket
  readonly onDatagram: DatagramHandler
  readonly onError: (error: Error) => void
  readonly now: () => number
}

/** Sends datagrams at the pace of their own times, or as fast as the socket takes them. */
import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIPv6 } from 'node:net'

export type TimedPayload = {
  readonly timeMilliseconds: number
  readonly payload: Uint8Array
  readonly host: string
  readonly port: number
  /** The local address to send from; the system's choice when absent. */
  readonly from?: string
}

/** Datagrams handed to the socket before their sending is awaited; keeps the send buffer from overflowing. */
const BATCH = 32

/** Resolves with how many were sent. `speed` is a factor of the payloads' own time, infinite for no waiting. */
export async function sendTimed(
  payloads: Iterable<TimedPayload>,
  speed: number,
  options: { onSent?: (timeMilliseconds: number) => void; isStopped?: () => boolean } = {},
): Promise<number> {
  const sockets = new Map<string, Socket>()
  const socketFor = async (address: string, from: string | undefined) => {
    const type = isIPv6(address) ? 'udp6' : 'udp4'
    const key = from ?? type
    let socket = sockets.get(key)
    if (socket === undefined) {
      socket = createSocket(type)
      sockets.set(key, socket)
      if (from !== undefined) await bind(socket, from)
    }
    return socket
  }
  const resolved = new Map<string, string>()
  let sent = 0
  let began = 0
  let first: number | undefined
  let pending: Promise<void>[] = []
  try {
    for (const { timeMilliseconds, payload, host, port, from } of payloads) {
      if (options.isStopped?.() === true) break
      let address = resolved.get(host)
      if (address === undefined) {
        address = (await lookup(host)).address
        resolved.set(host, address)
      }
      first ??= timeMilliseconds
      if (began === 0) began = performance.now()
      const due = began + (timeMilliseconds - first) / speed
      const wait = due - performance.now()
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait))
      const socket = await socketFor(address, from)
      pending.push(
        new Promise((resolve, reject) => {
          socket.send(payload, port, address, (error) => (error === null ? resolve() : reject(error)))
        }),
      )
      sent++
      if (pending.length >= BATCH) {
        await Promise.all(pending)
        pending = []
        options.onSent?.(timeMilliseconds)
      }
    }
    await Promise.all(pending)
    return sent
  } finally {
    for (const socket of sockets.values()) socket.close()
  }
}

function bind(socket: Socket, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, address, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}

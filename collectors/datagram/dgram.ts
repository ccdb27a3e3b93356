/** Datagrams through Node's own sockets: works everywhere, about 2 µs a datagram. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { type Address, parseAddress } from '#core/records/address.js'
import { openOnHost } from './host.js'
import type { DatagramSource, DatagramSourceOptions, ListeningSocket } from './source.js'

/** Senders whose address objects are kept; beyond it, the cache begins anew. */
const MAX_SENDERS = 65_536
/** Turns of the event loop that a close may take for what the kernel holds; in each, Node takes some dozens of datagrams. */
const LAST_TURNS = 4096

export function createDgramSource(options: DatagramSourceOptions): DatagramSource {
  const { host, port, receiveBufferOctets, onDatagram, onError, now } = options
  const senders = new Map<string, Address>()
  let socket: Socket | undefined
  let closing: Promise<void> | undefined
  let received = 0

  const addressOf = (text: string): Address | undefined => {
    let address = senders.get(text)
    if (address === undefined) {
      address = parseAddress(text)
      if (address === undefined) return undefined
      if (senders.size >= MAX_SENDERS) senders.clear()
      senders.set(text, address)
    }
    return address
  }
  const receive = (message: Buffer, { address: text }: RemoteInfo) => {
    received++
    const address = addressOf(text)
    if (address === undefined) return
    onDatagram(
      new DataView(message.buffer, message.byteOffset, message.length),
      message.length,
      address,
      now(),
    )
  }
  /** Waits until a turn of the event loop has brought nothing: what came before the end is received. */
  const emptied = async () => {
    await nextTurn()
    for (let turn = 0, before = -1; turn < LAST_TURNS && received > before; turn++) {
      before = received
      await nextTurn()
    }
  }
  const end = async () => {
    if (socket === undefined) return
    await emptied()
    await new Promise<void>((resolve) => socket!.close(resolve))
  }

  return {
    // Node reads into 64 KiB: there is no longer datagram.
    counts: { truncated: 0 },
    async start() {
      // One socket for both families; IPv4 senders show as ::ffff:a.b.c.d, which parseAddress takes as IPv4.
      socket = await openOnHost(host, port, (on) => bind(on.includes(':') ? 'udp6' : 'udp4', on, port))
      socket.on('message', receive)
      socket.on('error', onError)
      return described(socket, receiveBufferOctets)
    },
    close() {
      closing ??= end()
      return closing
    },
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

function bind(family: 'udp4' | 'udp6', host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: family, ipv6Only: false })
    socket.once('error', reject)
    socket.bind(port, host, () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

function described(socket: Socket, asked: number): ListeningSocket {
  let granted = 0
  try {
    socket.setRecvBufferSize(asked)
  } catch {
    // Some systems refuse more than their limit instead of granting less; what there is shows below.
  }
  // Linux doubles what it grants, for its own bookkeeping.
  granted = process.platform === 'linux' ? socket.getRecvBufferSize() / 2 : socket.getRecvBufferSize()
  const { address, port, family } = socket.address()
  return { host: address, port, bufferAsked: asked, bufferGranted: granted, isDualStack: family === 'IPv6' }
}

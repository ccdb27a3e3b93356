/**
 * Sends the datagrams of a load to a port of 127.0.0.1: by sendmmsg through the optional package koffi, with the source
 * address of each in its control message, so that one socket speaks for all exporters; else by Node's own sockets.
 */
import { createSocket, type Socket } from 'node:dgram'
import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import { type Load, MAX_HELD, sourceAddress, sourceAddressText } from './load.js'

export type Transmitter = {
  readonly kind: 'sendmmsg' | 'dgram'
  /** Why it is not sendmmsg. */
  readonly fallback?: string
  /** Sends the next ones of the load, `MAX_HELD` at most. */
  send(count: number, epochMilliseconds: number): void | Promise<void>
  close(): void
}

const AF_INET = 2
const SOCK_DGRAM = 2
const SOL_SOCKET = 1
const SO_SNDBUF = 7
const IPPROTO_IP = 0
const IP_PKTINFO = 8
/** struct mmsghdr, iovec, sockaddr_in and a control message with in_pktinfo, of 64-bit Linux. */
const HEADER_OCTETS = 64
const IOVEC_OCTETS = 16
const NAME_OCTETS = 16
const CONTROL_OCTETS = 32
const CONTROL_LENGTH = 28
const SEND_BUFFER_OCTETS = 4 * 1024 * 1024
/** What a socket may say without being broken: its buffer is full, nobody listens, a signal came. */
const passingFaults = ['EAGAIN', 'ENOBUFS', 'ECONNREFUSED', 'EINTR']

type Koffi = {
  load(path: null): { func(name: string, result: string, types: string[]): (...values: unknown[]) => number }
  address(octets: Uint8Array): bigint
  errno(): number
}

/** Sends from the load's sources by whatever there is; throws when a socket cannot be opened. */
export async function openTransmitter(load: Load, port: number, onlyDgram = false): Promise<Transmitter> {
  const koffi = onlyDgram ? 'dgram was asked for' : loadKoffi()
  if (typeof koffi === 'string') return dgramTransmitter(load, port, koffi)
  return sendmmsgTransmitter(load, port, koffi)
}

function loadKoffi(): Koffi | string {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch))
    return 'sendmmsg is used on 64-bit Linux'
  try {
    return createRequire(import.meta.url)('koffi') as Koffi
  } catch (error) {
    return `the optional package koffi cannot be loaded: ${(error as Error).message.split('\n', 1)[0]}`
  }
}

function sendmmsgTransmitter(load: Load, port: number, koffi: Koffi): Transmitter {
  const libc = koffi.load(null)
  const socket = libc.func('socket', 'int', ['int', 'int', 'int'])
  const setsockopt = libc.func('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'uint'])
  const closeSocket = libc.func('close', 'int', ['int'])
  const sendmmsg = libc.func('sendmmsg', 'int', ['int', 'uintptr_t', 'uint', 'int'])
  const fd = socket(AF_INET, SOCK_DGRAM, 0)
  if (fd < 0) throw new Error(`socket: ${getSystemErrorName(-koffi.errno())}`)
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, new Uint8Array(Int32Array.of(SEND_BUFFER_OCTETS).buffer), 4)

  const headers = new DataView(new ArrayBuffer(MAX_HELD * HEADER_OCTETS))
  const iovecs = new DataView(new ArrayBuffer(MAX_HELD * IOVEC_OCTETS))
  const controls = new DataView(new ArrayBuffer(MAX_HELD * CONTROL_OCTETS))
  // A buffer of its own: small typed arrays lie in the heap, where they are moved.
  const name = new Uint8Array(new ArrayBuffer(NAME_OCTETS))
  name.set([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1])
  const addressOf = (octets: Uint8Array) => Number(koffi.address(octets))
  const place = (view: DataView) => addressOf(new Uint8Array(view.buffer))
  const headersAddress = place(headers)
  const arenaAddress = addressOf(load.arena)
  const putPointer = (view: DataView, offset: number, address: number) =>
    view.setBigUint64(offset, BigInt(address), true)
  for (let index = 0; index < MAX_HELD; index++) {
    const header = index * HEADER_OCTETS
    const control = index * CONTROL_OCTETS
    putPointer(headers, header, addressOf(name))
    headers.setUint32(header + 8, NAME_OCTETS, true)
    putPointer(headers, header + 16, place(iovecs) + index * IOVEC_OCTETS)
    putPointer(headers, header + 24, 1)
    putPointer(headers, header + 32, place(controls) + control)
    putPointer(headers, header + 40, CONTROL_OCTETS)
    putPointer(controls, control, CONTROL_LENGTH)
    controls.setInt32(control + 8, IPPROTO_IP, true)
    controls.setInt32(control + 12, IP_PKTINFO, true)
  }
  // What the kernel's structures point to must not be collected before the end.
  const held = [headers, iovecs, controls, name, load.arena]
  return {
    kind: 'sendmmsg',
    send(count, epochMilliseconds) {
      for (let index = 0; index < count; index++) {
        load.advance(epochMilliseconds)
        const address = arenaAddress + load.offset
        // Two halves: a BigInt would be made for each datagram.
        iovecs.setUint32(index * IOVEC_OCTETS, address % 0x1_0000_0000, true)
        iovecs.setUint32(index * IOVEC_OCTETS + 4, address / 0x1_0000_0000, true)
        iovecs.setUint32(index * IOVEC_OCTETS + 8, load.length, true)
        controls.setUint32(index * CONTROL_OCTETS + 20, sourceAddress(load.source))
      }
      for (let sent = 0; sent < count; ) {
        const result = sendmmsg(fd, headersAddress + sent * HEADER_OCTETS, count - sent, 0)
        if (result > 0) sent += result
        else {
          const fault = getSystemErrorName(-koffi.errno())
          if (!passingFaults.includes(fault)) throw new Error(`sendmmsg: ${fault}`)
        }
      }
    },
    close() {
      closeSocket(fd)
      held.length = 0
    },
  }
}

async function dgramTransmitter(load: Load, port: number, fallback: string): Promise<Transmitter> {
  const sockets = await Promise.all(
    Array.from({ length: load.sources }, async (_, source) => {
      const socket = createSocket('udp4')
      // Only Linux has all of 127.0.0.0/8.
      const address = process.platform === 'linux' ? sourceAddressText(source) : '127.0.0.1'
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.bind(0, address, resolve)
      })
      return socket
    }),
  )
  return {
    kind: 'dgram',
    fallback,
    async send(count, epochMilliseconds) {
      const under: Promise<void>[] = []
      for (let index = 0; index < count; index++) {
        load.advance(epochMilliseconds)
        const datagram = load.arena.subarray(load.offset, load.offset + load.length)
        under.push(sendOne(sockets[load.source]!, datagram, port))
      }
      await Promise.all(under)
    },
    close() {
      for (const socket of sockets) socket.close()
    },
  }
}

/** A refused one is lost as it would be on a wire. */
function sendOne(socket: Socket, datagram: Uint8Array, port: number): Promise<void> {
  return new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', () => resolve()))
}

/** A UDP socket of Linux, opened by its own calls: what Node's sockets cannot be told, these can. */
import { lookup } from 'node:dns/promises'
import { fstatSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { parseAddress } from '#core/records/address.js'
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  type Libc,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from './libc.js'
import {
  readSocketAddress,
  SOCKET_ADDRESS_OCTETS,
  type SocketAddress,
  writeSocketAddress,
} from './socket-address.js'
import type { ListeningSocket } from './source.js'
import { closeGate, openGate, steer } from './steering.js'

/** The kernel's own limit: it doubles what is asked, and that must fit into an int. */
const MAX_BUFFER_OCTETS = 0x3fffffff

export type LinuxSocket = ListeningSocket & { readonly fd: number }

export type LinuxSocketOptions = {
  readonly host: string
  readonly port: number
  readonly receiveBufferOctets: number
}

/**
 * Opens `count` sockets on one port, among which the kernel divides senders as `workerOf` does. Descriptors are the
 * process's: any thread may receive by them. Throws an error whose `code` is that of the call that failed.
 */
export async function openLinuxSockets(
  libc: Libc,
  options: LinuxSocketOptions,
  count: number,
): Promise<LinuxSocket[]> {
  const { host, port } = options
  const family = host.includes(':') ? 6 : 4
  const place = await resolveHost(host, port, family)
  const sockets: LinuxSocket[] = []
  const fds: number[] = []
  try {
    const type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC
    while (sockets.length < count) {
      const fd = checked(libc, 'socket', libc.socket(family === 6 ? AF_INET6 : AF_INET, type, 0))
      fds.push(fd)
      const [first] = sockets
      // The kernel steers by the order of binding: before all are there, some datagrams would come to the wrong one.
      if (count > 1) checked(libc, 'setsockopt', closeGate(libc, fd))
      if (first !== undefined) sharePort(libc, fd)
      sockets.push(bindSocket(libc, fd, family, { ...place, port: first?.port ?? port }, options))
      // Only now: a first one that shares would bind beside another program's, and divide its datagrams with it.
      if (count > 1 && first === undefined) sharePort(libc, fd)
    }
    if (count > 1) {
      checked(libc, 'setsockopt', steer(libc, fds[0]!, count))
      for (const fd of fds) checked(libc, 'setsockopt', openGate(libc, fd))
    }
    return sockets
  } catch (error) {
    for (const fd of fds) libc.close(fd)
    throw error
  }
}

/** Why the kernel cannot be told how to divide senders among sockets; undefined where it can. */
export function steeringRefusal(libc: Libc): string | undefined {
  const fd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) return libc.errorName()
  try {
    sharePort(libc, fd)
    checked(libc, 'setsockopt', closeGate(libc, fd))
    checked(libc, 'setsockopt', steer(libc, fd, 2))
    return undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    libc.close(fd)
  }
}

function bindSocket(
  libc: Libc,
  fd: number,
  family: 4 | 6,
  place: SocketAddress,
  { receiveBufferOctets }: LinuxSocketOptions,
): LinuxSocket {
  const address = writeSocketAddress(family, place)
  // SO_REUSEADDR is left alone: for UDP it would let a second program take the port, and its datagrams, unseen.
  if (family === 6) checked(libc, 'setsockopt', setOption(libc, fd, IPPROTO_IPV6, IPV6_V6ONLY, 0))
  const asked = Math.min(receiveBufferOctets, MAX_BUFFER_OCTETS)
  // The first passes net.core.rmem_max and needs CAP_NET_ADMIN; the second grants what the limit allows.
  if (setOption(libc, fd, SOL_SOCKET, SO_RCVBUFFORCE, asked) < 0)
    setOption(libc, fd, SOL_SOCKET, SO_RCVBUF, asked)
  checked(libc, 'bind', libc.bind(fd, address, address.length))
  const bound = boundAddress(libc, fd)
  return {
    fd,
    inode: fstatSync(fd).ino,
    host: bound.host,
    port: bound.port,
    bufferAsked: receiveBufferOctets,
    bufferGranted: grantedBuffer(libc, fd),
    isDualStack: bound.family === 6,
  }
}

function sharePort(libc: Libc, fd: number): void {
  checked(libc, 'setsockopt', setOption(libc, fd, SOL_SOCKET, SO_REUSEPORT, 1))
}

async function resolveHost(host: string, port: number, family: 4 | 6): Promise<SocketAddress> {
  const { address: text } = await lookup(host, { family })
  const zone = text.split('%')[1]
  return { address: parseAddress(text)!, port, scopeId: zone === undefined ? 0 : scopeOf(zone) }
}

/** Number of an interface, which a link-local address names behind `%`. */
function scopeOf(zone: string): number {
  const found = networkInterfaces()[zone]?.find(({ family }) => family === 'IPv6')
  return found !== undefined && 'scopeid' in found ? (found.scopeid ?? 0) : Number(zone) || 0
}

function setOption(libc: Libc, fd: number, level: number, option: number, value: number): number {
  const octets = new Uint8Array(Int32Array.of(value).buffer)
  return libc.setsockopt(fd, level, option, octets, octets.length)
}

function grantedBuffer(libc: Libc, fd: number): number {
  const value = new Int32Array(1)
  const length = new Uint8Array(Int32Array.of(4).buffer)
  checked(
    libc,
    'getsockopt',
    libc.getsockopt(fd, SOL_SOCKET, SO_RCVBUF, new Uint8Array(value.buffer), length),
  )
  // Linux doubles what it grants, for its own bookkeeping.
  return value[0]! / 2
}

function boundAddress(libc: Libc, fd: number) {
  const octets = new Uint8Array(SOCKET_ADDRESS_OCTETS)
  const length = new Uint8Array(Int32Array.of(octets.length).buffer)
  checked(libc, 'getsockname', libc.getsockname(fd, octets, length))
  return readSocketAddress(octets)
}

function checked(libc: Libc, call: string, result: number): number {
  if (result >= 0) return result
  const code = libc.errorName()
  throw Object.assign(new Error(`${call}: ${code}`), { code })
}

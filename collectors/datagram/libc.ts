/**
 * The calls of Linux' C library that receiving needs, through the package koffi, which is optional: `loadLibc` says why
 * there are none. Constants and structures are those of 64-bit Linux on x64 and arm64, which are alike.
 */
import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'

/** From asm-generic/socket.h, linux/socket.h, linux/in.h, linux/in6.h and asm-generic/fcntl.h. */
export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = 0o4000
export const SOCK_CLOEXEC = 0o2000000
export const SOL_SOCKET = 1
export const SO_RCVBUF = 8
export const SO_REUSEPORT = 15
export const SO_ATTACH_FILTER = 26
export const SO_DETACH_FILTER = 27
export const SO_RCVBUFFORCE = 33
export const SO_ATTACH_REUSEPORT_CBPF = 51
export const IPPROTO_IPV6 = 41
export const IPV6_V6ONLY = 26
export const MSG_TRUNC = 0x20
export const MSG_DONTWAIT = 0x40

/** Calls as in their manual pages; -1 is a failure, which `errorName` names until the next call. */
export type Libc = {
  socket(domain: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number
  bind(fd: number, address: Uint8Array, length: number): number
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number
  close(fd: number): number
  /** `headers` and `timeout` are addresses: numbers are passed faster than buffers. */
  recvmmsg(fd: number, headers: number, count: number, flags: number, timeout: number): number
  /** Where the octets lie, which stays so for as long as somebody holds them. */
  addressOf(octets: Uint8Array): number
  /** `EAGAIN` and the like. */
  errorName(): string
}

type Koffi = {
  load(path: null): { func(name: string, result: string, types: string[]): (...values: unknown[]) => number }
  address(octets: Uint8Array): bigint
  errno(): number
}

/** The calls, or in words why they cannot be had. */
export function loadLibc(): Libc | string {
  if (process.platform !== 'linux') return 'recvmmsg is a call of Linux'
  if (!['x64', 'arm64'].includes(process.arch))
    return `recvmmsg is used on x64 and arm64, not ${process.arch}`
  let libc: Libc
  try {
    // By name and at run time: what is optional must not be missed by the compiler either.
    libc = bindCalls(createRequire(import.meta.url)('koffi') as Koffi)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'MODULE_NOT_FOUND'
      ? 'the optional package koffi is not installed'
      : `the package koffi cannot be loaded: ${message.split('\n', 1)[0]}`
  }
  return refusal(libc) ?? libc
}

function bindCalls(koffi: Koffi): Libc {
  const process = koffi.load(null)
  const call = (name: string, ...types: string[]) => process.func(name, 'int', types)
  return {
    socket: call('socket', 'int', 'int', 'int'),
    setsockopt: call('setsockopt', 'int', 'int', 'int', 'void *', 'uint'),
    getsockopt: call('getsockopt', 'int', 'int', 'int', 'void *', 'void *'),
    bind: call('bind', 'int', 'void *', 'uint'),
    getsockname: call('getsockname', 'int', 'void *', 'void *'),
    close: call('close', 'int'),
    recvmmsg: call('recvmmsg', 'int', 'uintptr_t', 'uint', 'int', 'uintptr_t'),
    addressOf: (octets) => Number(koffi.address(octets)),
    errorName: () => getSystemErrorName(-koffi.errno()),
  }
}

/** Where a sandbox forbids the call, that is known before a port is opened. */
function refusal(libc: Libc): string | undefined {
  const fd = libc.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  // Without IPv4 there may be IPv6; opening the ports will tell.
  if (fd < 0) return undefined
  const failure = libc.recvmmsg(fd, 0, 0, MSG_DONTWAIT, 0) < 0 ? libc.errorName() : undefined
  libc.close(fd)
  return failure === undefined || failure === 'EAGAIN' ? undefined : `recvmmsg fails here: ${failure}`
}

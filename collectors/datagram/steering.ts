/**
 * Which of several threads an exporter belongs to: a number made of its source address alone, so that its datagrams,
 * whatever their source port, come to the one that has its templates. The kernel computes it by a classic BPF program on
 * the SO_REUSEPORT group of a port, and we by `workerOf`, to know whose a stored template is.
 */
import type { Address } from '#core/records/address.js'
import {
  type Libc,
  SO_ATTACH_FILTER,
  SO_ATTACH_REUSEPORT_CBPF,
  SO_DETACH_FILTER,
  SOL_SOCKET,
} from './libc.js'

/** Odd, so that no bit of an address is lost; the four words of IPv6, and of IPv4 (0, 0, 0, address). */
const FACTORS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f] as const
const MIX = 0x7feb352d

/** The number, from 0, of the one of `workers` that receives what comes from an address. */
export function workerOf({ words }: Address, workers: number): number {
  let hash = 0
  for (const [index, factor] of FACTORS.entries()) hash = (hash + Math.imul(words[index]!, factor)) >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), MIX) >>> 0
  return ((hash ^ (hash >>> 15)) >>> 0) % workers
}

/** Instructions of classic BPF (linux/bpf_common.h): class, size or operation, mode or source. */
const LOAD_OCTET = 0x30
const LOAD_WORD = 0x20
const LOAD_X = 0x01
const MULTIPLY = 0x24
const ADD_X = 0x0c
const SHIFT_RIGHT = 0x74
const XOR_X = 0xac
const MODULO = 0x94
const COPY_TO_X = 0x07
const JUMP_IF_EQUAL = 0x15
const JUMP = 0x05
const RETURN = 0x06
const RETURN_A = 0x16
/** SKF_NET_OFF (linux/filter.h): offsets from here count from the network header. */
const NETWORK_HEADER = -0x100000
/** Source addresses in the headers of IPv4 (RFC 791 §3.1) and IPv6 (RFC 8200 §3). */
const IPV4_SOURCE = 12
const IPV6_SOURCE = 8
/** struct sock_filter: code, two jumps, operand. struct sock_fprog: count, padding, address. */
const INSTRUCTION_OCTETS = 8
const PROGRAM_OCTETS = 16

type Instruction = readonly [code: number, operand?: number, ifTrue?: number, ifFalse?: number]

/** Has the kernel divide what comes to the group of `fd` among its `workers` sockets, as `workerOf`; -1 is a failure. */
export function steer(libc: Libc, fd: number, workers: number): number {
  return attach(libc, fd, SO_ATTACH_REUSEPORT_CBPF, steeringProgram(workers))
}

/** Lets nothing more into a socket, until `openGate`; -1 is a failure. */
export function closeGate(libc: Libc, fd: number): number {
  return attach(libc, fd, SO_ATTACH_FILTER, [[RETURN, 0]])
}

export function openGate(libc: Libc, fd: number): number {
  const unused = new Uint8Array(4)
  return libc.setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, unused, unused.length)
}

/** `workerOf` in instructions: A holds what is computed, X the sum so far. */
function steeringProgram(workers: number): Instruction[] {
  const addWord = (offset: number, factor: number): Instruction[] => [
    [LOAD_WORD, NETWORK_HEADER + offset],
    [MULTIPLY, factor],
    [ADD_X],
    [COPY_TO_X],
  ]
  const ipv6 = FACTORS.flatMap((factor, index) => addWord(IPV6_SOURCE + 4 * index, factor))
  // On a socket for both families too, a datagram over IPv4 has the header of IPv4.
  const ipv4 = addWord(IPV4_SOURCE, FACTORS[3])
  return [
    [LOAD_X, 0],
    [LOAD_OCTET, NETWORK_HEADER],
    [SHIFT_RIGHT, 4],
    [JUMP_IF_EQUAL, 6, 0, ipv6.length + 1],
    ...ipv6,
    [JUMP, ipv4.length],
    ...ipv4,
    [SHIFT_RIGHT, 16],
    [XOR_X],
    [MULTIPLY, MIX],
    [COPY_TO_X],
    [SHIFT_RIGHT, 15],
    [XOR_X],
    [MODULO, workers],
    [RETURN_A],
  ]
}

function attach(libc: Libc, fd: number, option: number, instructions: readonly Instruction[]): number {
  const filter = new Uint8Array(instructions.length * INSTRUCTION_OCTETS)
  const filterView = new DataView(filter.buffer)
  for (const [index, [code, operand = 0, ifTrue = 0, ifFalse = 0]] of instructions.entries()) {
    const at = index * INSTRUCTION_OCTETS
    filterView.setUint16(at, code, true)
    filterView.setUint8(at + 2, ifTrue)
    filterView.setUint8(at + 3, ifFalse)
    filterView.setUint32(at + 4, operand, true)
  }
  const program = new Uint8Array(PROGRAM_OCTETS)
  const programView = new DataView(program.buffer)
  programView.setUint16(0, instructions.length, true)
  programView.setBigUint64(8, BigInt(libc.addressOf(filter)), true)
  return libc.setsockopt(fd, SOL_SOCKET, option, program, program.length)
}

/**
 * Packets out of capture files: classic pcap (both byte orders, micro- and nanoseconds) and pcapng (sections,
 * interfaces, time resolutions, packets with and without a time). Read piecewise, so a file may be larger than memory. Format: draft-ietf-opsawg-pcap,
 * draft-ietf-opsawg-pcapng.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { ApplianceError } from '#core/errors.js'
import { MOST_MILLISECONDS } from '#core/records/time.js'

export type Frame = {
  readonly timeMilliseconds: number
  /** A LINKTYPE_ number. */
  readonly linkType: number
  readonly octets: Uint8Array
}

/** No honest packet is larger; a larger length field means a damaged file. */
const LARGEST_PACKET = 256 * 1024 * 1024

const PCAP_MICROSECONDS = 0xa1b2c3d4
const PCAP_NANOSECONDS = 0xa1b23c4d
const PCAPNG_SECTION = 0x0a0d0d0a
const PCAPNG_BYTE_ORDER = 0x1a2b3c4d

/** Told what is short of a capture that is read all the same, as a sentence about the file. */
export type OnNote = (text: string) => void

/**
 * The frames of a file in their order. Throws INPUT_UNREADABLE on a file that is no capture or is damaged. A file that was
 * cut off, as by the end of the program that wrote it, is used up to there.
 */
export function* readFrames(path: string, onNote: OnNote = () => {}): Generator<Frame> {
  const file = openFile(path)
  try {
    const magic = file.peek(4)
    if (magic === undefined) noCapture(path, file.isAtEnd() ? 'it is empty' : 'it ends within its header')
    const first = magic.readUInt32BE(0)
    if (first === PCAPNG_SECTION) yield* pcapng(file, path, onNote)
    else if ([PCAP_MICROSECONDS, PCAP_NANOSECONDS].includes(first)) yield* pcap(file, path, false, onNote)
    else if ([PCAP_MICROSECONDS, PCAP_NANOSECONDS].includes(magic.readUInt32LE(0)))
      yield* pcap(file, path, true, onNote)
    else noCapture(path)
  } finally {
    file.close()
  }
}

type PiecewiseFile = {
  /** The next octets without taking them; undefined when the file ends before. */
  peek(length: number): Buffer | undefined
  /** Takes the next octets; they stay valid until the next call. */
  take(length: number): Buffer | undefined
  /** Nothing is left to be taken. */
  isAtEnd(): boolean
  /** When the file was written. */
  writtenMilliseconds(): number
  close(): void
}

function openFile(path: string): PiecewiseFile {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    throw new ApplianceError('INPUT_UNREADABLE', `${path}: cannot be opened`, { cause })
  }
  let buffer = Buffer.alloc(1 << 20)
  let from = 0
  let to = 0
  const readSome = (into: Buffer) => {
    try {
      return readSync(descriptor, into, 0, into.length, null)
    } catch (cause) {
      throw new ApplianceError('INPUT_UNREADABLE', `${path}: cannot be read`, { cause })
    }
  }
  const fill = (length: number) => {
    if (to - from >= length) return true
    if (from > 0) {
      buffer.copyWithin(0, from, to)
      to -= from
      from = 0
    }
    if (length > buffer.length) {
      const grown = Buffer.alloc(length * 2)
      buffer.copy(grown, 0, 0, to)
      buffer = grown
    }
    while (to < length) {
      const got = readSome(buffer.subarray(to))
      if (got === 0) return false
      to += got
    }
    return true
  }
  return {
    peek: (length) => (fill(length) ? buffer.subarray(from, from + length) : undefined),
    take(length) {
      if (!fill(length)) return undefined
      from += length
      return buffer.subarray(from - length, from)
    },
    isAtEnd: () => !fill(1),
    writtenMilliseconds: () => Math.floor(fstatSync(descriptor).mtimeMs),
    close: () => closeSync(descriptor),
  }
}

function damaged(path: string, what: string): never {
  throw new ApplianceError('INPUT_UNREADABLE', `${path}: ${what}`)
}

function noCapture(path: string, why?: string): never {
  damaged(path, `neither pcap nor pcapng${why === undefined ? '' : `: ${why}`}`)
}

function packets(count: number): string {
  return count === 1 ? '1 packet' : `${count} packets`
}

function* pcap(file: PiecewiseFile, path: string, isLittle: boolean, onNote: OnNote): Generator<Frame> {
  const header = file.take(24) ?? noCapture(path, 'it ends within its header')
  const u32 = (buffer: Buffer, offset: number) =>
    isLittle ? buffer.readUInt32LE(offset) : buffer.readUInt32BE(offset)
  const perMillisecond = u32(header, 0) === PCAP_NANOSECONDS ? 1e6 : 1e3
  const linkType = u32(header, 20) & 0xffff
  for (let count = 0; ; count++) {
    if (file.isAtEnd()) return
    const cut = () => onNote(`ends within a packet, after ${packets(count)}`)
    const packet = file.take(16)
    if (packet === undefined) return cut()
    const timeMilliseconds = u32(packet, 0) * 1000 + u32(packet, 4) / perMillisecond
    const length = u32(packet, 8)
    if (length > LARGEST_PACKET) damaged(path, `a packet of ${length} octets`)
    const octets = file.take(length)
    if (octets === undefined) return cut()
    yield { timeMilliseconds, linkType, octets }
  }
}

/** Block types of pcapng. */
const BLOCK = { interface: 1, packet: 2, simplePacket: 3, enhancedPacket: 6 }

type Interface = { linkType: number; snapLength: number; ticksPerSecond: bigint; offsetSeconds: number }

function* pcapng(file: PiecewiseFile, path: string, onNote: OnNote): Generator<Frame> {
  let count = 0
  let timesAmiss = 0
  let isBegun = false
  let isLittle = true
  let interfaces: Interface[] = []
  let latestMilliseconds: number | undefined
  const u16 = (buffer: Buffer, offset: number) =>
    isLittle ? buffer.readUInt16LE(offset) : buffer.readUInt16BE(offset)
  const u32 = (buffer: Buffer, offset: number) =>
    isLittle ? buffer.readUInt32LE(offset) : buffer.readUInt32BE(offset)
  const cut = () => {
    if (!isBegun) noCapture(path, 'it ends within its header')
    onNote(`ends within a packet, after ${packets(count)}`)
  }
  for (;;) {
    if (file.isAtEnd()) break
    const head = file.peek(12)
    if (head === undefined) {
      cut()
      break
    }
    const isSection = head.readUInt32BE(0) === PCAPNG_SECTION
    if (isSection) {
      isLittle = head.readUInt32LE(8) === PCAPNG_BYTE_ORDER
      if (!isLittle && head.readUInt32BE(8) !== PCAPNG_BYTE_ORDER) damaged(path, 'a section of no byte order')
      interfaces = []
    }
    const type = u32(head, 0)
    const length = u32(head, 4)
    if (length < 12 || length % 4 !== 0 || length > LARGEST_PACKET)
      damaged(path, `a block of ${length} octets`)
    const block = file.take(length)
    if (block === undefined) {
      cut()
      break
    }
    isBegun = true
    if (isSection) continue
    if (type === BLOCK.interface && length >= 20) interfaces.push(readInterface(block, isLittle))
    else if (type === BLOCK.simplePacket && length >= 16) {
      const [first] = interfaces
      if (first === undefined) continue
      const captured = Math.min(u32(block, 8), first.snapLength || Number.POSITIVE_INFINITY, length - 16)
      // Such packets have no time: that of the one before is the nearest, or when the file was written.
      latestMilliseconds ??= file.writtenMilliseconds()
      count++
      yield {
        timeMilliseconds: latestMilliseconds,
        linkType: first.linkType,
        octets: block.subarray(12, 12 + captured),
      }
    } else if ((type === BLOCK.enhancedPacket || type === BLOCK.packet) && length >= 32) {
      // The obsolete packet block has 16 bits of interface and 16 of drops where the enhanced one has 32.
      const found = interfaces[type === BLOCK.packet ? u16(block, 8) : u32(block, 8)]
      const captured = u32(block, 20)
      if (found === undefined || captured > length - 32) continue
      const ticks = (BigInt(u32(block, 12)) << 32n) | BigInt(u32(block, 16))
      const timeMilliseconds = toMilliseconds(ticks, found)
      if (timeMilliseconds >= 0 && timeMilliseconds <= MOST_MILLISECONDS)
        latestMilliseconds = timeMilliseconds
      else timesAmiss++
      // A time that no calendar has is as good as none.
      latestMilliseconds ??= file.writtenMilliseconds()
      count++
      yield {
        timeMilliseconds: latestMilliseconds,
        linkType: found.linkType,
        octets: block.subarray(28, 28 + captured),
      }
    }
  }
  if (timesAmiss > 0)
    onNote(
      `${packets(timesAmiss)} with a time before 1970 or after the year 9999: taken as of the packet before`,
    )
}

/** Nanoseconds since 1970 are more than a double holds, so whole seconds are taken apart first. */
function toMilliseconds(ticks: bigint, { ticksPerSecond, offsetSeconds }: Interface): number {
  const seconds = Number(ticks / ticksPerSecond) + offsetSeconds
  return seconds * 1000 + (Number(ticks % ticksPerSecond) * 1000) / Number(ticksPerSecond)
}

function readInterface(block: Buffer, isLittle: boolean): Interface {
  const u16 = (at: number) => (isLittle ? block.readUInt16LE(at) : block.readUInt16BE(at))
  const found = {
    linkType: u16(8),
    snapLength: isLittle ? block.readUInt32LE(12) : block.readUInt32BE(12),
    ticksPerSecond: 1_000_000n,
    offsetSeconds: 0,
  }
  for (let at = 16; at + 4 <= block.length - 4; ) {
    const code = u16(at)
    const length = u16(at + 2)
    if (code === 0 || at + 4 + length > block.length - 4) break
    if (code === 9 && length >= 1) {
      // if_tsresol: a power of ten, or of two when the high bit is set.
      const resolution = block[at + 4]!
      found.ticksPerSecond = resolution & 0x80 ? 2n ** BigInt(resolution & 0x7f) : 10n ** BigInt(resolution)
    }
    // if_tsoffset: seconds, signed.
    if (code === 14 && length === 8)
      found.offsetSeconds = Number(isLittle ? block.readBigInt64LE(at + 4) : block.readBigInt64BE(at + 4))
    at += 4 + Math.ceil(length / 4) * 4
  }
  return found
}

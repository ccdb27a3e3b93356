/**
 * The inner loops of decoding: each kernel copies one field of `count` records, `stride` octets apart, into one column.
 * Separate small functions per width keep each loop simple for the compiler; none allocates.
 */
import type { BlockBuilder } from '#core/blocks/builder.js'
import type { ColumnType } from '#core/records/columns.js'
import { fromNtp, MOST_MILLISECONDS, NTP_MICROSECONDS_MASK } from '#core/records/time.js'
import type { Domain, MessageContext } from './context.js'
import { hex, readText, readUnsigned } from './elements.js'
import { noteText } from './names.js'

export type Kernel = (
  context: MessageContext,
  builder: BlockBuilder,
  column: number,
  row: number,
  view: DataView,
  offset: number,
  length: number,
  stride: number,
  count: number,
) => void

const TWO_32 = 0x1_0000_0000

/*
 * One function for each pair of field width and array: a store into an array whose kind is always the same is what the
 * compiler makes fast, and a function serves one kind only if it is never called with another.
 */

const octetToU8: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0] as Uint8Array
  for (let index = row, at = offset; index < row + count; index++, at += stride) to[index] = view.getUint8(at)
}

const octetToU16: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0] as Uint16Array
  for (let index = row, at = offset; index < row + count; index++, at += stride) to[index] = view.getUint8(at)
}

const octetToU32: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0] as Uint32Array
  for (let index = row, at = offset; index < row + count; index++, at += stride) to[index] = view.getUint8(at)
}

const pairToU8: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0] as Uint8Array
  for (let index = row, at = offset; index < row + count; index++, at += stride)
    to[index] = view.getUint16(at)
}

const pairToU16: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0] as Uint16Array
  for (let index = row, at = offset; index < row + count; index++, at += stride)
    to[index] = view.getUint16(at)
}

const pairToU32: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0] as Uint32Array
  for (let index = row, at = offset; index < row + count; index++, at += stride)
    to[index] = view.getUint16(at)
}

const wordToU32: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0] as Uint32Array
  for (let index = row, at = offset; index < row + count; index++, at += stride)
    to[index] = view.getUint32(at)
}

/** Three or four octets into whatever holds them; an array of fewer bits keeps the low ones. */
const threeOctets: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0]!
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    to[row + index] = (view.getUint16(at) << 8) | view.getUint8(at + 2)
  }
}

const fourOctets: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0]!
  for (let index = 0, at = offset; index < count; index++, at += stride) to[row + index] = view.getUint32(at)
}

/** Five to eight octets into a column of at most 32 bits: the low word. */
const unsignedLowWord: Kernel = (_context, builder, column, row, view, offset, length, stride, count) => {
  const to = builder.planes[column]![0]!
  for (let index = 0, at = offset + length - 4; index < count; index++, at += stride) {
    to[row + index] = view.getUint32(at)
  }
}

const unsignedKernels: Partial<Record<ColumnType, readonly (Kernel | undefined)[]>> = {
  u8: [undefined, octetToU8, pairToU8, threeOctets, fourOctets],
  u16: [undefined, octetToU16, pairToU16, threeOctets, fourOctets],
  u32: [undefined, octetToU32, pairToU32, threeOctets, wordToU32],
}

/** The kernel for an unsigned field of 1 to 8 octets (RFC 7011 §6.2) into a u8, u16 or u32 column. */
export function unsignedKernel(length: number, type: ColumnType): Kernel | undefined {
  if (length > 8) return undefined
  return length > 4 ? unsignedLowWord : unsignedKernels[type]?.[length]
}

const counter8: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const [low, high] = builder.planes[column] as [Uint32Array, Uint32Array]
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    high[row + index] = view.getUint32(at)
    low[row + index] = view.getUint32(at + 4)
  }
}

const counterOdd: Kernel = (_context, builder, column, row, view, offset, length, stride, count) => {
  const [low, high] = builder.planes[column] as [Uint32Array, Uint32Array]
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    let top = 0
    for (let octet = 0; octet < length - 4; octet++) top = (top << 8) | view.getUint8(at + octet)
    high[row + index] = top
    low[row + index] = view.getUint32(at + length - 4)
  }
}

/** The kernel for an unsigned field of 1 to 8 octets into a u64 column. */
export function counterKernel(length: number): Kernel | undefined {
  if (length === 8) return counter8
  if (length > 8) return undefined
  return length > 4 ? counterOdd : unsignedKernel(length, 'u32')
}

export const ipv4: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0] as Uint32Array
  for (let index = 0, at = offset; index < count; index++, at += stride) to[row + index] = view.getUint32(at)
}

export const ipv6: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const planes = builder.planes[column]!
  for (let word = 0; word < 4; word++) {
    const to = planes[word] as Uint32Array
    for (let index = 0, at = offset + 4 * word; index < count; index++, at += stride) {
      to[row + index] = view.getUint32(at)
    }
  }
}

/** IPv4 into an address16 column, in IPv4-mapped form. 0.0.0.0 is a value as sent, not the index 0 for "none". */
export const ipv4InDictionary: Kernel = (
  _context,
  builder,
  column,
  row,
  view,
  offset,
  _length,
  stride,
  count,
) => {
  const to = builder.planes[column]![0] as Uint32Array
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    to[row + index] = builder.addresses.indexOf(0, 0, 0xffff, view.getUint32(at))
  }
}

export const ipv6InDictionary: Kernel = (
  _context,
  builder,
  column,
  row,
  view,
  offset,
  _length,
  stride,
  count,
) => {
  const to = builder.planes[column]![0] as Uint32Array
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    const word0 = view.getUint32(at)
    const word1 = view.getUint32(at + 4)
    const word2 = view.getUint32(at + 8)
    const word3 = view.getUint32(at + 12)
    to[row + index] = builder.addresses.indexOf(word0, word1, word2, word3)
  }
}

/**
 * Device uptime in milliseconds (IE 21, 22). In NetFlow the header pairs uptime with a clock, and the signed 32-bit
 * difference survives the wrap after 49.7 days; in IPFIX the uptime counts from systemInitTimeMilliseconds (IE 160),
 * and without one the time is unknown (0).
 */
export const upTime: Kernel = (context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0] as Float64Array
  if (context.protocol === 10) {
    const base = context.systemInitMilliseconds
    for (let index = 0, at = offset; index < count; index++, at += stride) {
      to[row + index] = base > 0 ? possibleTime(base + view.getUint32(at), context.domain) : 0
    }
    return
  }
  const { exportMilliseconds, sysUpTimeMilliseconds } = context
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    to[row + index] = exportMilliseconds - ((sysUpTimeMilliseconds - view.getUint32(at)) | 0)
  }
}

/** dateTimeSeconds, four octets. */
export const seconds: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
  const to = builder.planes[column]![0] as Float64Array
  for (let index = 0, at = offset; index < count; index++, at += stride)
    to[row + index] = view.getUint32(at) * 1000
}

/** A time in milliseconds since 1970; one that no calendar has is counted and unknown (0). */
export function possibleTime(milliseconds: number, { statistics }: Domain): number {
  if (milliseconds <= MOST_MILLISECONDS) return milliseconds
  statistics.impossibleTimes++
  return 0
}

/** dateTimeMilliseconds, eight octets. */
export const milliseconds8: Kernel = (
  context,
  builder,
  column,
  row,
  view,
  offset,
  _length,
  stride,
  count,
) => {
  const to = builder.planes[column]![0] as Float64Array
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    const time = view.getUint32(at) * TWO_32 + view.getUint32(at + 4)
    to[row + index] = possibleTime(time, context.domain)
  }
}

/** A kernel for times in NTP format, of whose fraction these bits count. RFC 7011 §6.1.9, §6.1.10. */
function ntpKernel(fractionMask: number): Kernel {
  return (_context, builder, column, row, view, offset, _length, stride, count) => {
    const to = builder.planes[column]![0] as Float64Array
    for (let index = 0, at = offset; index < count; index++, at += stride) {
      const whole = view.getUint32(at)
      to[row + index] = whole === 0 ? 0 : fromNtp(whole, (view.getUint32(at + 4) & fractionMask) >>> 0)
    }
  }
}

/** dateTimeMicroseconds. */
export const microseconds = ntpKernel(NTP_MICROSECONDS_MASK)

/** dateTimeNanoseconds. */
export const nanoseconds = ntpKernel(0xffffffff)

/** Microseconds before the export time (IE 158, 159). */
export const deltaMicroseconds: Kernel = (
  context,
  builder,
  column,
  row,
  view,
  offset,
  _length,
  stride,
  count,
) => {
  const to = builder.planes[column]![0] as Float64Array
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    to[row + index] = context.exportMilliseconds - view.getUint32(at) / 1000
  }
}

/** Text of a fixed or variable length into a dictionary. */
export const text: Kernel = (context, builder, column, row, view, offset, length, stride, count) => {
  const to = builder.planes[column]![0] as Uint32Array
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    const value = readText(view, at, length)
    noteText(context.domain, value, view, at, length)
    to[row + index] = value === '' ? 0 : builder.textIndex(column, value)
  }
}

/** Octets as hex into a dictionary. */
export const octets: Kernel = (_context, builder, column, row, view, offset, length, stride, count) => {
  const to = builder.planes[column]![0] as Uint32Array
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    to[row + index] = builder.textIndex(column, hex(view, at, length))
  }
}

const variableUnsigned: Kernel = (_context, builder, column, row, view, offset, length) => {
  if (length > 8) return
  builder.planes[column]![0]![row] = readUnsigned(view, offset + Math.max(0, length - 4), Math.min(4, length))
}

const variableCounter: Kernel = (_context, builder, column, row, view, offset, length) => {
  if (length > 8) return
  const [low, high] = builder.planes[column] as [Uint32Array, Uint32Array]
  high[row] = length > 4 ? readUnsigned(view, offset, length - 4) : 0
  low[row] = readUnsigned(view, offset + Math.max(0, length - 4), Math.min(4, length))
}

/** A kernel for one length, where the record in hand has that length. */
function whenLength(wanted: number, kernel: Kernel): Kernel {
  return (context, builder, column, row, view, offset, length, stride, count) => {
    if (length === wanted) kernel(context, builder, column, row, view, offset, length, stride, count)
  }
}

/** Kernels for numbers and times sent with a variable length (RFC 7011 §7): the length comes with each record. */
export const variableKernels = {
  u: variableUnsigned,
  counter: variableCounter,
  text,
  octets,
  upTime: whenLength(4, upTime),
  seconds: whenLength(4, seconds),
  milliseconds: whenLength(8, milliseconds8),
  microseconds: whenLength(8, microseconds),
  nanoseconds: whenLength(8, nanoseconds),
  delta: whenLength(4, deltaMicroseconds),
} as const

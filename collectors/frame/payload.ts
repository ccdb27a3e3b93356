/**
 * What the octets behind an ICMP or UDP header look like, where a frame shows them: Shannon entropy, and how much of them
 * just counts up. An ordinary ping counts (Linux and macOS 0x10, 0x11, …; Windows a, b, c, …), so that all its octets
 * differ and its entropy is the highest that so few octets can have; only together do the two tell data from a pattern.
 */
import type { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex } from '#core/records/columns.js'

const Column = FlowColumnIndex
/** Fewer octets say nothing: eight or sixteen of a ping's are a time. */
export const LEAST_PAYLOAD_OCTETS = 16
/** More are not looked at: the first tell. */
const MOST_OCTETS = 1024

const counts = new Uint16Array(256)

/** Of the frame that was looked at last; decoding is synchronous, so one serves all. */
export const payload = {
  octets: 0,
  /** 1/1000 bit an octet, 0 to 8000. */
  entropy: 0,
  /** Percent of the octets that are the one before plus one. */
  counting: 0,
}

/** Looks at the octets of a payload; false where there are too few. */
export function lookAtPayload(view: DataView, offset: number, length: number): boolean {
  const octets = Math.min(length, MOST_OCTETS)
  if (offset < 0 || octets < LEAST_PAYLOAD_OCTETS) return false
  counts.fill(0)
  let before = -2
  let counting = 0
  for (let at = offset; at < offset + octets; at++) {
    const octet = view.getUint8(at)
    counts[octet]!++
    if (octet === before + 1) counting++
    before = octet
  }
  let sum = 0
  for (let octet = 0; octet < 256; octet++) {
    const count = counts[octet]!
    if (count > 1) sum += count * Math.log2(count)
  }
  payload.octets = octets
  payload.entropy = Math.round((Math.log2(octets) - sum / octets) * 1000)
  payload.counting = Math.round((100 * counting) / octets)
  return true
}

/** Columns that writePayload fills. */
export const payloadColumns = [Column.payloadOctets, Column.payloadEntropy, Column.payloadCounting]

/** Writes what was looked at last. */
export function writePayload(builder: BlockBuilder, row: number): void {
  builder.setNumber(Column.payloadOctets, row, payload.octets)
  builder.setNumber(Column.payloadEntropy, row, payload.entropy)
  builder.setNumber(Column.payloadCounting, row, payload.counting)
}

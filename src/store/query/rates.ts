/** Values that follow from several columns of a row: how long, how much a second, how large a packet. */
import type { Block } from '../../blocks/block.js'
import type { Rate } from './prepare.js'
import { presentPlanes, wholeValues } from './presence.js'

const BITS_PER_OCTET = 8
const MILLISECONDS_PER_SECOND = 1000

/** One value for each marked row, NaN where a part of it is unknown or the divisor is 0. */
export function rates(block: Block, rate: Rate, mask: Uint8Array): Float64Array {
  switch (rate) {
    case 'duration':
      return durations(block, mask)
    case 'bitsPerSecond':
      return quotients(
        counts(block, 'octets', mask),
        durations(block, mask),
        BITS_PER_OCTET * MILLISECONDS_PER_SECOND,
      )
    case 'packetsPerSecond':
      return quotients(counts(block, 'packets', mask), durations(block, mask), MILLISECONDS_PER_SECOND)
    case 'octetsPerPacket':
      return quotients(counts(block, 'octets', mask), counts(block, 'packets', mask), 1)
  }
}

/** By the device's first and last packet, else as a log says it; milliseconds. */
function durations(block: Block, mask: Uint8Array): Float64Array {
  const values = counts(block, 'durationMilliseconds', mask)
  const known = mask.slice()
  const start = presentPlanes(block, 'startMilliseconds', known)?.[0]
  const end = start === undefined ? undefined : presentPlanes(block, 'endMilliseconds', known)?.[0]
  if (start === undefined || end === undefined) return values
  for (let row = 0; row < values.length; row++) {
    if (known[row] === 1 && end[row]! >= start[row]!) values[row] = end[row]! - start[row]!
  }
  return values
}

function counts(block: Block, column: string, mask: Uint8Array): Float64Array {
  const known = mask.slice()
  const values = new Float64Array(mask.length).fill(Number.NaN)
  const planes = presentPlanes(block, column, known)
  if (planes === undefined) return values
  const all = wholeValues(planes)
  for (let row = 0; row < values.length; row++) if (known[row] === 1) values[row] = all[row]!
  return values
}

function quotients(dividends: Float64Array, divisors: Float64Array, factor: number): Float64Array {
  for (let row = 0; row < dividends.length; row++)
    dividends[row] = divisors[row]! > 0 ? (dividends[row]! * factor) / divisors[row]! : Number.NaN
  return dividends
}

/** Seconds with a fraction, as logs write how long something lasted. */
import type { Line } from './line.js'
import { DOT, ZERO } from './scan.js'

/** Longest number that is read: a double has 17 digits, then come its point, its sign and its exponent. */
const MAX_LENGTH = 32

/** A decimal of seconds that fills the range, in whole milliseconds; NaN when it is none. */
export function readSeconds(line: Line, start: number, end: number): number {
  if (end <= start || end - start > MAX_LENGTH) return Number.NaN
  let value = 0
  let scale = 0
  for (let index = start; index < end; index++) {
    const code = line.octetAt(index)
    const digit = code - ZERO
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit
      if (scale > 0) scale *= 10
    } else if (code === DOT && scale === 0 && index > start) scale = 1
    else return readExponent(line, start, end)
  }
  return Math.round((value * 1000) / (scale === 0 ? 1 : scale))
}

/** `9.06e-06`: some writers of JSON shorten what is nearly nothing. */
function readExponent(line: Line, start: number, end: number): number {
  const text = line.slice(start, end)
  return /^\d+(?:\.\d+)?e[+-]?\d{1,3}$/i.test(text) ? Math.round(Number(text) * 1000) : Number.NaN
}

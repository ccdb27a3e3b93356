/** Looks at runs of zeros: padding, and the tails that some devices fill up. */

/** Where the zeros begin that fill the octets up to `end`. */
export function endOfOctets(view: DataView, from: number, end: number): number {
  let at = end
  while (at > from && view.getUint8(at - 1) === 0) at--
  return at
}

/** Whether all octets are zero. */
export function isZero(view: DataView, from: number, end: number): boolean {
  for (let at = from; at < end; at++) if (view.getUint8(at) !== 0) return false
  return true
}

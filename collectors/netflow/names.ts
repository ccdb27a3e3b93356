/** How names that options data teach are keyed, and how many of them are kept. */
import { isUtf8 } from 'node:buffer'
import type { Domain } from './context.js'
import { hex, readUnsigned } from './elements.js'

/** Names kept per domain and kind; a router has some thousands of interfaces and NBAR some 1,500 applications. */
const MAX_NAMES = 65_536
/** Octets of a name that are kept: names may be of variable length, and only the sender knows why. */
export const MAX_NAME_OCTETS = 255

/** The key of an application: a number for up to six octets, hex for longer ones (engine 20 with an enterprise number). */
export function applicationKey(view: DataView, offset: number, length: number): number | string {
  return length <= 6
    ? readUnsigned(view, offset, length)
    : hex(view, offset, Math.min(length, MAX_NAME_OCTETS))
}

/** Whether one more entry may be kept; a new one is taken from what all domains may keep together. */
export function hasRoom<K>(domain: Domain, names: ReadonlyMap<K, unknown>, key: K): boolean {
  if (names.has(key)) return true
  if (names.size >= MAX_NAMES || domain.nameBudget.left <= 0) return false
  domain.nameBudget.left--
  return true
}

/** Counts a string that was no UTF-8. Only what reads as U+FFFD is looked at again: that character may be sent too. */
export function noteText(
  { statistics }: Domain,
  text: string,
  view: DataView,
  offset: number,
  length: number,
): void {
  if (!text.includes('\uFFFD')) return
  if (!isUtf8(new Uint8Array(view.buffer, view.byteOffset + offset, length))) statistics.illFormedStrings++
}

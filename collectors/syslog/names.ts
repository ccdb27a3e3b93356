/** Vendor and product as a line itself names them (CEF, LEEF): few different ones come, so each is made once. */
import { decodeUtf8, type SyslogEvent } from './event.js'

/** Names remembered; hostile lines may bring any number. */
const MAX_NAMES = 1024
/** Longest name that is kept. */
const MAX_NAME = 64

const known = new Map<string, string>()

/** A text of its own: a slice keeps the whole line that it is of, which may have 64 kB. */
export function ownText(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('latin1')
}

/** The text of a range as a name; empty where it is empty. */
export function nameOf(event: SyslogEvent, start: number, end: number): string {
  if (end <= start) return ''
  const raw = event.line.slice(start, Math.min(end, start + MAX_NAME))
  let name = known.get(raw)
  if (name === undefined) {
    const own = ownText(raw)
    name = decodeUtf8(own).replaceAll(/\\([|\\])/g, '$1')
    if (known.size >= MAX_NAMES) known.clear()
    known.set(own, name)
  }
  return name
}

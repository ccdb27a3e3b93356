/** Log lines are kept one character per octet (ISO 8859-1), so that none is lost; this is how they are read and searched. */
import { isUtf8 } from 'node:buffer'

/** The line as its device meant it: UTF-8 where all of it is that, else as it is kept. */
export function lineText(kept: string): string {
  if (!/[\u0080-\u00ff]/.test(kept)) return kept
  const octets = Buffer.from(kept, 'latin1')
  return isUtf8(octets) ? octets.toString('utf8') : kept
}

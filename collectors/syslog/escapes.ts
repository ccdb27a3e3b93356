/**
 * How texts of a line are escaped, and undoing it when one is asked for: structured data, CSV, CEF, JSON, percent signs.
 */

/** How a span was escaped on the wire; it is undone when the text is asked for. */
export const Escape = {
  none: 0,
  structuredData: 1,
  csv: 2,
  backslash: 3,
  cef: 4,
  json: 5,
  percent: 6,
} as const
/** A value of `Escape`. */
export type EscapeKind = (typeof Escape)[keyof typeof Escape]

/** By kind, the octet without which nothing is escaped; 0 where nothing ever is. */
export const escapeMarks: readonly number[] = [0, 0x5c, 0x22, 0x5c, 0x5c, 0x5c, 0x25]

/** The text of octets as received: unescaped, read as UTF-8, with U+FFFD for octets that are none. */
export function unescapeText(raw: string, kind: EscapeKind): string {
  return kind === Escape.json ? unescapeJson(decodeUtf8(raw)) : decodeUtf8(unescapeOctets(raw, kind))
}

/** Text of octets held one per code unit: UTF-8 where they are, U+FFFD for what is not. */
export function decodeUtf8(octets: string): string {
  for (let index = 0; index < octets.length; index++) {
    if (octets.charCodeAt(index) > 0x7f) return Buffer.from(octets, 'latin1').toString('utf8')
  }
  return octets
}

function unescapeOctets(raw: string, kind: number): string {
  if (kind === Escape.none) return raw
  if (kind === Escape.csv) return raw.includes('""') ? raw.replaceAll('""', '"') : raw
  if (kind === Escape.percent) return raw.includes('%') ? unescapePercent(raw) : raw
  if (!raw.includes('\\')) return raw
  let result = ''
  for (let index = 0; index < raw.length; index++) {
    const next = raw.charAt(index + 1)
    if (raw.charAt(index) !== '\\' || next === '' || !isEscaped(next, kind)) {
      result += raw.charAt(index)
      continue
    }
    result += kind === Escape.cef && next === 'n' ? '\n' : kind === Escape.cef && next === 'r' ? '\r' : next
    index++
  }
  return result
}

/** RFC 5424 §6.3.3 escapes `"`, `\` and `]`; CEF escapes `=`, `|`, `\` and line ends. Other backslashes stay. */
function isEscaped(next: string, kind: number): boolean {
  if (kind === Escape.structuredData) return next === '"' || next === '\\' || next === ']'
  if (kind === Escape.cef)
    return next === '=' || next === '|' || next === '\\' || next === 'n' || next === 'r'
  return next === '"' || next === '\\' || next === "'"
}

/** RFC 3986 §2.1: octets as `%` and two hexadecimal digits. */
function unescapePercent(raw: string): string {
  return raw.replace(/%[0-9a-f]{2}/gi, (escaped) =>
    String.fromCharCode(Number.parseInt(escaped.slice(1), 16)),
  )
}

function unescapeJson(raw: string): string {
  if (!raw.includes('\\')) return raw
  try {
    const value: unknown = JSON.parse(`"${raw}"`)
    return typeof value === 'string' ? value : raw
  } catch {
    return raw
  }
}

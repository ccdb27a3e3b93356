/**
 * Walks the members of one JSON object (RFC 8259) in a line and hands the known ones to a vendor's file. A member of a
 * nested object has the name `outer.inner`; arrays are skipped.
 */

import type { SyslogContext } from './context.js'
import { Escape, type SyslogEvent } from './event.js'
import { KeyTable } from './keyvalue.js'
import type { Line } from './line.js'
import type { TakePair } from './pairs.js'
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from './scan.js'

function skipBlank(line: Line, start: number, end: number): number {
  let index = start
  while (index < end && line.octetAt(index) <= 0x20) index++
  return index
}

/** The offset of the closing quote of a string whose content starts here, or the end. */
function stringEnd(line: Line, start: number, end: number): number {
  let index = start
  while (index < end) {
    const code = line.octetAt(index)
    if (code === BACKSLASH) index++
    else if (code === QUOTE) return index
    index++
  }
  return end
}

/** The offset behind a nested object or array. */
function nestedEnd(line: Line, start: number, end: number): number {
  let depth = 0
  let index = start
  while (index < end) {
    const code = line.octetAt(index)
    if (code === QUOTE) index = stringEnd(line, index + 1, end)
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++
    else if ((code === CLOSE_BRACE || code === CLOSE_BRACKET) && --depth === 0) return index + 1
    index++
  }
  return end
}

/** Values of a `JsonKeys` from here on stand for nested objects. */
const NESTED = 1 << 20

/** Known members by name, each with a number above 0 and below 2^20; a dot stands for a level, or for itself. */
export class JsonKeys {
  readonly table: KeyTable
  /** The number of a plain value that has the name of this group; 0 where it has none. */
  readonly plain: number
  readonly #nested: JsonKeys[] = []

  constructor(names: Readonly<Record<string, number>>, plain = 0) {
    this.plain = plain
    const own: Record<string, number> = { ...names }
    const groups = new Map<string, Record<string, number>>()
    for (const [name, value] of Object.entries(names)) {
      const dot = name.indexOf('.')
      if (dot <= 0) continue
      const group = groups.get(name.slice(0, dot)) ?? {}
      group[name.slice(dot + 1)] = value
      groups.set(name.slice(0, dot), group)
    }
    for (const [name, group] of groups) {
      this.#nested.push(new JsonKeys(group, own[name] ?? 0))
      own[name] = NESTED + this.#nested.length - 1
    }
    this.table = new KeyTable(own)
  }

  /** The members of the nested object that a value of `table` stands for; undefined where it stands for a plain value. */
  nested(value: number): JsonKeys | undefined {
    return value >= NESTED ? this.#nested[value - NESTED] : undefined
  }
}

/** Hands the known members of the object that opens at `start` to `take`, `null` counting as absent; the offset behind it. */
export function walkJson(
  event: SyslogEvent,
  context: SyslogContext,
  start: number,
  end: number,
  keys: JsonKeys,
  take: TakePair,
): number {
  const line = event.line
  if (line.octetAt(start) !== OPEN_BRACE) return start
  let index = start + 1
  while (index < end) {
    index = skipBlank(line, index, end)
    if (line.octetAt(index) !== QUOTE) return line.octetAt(index) === CLOSE_BRACE ? index + 1 : end
    const keyStart = index + 1
    const keyEnd = stringEnd(line, keyStart, end)
    index = skipBlank(line, keyEnd + 1, end)
    if (line.octetAt(index) !== COLON) return end
    index = skipBlank(line, index + 1, end)
    const found = keys.table.findRange(line, keyStart, keyEnd)
    const inner = keys.nested(found)
    const key = inner === undefined ? found : inner.plain
    const code = line.octetAt(index)
    if (code === OPEN_BRACE && inner !== undefined) {
      // As deep as the known names are, no deeper.
      index = walkJson(event, context, index, end, inner, take)
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) index = nestedEnd(line, index, end)
    else if (code === QUOTE) {
      const close = stringEnd(line, index + 1, end)
      if (key !== 0 && close > index + 1) take(event, key, index + 1, close, Escape.json, context)
      index = close + 1
    } else {
      const valueStart = index
      while (index < end) {
        const next = line.octetAt(index)
        if (next === COMMA || next === CLOSE_BRACE || next <= 0x20) break
        index++
      }
      if (key !== 0 && index > valueStart && !line.startsWith('null', valueStart)) {
        take(event, key, valueStart, index, Escape.none, context)
      }
    }
    index = skipBlank(line, index, end)
    const next = line.octetAt(index)
    if (next !== COMMA) return next === CLOSE_BRACE ? index + 1 : end
    index++
  }
  return end
}

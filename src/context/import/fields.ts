/** Cells of text as the values that entries have: numbers, times, yes and no, protocols by name. */
import { protocolNames } from '../../iana/protocols.js'
import { parseIso } from '../../records/time.js'
import { type ContextKind, contextKinds, entrySchemas } from '../kinds.js'

type Property = { readonly type?: string }

/** Names that people write in place of ours. */
export const aliases: Readonly<Record<string, string>> = {
  expires: 'expiresMilliseconds',
  protocol: 'protocolIdentifier',
}

const protocolNumbers = new Map([...protocolNames].map(([number, name]) => [name.toLowerCase(), number]))

/** Fields whose value may be written as a word: a protocol, or a time. */
export function isNamed(field: string): boolean {
  return Object.values(aliases).includes(field)
}

/** What is wrong with a field, in words of a file: times and protocols are written there as they are read. */
export function faultText(field: string, value: unknown, message: string): string {
  if (field === '<<') return 'is a merge key, which is not read: write the names out'
  if (typeof value !== 'string') return message
  if (field === 'expiresMilliseconds') return 'must be a time like 2027-01-31T12:00:00Z, up to the year 9999'
  if (field === 'protocolIdentifier') return 'must be a protocol: a number from 0 to 255, or a name like icmp'
  return message
}

/** The field of a kind that a column names; undefined when it names none. */
export function fieldOf(kind: ContextKind, column: string): string | undefined {
  const wanted = column.trim().toLowerCase()
  const name = (Object.hasOwn(aliases, wanted) ? aliases[wanted]! : wanted).toLowerCase()
  return fieldsOf(kind).find((field) => field.toLowerCase() === name)
}

export function fieldsOf(kind: ContextKind): string[] {
  return Object.keys(entrySchemas[kind].properties)
}

/** The kinds of which every column is a field. */
export function kindsOfColumns(columns: readonly string[]): ContextKind[] {
  return contextKinds.filter((kind) => columns.every((column) => fieldOf(kind, column) !== undefined))
}

/** The value of a cell; text that is none of its type stays text, and the check of the entry says so. */
export function readText(kind: ContextKind, field: string, text: string): unknown {
  if (field === 'protocolIdentifier') return numberOf(text) ?? protocolNumbers.get(text.toLowerCase()) ?? text
  if (field === 'expiresMilliseconds') return numberOf(text) ?? parseIso(text) ?? text
  const properties = entrySchemas[kind].properties as Readonly<Record<string, Property>>
  switch (properties[field]?.type) {
    case 'integer':
    case 'number':
      return numberOf(text) ?? text
    case 'boolean':
      return booleans.get(text.toLowerCase()) ?? text
    default:
      return unquoted(text)
  }
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['0', false],
])

function numberOf(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** CSV that is made here has an apostrophe before what a spreadsheet would compute; it is no part of the text. */
function unquoted(text: string): string {
  return /^'\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(text) ? text.slice(1) : text
}

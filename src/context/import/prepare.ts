/** A file as entries that can be kept, or what is wrong with which row. Pure. */
import { faultsOf } from '../../validation.js'
import { problemsOf } from '../check.js'
import type { Asset } from '../data.js'
import {
  type ContextEntry,
  type ContextKind,
  canonical,
  entrySchemas,
  isEntry,
  keyOf,
  singularOf,
} from '../kinds.js'
import type { Incoming } from '../plan.js'
import { readDocument } from './documents.js'
import { faultText } from './fields.js'
import { type NetBoxOptions, readNetBox } from './netbox.js'
import { foundText, type ImportedRow, type ImportProblem, type ReadFile, type Remark } from './rows.js'
import { readTable } from './tables.js'

export const importFormats = ['csv', 'yaml', 'netbox'] as const
export type ImportFormat = (typeof importFormats)[number]

export type PrepareOptions = NetBoxOptions & {
  readonly format: ImportFormat
  readonly kind?: ContextKind | undefined
  readonly nowMilliseconds: number
  /** What is there already: it may come again although its time is over. */
  readonly find?: (kind: ContextKind, key: string) => ContextEntry | undefined
}

export type Prepared = {
  readonly kinds: readonly ContextKind[]
  readonly incoming: readonly Incoming[]
  readonly problems: readonly ImportProblem[]
  readonly notMapped: readonly Remark[]
  readonly mapped: readonly Remark[]
  /** Rows that say what another has said. */
  readonly repeated: number
  /** NetBox does not know all that entries hold: what it does not say stays. */
  readonly merges: boolean
}

export function prepareImport(content: string, options: PrepareOptions): Prepared {
  const { kind } = options
  const merges = options.format === 'netbox'
  const file = readFile(content, options)
  const problems = [...file.problems]
  const taken = new Map<string, { entry: ContextEntry; kind: ContextKind; row: ImportedRow }>()
  let repeated = 0
  for (const row of file.rows) {
    if (kind !== undefined && row.kind !== kind) continue
    const wrong = problemsOfRow(row, options)
    if (wrong.length > 0) {
      problems.push(...wrong)
      continue
    }
    const entry = canonical(row.kind, row.value as ContextEntry)
    const key = `${row.kind} ${keyOf(row.kind, entry)}`
    const before = taken.get(key)
    if (before === undefined) taken.set(key, { entry, kind: row.kind, row })
    else if (isCompatible(before.entry, entry, merges)) {
      repeated++
      taken.set(key, { ...before, entry: { ...before.entry, ...entry } })
    } else problems.push(clash(row, before.row, entry))
  }
  return {
    kinds: kind === undefined ? file.kinds : file.kinds.filter((each) => each === kind),
    incoming: [...taken.values()].map(({ kind: of, entry }) => ({ kind: of, entry })),
    problems: problems.sort((one, other) => (one.line ?? 0) - (other.line ?? 0)),
    notMapped: file.notMapped,
    mapped: file.mapped,
    repeated,
    merges,
  }
}

function readFile(content: string, options: PrepareOptions): ReadFile {
  switch (options.format) {
    case 'csv':
      return readTable(content, options.kind)
    case 'yaml':
      return readDocument(content, options.kind)
    case 'netbox':
      return readNetBox(content, options)
  }
}

function problemsOfRow(
  { kind, place, value, named = {} }: ImportedRow,
  { nowMilliseconds, find }: PrepareOptions,
): ImportProblem[] {
  const problem = (field: string, message: string): ImportProblem => {
    const found = foundText(value[field])
    const shown = field === '' ? {} : { field: Object.hasOwn(named, field) ? named[field]! : field }
    return { ...place, ...shown, message, ...(found === undefined ? {} : { found }) }
  }
  if (!isEntry[kind](value)) {
    return faultsOf(entrySchemas[kind], value).map(({ path, message }) => {
      // A fault of the whole names the field in words.
      const missing = /^must have required propert(?:y|ies) (.+)$/.exec(message)?.[1]
      if (missing !== undefined) return problem(missing, 'is required')
      const field = path[0] ?? ''
      return problem(field, faultText(field, value[field], message))
    })
  }
  const entry = value as ContextEntry
  let problems = problemsOf(kind, entry, nowMilliseconds)
  if (problems.length > 0 && problems.every(({ pointer }) => pointer === '/expiresMilliseconds')) {
    const previous = find?.(kind, keyOf(kind, canonical(kind, entry)))
    problems = problemsOf(kind, entry, nowMilliseconds, previous)
  }
  return problems.map(({ pointer, message }) => problem(pointer.slice(1), message))
}

/** Two rows of one key agree; when they may be merged, what one of them does not say is no difference. */
function isCompatible(one: ContextEntry, other: ContextEntry, merges: boolean): boolean {
  const fields = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof Asset>
  for (const field of fields) {
    const [a, b] = [(one as Asset)[field], (other as Asset)[field]]
    if (a !== b && !(merges && (a === undefined || b === undefined))) return false
  }
  return true
}

function clash(row: ImportedRow, before: ImportedRow, entry: ContextEntry): ImportProblem {
  const { line, pointer } = before.place
  const where = line === undefined ? pointer : `line ${line}`
  const field = 'prefix' in row.value ? { field: row.named?.['prefix'] ?? 'prefix' } : {}
  const message = `is the ${singularOf(row.kind)} of ${where} again, with other content`
  return { ...row.place, ...field, message, found: foundText(keyOf(row.kind, entry))! }
}

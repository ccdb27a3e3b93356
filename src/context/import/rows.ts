/** What readers of files make: rows that claim to be entries, where each stands, and what was left out by which reason. */
import { type Static, Type } from 'typebox'
import type { ContextKind } from '../kinds.js'

const closed = { additionalProperties: false } as const

/** What is wrong at a place of a file. */
export const ImportProblem = Type.Object(
  {
    line: Type.Optional(Type.Integer({ description: 'of the file, from 1' })),
    pointer: Type.Optional(Type.String({ description: 'JSON pointer of the entry, in YAML and JSON' })),
    field: Type.Optional(Type.String({ description: 'column or key, as the file names it' })),
    message: Type.String(),
    found: Type.Optional(Type.String({ description: 'what stands there, shortened' })),
  },
  closed,
)
export type ImportProblem = Static<typeof ImportProblem>

export type Place = Pick<ImportProblem, 'line' | 'pointer'>

export type ImportedRow = {
  readonly kind: ContextKind
  readonly place: Place
  readonly value: Readonly<Record<string, unknown>>
  /** Names of fields in the file, where they are not our own. */
  readonly named?: Readonly<Record<string, string>>
}

/** What was left out, or put into words of ours, by a reason. */
export const Remark = Type.Object(
  {
    reason: Type.String(),
    count: Type.Integer(),
    examples: Type.Array(Type.String(), { description: 'up to five' }),
  },
  closed,
)
export type Remark = Static<typeof Remark>

export type ReadFile = {
  /** What the file is about, rows or not: all that is replaced when it replaces. */
  readonly kinds: readonly ContextKind[]
  readonly rows: readonly ImportedRow[]
  readonly problems: readonly ImportProblem[]
  /** Rows that are no entries here. */
  readonly notMapped: readonly Remark[]
  /** How words of the file were understood. */
  readonly mapped: readonly Remark[]
}

const MOST_EXAMPLES = 5
const FOUND_LENGTH = 80

export class Remarks {
  readonly #byReason = new Map<string, { count: number; examples: Set<string> }>()

  add(reason: string, example: string): void {
    let remark = this.#byReason.get(reason)
    if (remark === undefined) {
      remark = { count: 0, examples: new Set() }
      this.#byReason.set(reason, remark)
    }
    remark.count++
    if (remark.examples.size < MOST_EXAMPLES) remark.examples.add(example.slice(0, FOUND_LENGTH))
  }

  list(): Remark[] {
    return [...this.#byReason].map(([reason, { count, examples }]) => ({
      reason,
      count,
      examples: [...examples],
    }))
  }
}

/** A value as a problem shows it. */
export function foundText(value: unknown): string | undefined {
  if (value === undefined) return undefined
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > FOUND_LENGTH ? `${text.slice(0, FOUND_LENGTH - 1)}…` : text
}

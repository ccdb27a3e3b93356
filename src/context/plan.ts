/** What entries that come all at once would change. Pure: the repository writes what is planned here. */
import { isDeepStrictEqual } from 'node:util'
import { type ContextEntry, type ContextKind, keyOf, plainEntry, type StoredEntry } from './kinds.js'

/** An entry that is to be there: canonical and without problems. */
export type Incoming = { readonly kind: ContextKind; readonly entry: ContextEntry }

/** Without `before` it is added, without `after` removed. */
export type PlannedChange = {
  readonly kind: ContextKind
  readonly before?: StoredEntry
  readonly after?: ContextEntry
}

export type Plan = {
  readonly changes: readonly PlannedChange[]
  readonly unchanged: Readonly<Partial<Record<ContextKind, number>>>
}

export type PlanOptions = {
  /** Entries of these kinds that do not come are removed. */
  readonly replaces: readonly ContextKind[]
  /** What an entry does not say stays as it is. */
  readonly merges: boolean
}

/** `stored` has the entries of a kind by their keys. */
export function planChanges(
  incoming: readonly Incoming[],
  stored: (kind: ContextKind) => ReadonlyMap<string, StoredEntry>,
  { replaces, merges }: PlanOptions,
): Plan {
  const changes: PlannedChange[] = []
  const unchanged: Partial<Record<ContextKind, number>> = {}
  const seen = new Set<string>()
  for (const { kind, entry } of incoming) {
    const key = keyOf(kind, entry)
    seen.add(`${kind} ${key}`)
    const before = stored(kind).get(key)
    if (before === undefined) {
      changes.push({ kind, after: entry })
      continue
    }
    const plain = plainEntry(before)
    const after = merges ? { ...plain, ...entry } : entry
    if (isDeepStrictEqual(plain, after)) unchanged[kind] = (unchanged[kind] ?? 0) + 1
    else changes.push({ kind, before, after })
  }
  for (const kind of replaces) {
    for (const [key, before] of stored(kind)) {
      if (!seen.has(`${kind} ${key}`)) changes.push({ kind, before })
    }
  }
  return { changes, unchanged }
}

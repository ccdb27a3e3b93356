/** All entries in memory, by id and by what makes them this one; and the whole, made when it is asked for after a change. */
import { type KnownNames, knownNamesOf } from './check.js'
import { type Context, createContext } from './context.js'
import type { ContextData } from './data.js'
import { type ContextKind, contextKinds, keyOf, plainEntry, type StoredEntry } from './kinds.js'

/** The whole, with a version that changes with every change. */
export type VersionedContext = { readonly version: number; readonly data: ContextData }

/** One version of the whole, ready to be asked. */
export type ContextView = VersionedContext & { readonly context: Context; readonly names: KnownNames }

export type ContextState = {
  readonly version: number
  readonly counters: Readonly<Record<ContextKind, number>>
}

export type WrittenChange = {
  readonly kind: ContextKind
  readonly before?: StoredEntry
  readonly after?: StoredEntry
}

export class HeldContext {
  state: ContextState
  readonly byId: Readonly<Record<ContextKind, Map<string, StoredEntry>>>
  readonly byKey: Readonly<Record<ContextKind, Map<string, StoredEntry>>>
  #current: VersionedContext | undefined
  #view: ContextView | undefined

  constructor() {
    this.state = { version: 0, counters: { zones: 0, assets: 0, services: 0, monitors: 0 } }
    this.byId = { zones: new Map(), assets: new Map(), services: new Map(), monitors: new Map() }
    this.byKey = { zones: new Map(), assets: new Map(), services: new Map(), monitors: new Map() }
  }

  take(kind: ContextKind, entry: StoredEntry): void {
    this.byId[kind].set(entry.id, entry)
    this.byKey[kind].set(keyOf(kind, entry), entry)
  }

  change(changes: readonly WrittenChange[]): void {
    for (const { kind, before, after } of changes) {
      if (before === undefined) continue
      this.byKey[kind].delete(keyOf(kind, before))
      if (after === undefined) this.byId[kind].delete(before.id)
    }
    for (const { kind, after } of changes) if (after !== undefined) this.take(kind, after)
    this.#current = undefined
    this.#view = undefined
  }

  current(): VersionedContext {
    this.#current ??= {
      version: this.state.version,
      data: Object.fromEntries(
        contextKinds.map((kind) => [kind, [...this.byId[kind].values()].map(plainEntry)]),
      ) as ContextData,
    }
    return this.#current
  }

  look(): ContextView {
    if (this.#view !== undefined) return this.#view
    const current = this.current()
    const { data } = current
    this.#view = { ...current, context: createContext(data), names: knownNamesOf(data) }
    return this.#view
  }
}

/**
 * Keeps context as documents, one an entry. Every change goes through here, is written together with its audit entry and
 * makes a new version of the whole. All of it is held in memory: each run of a detector asks for it.
 */
import { createHash } from 'node:crypto'
import { ApplianceError } from '../errors.js'
import type { Audit, AuditEvent } from '../findings/audit.js'
import { canonicalJson } from '../findings/canonical.js'
import { sortable } from '../findings/keys.js'
import { createSerial } from '../findings/serial.js'
import type { DocumentOperation, Documents } from '../store/documents.js'
import { type EntryProblem, problemsOf } from './check.js'
import {
  type ContextState,
  type ContextView,
  HeldContext,
  type VersionedContext,
  type WrittenChange,
} from './held.js'
import {
  type ContextEntry,
  type ContextKind,
  canonical,
  contextKinds,
  type EntryOf,
  keyOf,
  MOST_ENTRIES,
  type StoredEntry,
  type StoredOf,
  singularOf,
} from './kinds.js'
import { type Incoming, type Plan, type PlannedChange, type PlanOptions, planChanges } from './plan.js'

/** Who makes a change, and which version of the entry they have seen. */
export type ContextChange = { readonly by: string; readonly version?: number | undefined }

export type ContextRepository = {
  /** Costs nothing while nothing changes. */
  current(): Promise<VersionedContext>
  view(): Promise<ContextView>
  /** All entries of a kind, in the order of their creation. */
  all<Kind extends ContextKind>(kind: Kind): Promise<readonly StoredOf[Kind][]>
  get<Kind extends ContextKind>(kind: Kind, id: string): Promise<StoredOf[Kind] | undefined>
  /** What is wrong with an entry that would be made, or would take the place of another, its equal elsewhere too. */
  problems<Kind extends ContextKind>(kind: Kind, entry: EntryOf[Kind], id?: string): Promise<EntryProblem[]>
  create<Kind extends ContextKind>(
    kind: Kind,
    entry: EntryOf[Kind],
    change: ContextChange,
  ): Promise<StoredOf[Kind]>
  replace<Kind extends ContextKind>(
    kind: Kind,
    id: string,
    entry: EntryOf[Kind],
    change: ContextChange,
  ): Promise<StoredOf[Kind]>
  delete(kind: ContextKind, id: string, change: ContextChange): Promise<void>
  /** What finds an entry by what makes it this one. */
  finder(): Promise<(kind: ContextKind, key: string) => StoredEntry | undefined>
  /** What entries would change. They must be canonical, without problems and without equals among themselves. */
  plan(incoming: readonly Incoming[], options: PlanOptions): Promise<Plan>
  /** Changes all of it, or nothing. */
  import(incoming: readonly Incoming[], options: PlanOptions & { readonly by: string }): Promise<Plan>
}

/** Changes of an import that its audit entry holds in full; the digest covers all. */
const CHANGES_IN_AUDIT = 500

const STATE = 'context/state'

/** Makes the repository; it reads what is kept on its first use. */
export function createContextRepository(options: {
  documents: Documents
  audit: Audit
  now: () => number
}): ContextRepository {
  const { documents, audit, now } = options
  const serial = createSerial()
  let loading: Promise<HeldContext> | undefined

  async function load(): Promise<HeldContext> {
    const held = new HeldContext()
    held.state = (await documents.get<ContextState>(STATE)) ?? held.state
    const counters = { ...held.state.counters }
    for (const kind of contextKinds) {
      for await (const [, entry] of documents.list<StoredEntry>(prefixOf(kind))) {
        held.take(kind, entry)
        counters[kind] = Math.max(counters[kind], numberOfEntry(kind, entry.id))
      }
    }
    held.state = { ...held.state, counters }
    return held
  }
  const held = () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }

  async function existing(kind: ContextKind, id: string, version: number | undefined): Promise<StoredEntry> {
    const entry = (await held()).byId[kind].get(id)
    if (entry === undefined) throw new ApplianceError('NOT_FOUND', `no such ${singularOf(kind)}`)
    if (version !== undefined && version !== entry.version) {
      throw new ApplianceError('CONFLICT', `the ${singularOf(kind)} has changed since it was read`)
    }
    return entry
  }

  function checkedIn(all: HeldContext, kind: ContextKind, entry: ContextEntry, id?: string): EntryProblem[] {
    const previous = id === undefined ? undefined : all.byId[kind].get(id)
    const problems = problemsOf(kind, entry, now(), previous)
    if (problems.length > 0) return problems
    const same = all.byKey[kind].get(keyOf(kind, canonical(kind, entry)))
    if (same !== undefined && same.id !== id) {
      const pointer = 'prefix' in entry ? '/prefix' : ''
      problems.push({ pointer, message: `${same.id} is the same already: change that one` })
    }
    return problems
  }

  function requireSound(problems: readonly EntryProblem[]): void {
    if (problems.length === 0) return
    const text = problems.map(({ pointer, message }) => `${pointer} ${message}`.trim()).join('; ')
    throw new ApplianceError('INVALID', text)
  }

  /** Writes changes and the audit entry that tells of them. */
  async function write(
    changes: readonly PlannedChange[],
    event: (written: readonly WrittenChange[]) => AuditEvent,
  ): Promise<StoredEntry[]> {
    const all = await held()
    const counters = { ...all.state.counters }
    const time = now()
    const written = changes.map(({ kind, before, after }): WrittenChange => {
      if (after === undefined) return { kind, before: before! }
      const entry: StoredEntry = {
        ...after,
        id: before?.id ?? `${singularOf(kind)}-${++counters[kind]}`,
        version: (before?.version ?? 0) + 1,
        createdAtMilliseconds: before?.createdAtMilliseconds ?? time,
        updatedAtMilliseconds: time,
      }
      return before === undefined ? { kind, after: entry } : { kind, before, after: entry }
    })
    const state: ContextState = { version: all.state.version + 1, counters }
    const operations = written.map(({ kind, before, after }): DocumentOperation => {
      const key = prefixOf(kind) + sortable(numberOfEntry(kind, (after ?? before)!.id))
      return after === undefined ? { type: 'delete', key } : { type: 'put', key, value: after }
    })
    await audit.record(event(written), [...operations, { type: 'put', key: STATE, value: state }])
    all.state = state
    all.change(written)
    return written.flatMap(({ after }) => after ?? [])
  }

  async function one(change: PlannedChange, by: string): Promise<StoredEntry | undefined> {
    const { before, after } = change
    const action = before === undefined ? 'create' : after === undefined ? 'delete' : 'update'
    const [entry] = await write([change], ([sides]) => {
      const subject = (sides!.after ?? sides!.before)!.id
      return {
        actor: by,
        action: `context.${action}`,
        subject,
        ...(sides!.before === undefined ? {} : { before: sides!.before }),
        ...(sides!.after === undefined ? {} : { after: sides!.after }),
      }
    })
    return entry
  }

  function refuseTooMany(all: HeldContext, changes: readonly PlannedChange[]): void {
    for (const kind of contextKinds) {
      const ofKind = changes.filter((change) => change.kind === kind)
      const added = ofKind.filter(({ before }) => before === undefined).length
      const removed = ofKind.filter(({ after }) => after === undefined).length
      if (all.byId[kind].size + added - removed > Math.max(MOST_ENTRIES[kind], all.byId[kind].size))
        throw new ApplianceError('INVALID', `more than ${MOST_ENTRIES[kind]} ${kind} cannot be kept`)
    }
  }

  return {
    current: async () => (await held()).current(),
    view: async () => (await held()).look(),
    all: async <Kind extends ContextKind>(kind: Kind) =>
      [...(await held()).byId[kind].values()] as StoredOf[Kind][],
    get: async <Kind extends ContextKind>(kind: Kind, id: string) =>
      (await held()).byId[kind].get(id) as StoredOf[Kind] | undefined,
    problems: async (kind, entry, id) => checkedIn(await held(), kind, entry, id),

    create<Kind extends ContextKind>(kind: Kind, entry: EntryOf[Kind], { by }: ContextChange) {
      return serial(async () => {
        const all = await held()
        requireSound(checkedIn(all, kind, entry))
        const change = { kind, after: canonical(kind, entry) }
        refuseTooMany(all, [change])
        return (await one(change, by)) as StoredOf[Kind]
      })
    },

    replace<Kind extends ContextKind>(
      kind: Kind,
      id: string,
      entry: EntryOf[Kind],
      { by, version }: ContextChange,
    ) {
      return serial(async () => {
        const before = await existing(kind, id, version)
        requireSound(checkedIn(await held(), kind, entry, id))
        return (await one({ kind, before, after: canonical(kind, entry) }, by)) as StoredOf[Kind]
      })
    },

    delete(kind, id, { by, version }) {
      return serial(async () => {
        await one({ kind, before: await existing(kind, id, version) }, by)
      })
    },

    finder: async () => {
      const { byKey } = await held()
      return (kind, key) => byKey[kind].get(key)
    },
    plan: async (incoming, planOptions) => {
      const { byKey } = await held()
      return planChanges(incoming, (kind) => byKey[kind], planOptions)
    },

    import(incoming, { by, ...planOptions }) {
      return serial(async () => {
        const all = await held()
        const plan = planChanges(incoming, (kind) => all.byKey[kind], planOptions)
        refuseTooMany(all, plan.changes)
        if (plan.changes.length > 0) {
          await write(plan.changes, (written) => ({
            actor: by,
            action: 'context.import',
            subject: `version ${all.state.version + 1}`,
            after: {
              changed: written.length,
              changes: written.slice(0, CHANGES_IN_AUDIT),
              digest: createHash('sha256').update(canonicalJson(written)).digest('hex'),
            },
          }))
        }
        return plan
      })
    },
  }
}

function prefixOf(kind: ContextKind): string {
  return `context/${singularOf(kind)}/`
}

/** Ids are the kind and a number; 0 for what is no such id. Lists are in this order. */
export function numberOfEntry(kind: ContextKind, id: string): number {
  const [name, digits = '', ...rest] = id.split('-')
  return name === singularOf(kind) && rest.length === 0 && /^[1-9]\d{0,14}$/.test(digits) ? Number(digits) : 0
}

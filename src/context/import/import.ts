/** Importing: a file is read, checked, compared with what is there, and taken, whole or not at all. */
import { type Static, Type } from 'typebox'
import { warningsOf } from '../check.js'
import { type ContextKind, contextKinds, keyOf } from '../kinds.js'
import type { Plan } from '../plan.js'
import type { ContextRepository } from '../repository.js'
import { type ImportFormat, importFormats, type Prepared, prepareImport } from './prepare.js'
import { ImportProblem, Remark, Remarks } from './rows.js'

const closed = { additionalProperties: false } as const

/** What is to be imported, and how. */
export const ImportInput = Type.Object(
  {
    content: Type.String({ description: 'the text of the file' }),
    format: Type.Optional(Type.Enum([...importFormats], { description: 'told by the content when absent' })),
    kind: Type.Optional(
      Type.Enum([...contextKinds], { description: 'only this kind, and of a bare list this' }),
    ),
    replace: Type.Optional(
      Type.Boolean({ description: 'what the file does not have is removed, of the kinds that it is about' }),
    ),
    skipInvalid: Type.Optional(Type.Boolean({ description: 'take the good rows although others are wrong' })),
    zoneBy: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        minItems: 1,
        maxItems: 8,
        description:
          'NetBox: fields of a prefix, the first that is set names its zone; role, site, scope when absent',
      }),
    ),
    vrf: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: 'NetBox: only this VRF; Global is none' }),
    ),
    roles: Type.Optional(
      Type.Record(Type.String({ maxLength: 128 }), Type.String({ minLength: 1, maxLength: 64 }), {
        description: 'NetBox: names of roles in lower case, and the role here',
      }),
    ),
  },
  closed,
)
export type ImportInput = Static<typeof ImportInput>

const Counts = Type.Object(
  {
    kind: Type.Enum([...contextKinds]),
    added: Type.Integer(),
    changed: Type.Integer(),
    removed: Type.Integer(),
    unchanged: Type.Integer(),
  },
  closed,
)

export const ImportOutcome = Type.Object(
  {
    isWritten: Type.Boolean(),
    format: Type.Enum([...importFormats]),
    counts: Type.Array(Counts),
    changes: Type.Array(
      Type.Object(
        {
          kind: Type.Enum([...contextKinds]),
          change: Type.Enum(['added', 'changed', 'removed']),
          key: Type.String(),
        },
        closed,
      ),
      { description: 'the first of them' },
    ),
    repeated: Type.Integer({ description: 'rows that say what another has said' }),
    problems: Type.Array(ImportProblem, { description: 'the first of them' }),
    problemCount: Type.Integer(),
    notMapped: Type.Array(Remark, { description: 'rows that are no entries here, by the reason' }),
    mapped: Type.Array(Remark, { description: 'how words of the file were understood' }),
    warnings: Type.Array(Remark, { description: 'what may be a mistake and is taken all the same' }),
  },
  closed,
)
export type ImportOutcome = Static<typeof ImportOutcome>

const MOST_LISTED = 100

export type ImportSetup = {
  readonly repository: ContextRepository
  readonly by: string
  readonly isDryRun: boolean
  readonly nowMilliseconds: number
}

/** Nothing is written by a dry run, or when a row is wrong and `skipInvalid` is not set. */
export async function importContext(input: ImportInput, setup: ImportSetup): Promise<ImportOutcome> {
  const { repository, by, isDryRun, nowMilliseconds } = setup
  const format = input.format ?? formatOf(input.content)
  const find = await repository.finder()
  const prepared = prepareImport(input.content, { ...input, format, nowMilliseconds, find })
  const { incoming, problems, merges } = prepared
  const replaces = input.replace === true ? prepared.kinds : []
  const isWritten = !isDryRun && (problems.length === 0 || input.skipInvalid === true)
  const plan = isWritten
    ? await repository.import(incoming, { replaces, merges, by })
    : await repository.plan(incoming, { replaces, merges })
  return {
    isWritten,
    format,
    ...describe(plan, prepared.kinds),
    repeated: prepared.repeated,
    problems: problems.slice(0, MOST_LISTED),
    problemCount: problems.length,
    notMapped: [...prepared.notMapped],
    mapped: [...prepared.mapped],
    warnings: await warnings(prepared, repository),
  }
}

/** JSON of NetBox has results, or objects with an id; JSON of our own has lists by kind. */
export function formatOf(content: string): ImportFormat {
  const start = content
    .slice(0, 4096)
    .replace(/^\ufeff/, '')
    .trimStart()
  if (/^[[{]/.test(start)) return /"(results|url|display)"\s*:/.test(start) ? 'netbox' : 'yaml'
  const [head = ''] = start.split(/[\r\n]/, 1)
  if (/^(---|#|-\s|[a-z]+:)/.test(head)) return 'yaml'
  return 'csv'
}

function describe(plan: Plan, kinds: readonly ContextKind[]): Pick<ImportOutcome, 'counts' | 'changes'> {
  const counts = new Map(
    kinds.map((kind) => [
      kind,
      { kind, added: 0, changed: 0, removed: 0, unchanged: plan.unchanged[kind] ?? 0 },
    ]),
  )
  const changes = plan.changes.map(({ kind, before, after }) => {
    const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'
    counts.get(kind)![change]++
    return { kind, change, key: keyOf(kind, (after ?? before)!) } as const
  })
  return { counts: [...counts.values()], changes: changes.slice(0, MOST_LISTED) }
}

/** Zones and roles may come with the same file. */
async function warnings({ incoming }: Prepared, repository: ContextRepository): Promise<Remark[]> {
  const { names } = await repository.view()
  const zones = new Set(names.zones)
  const roles = new Set(names.roles)
  for (const { kind, entry } of incoming) {
    if (kind === 'zones' && 'name' in entry && entry.name !== undefined) zones.add(entry.name)
    if (kind === 'assets' && 'role' in entry && entry.role !== undefined) roles.add(entry.role)
  }
  const remarks = new Remarks()
  for (const { kind, entry } of incoming) {
    for (const warning of warningsOf(kind, entry, { zones, roles })) remarks.add(warning, keyOf(kind, entry))
  }
  return remarks.list().slice(0, MOST_LISTED)
}

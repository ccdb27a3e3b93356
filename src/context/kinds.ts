/** The kinds of entries, by the names under which they are listed: schema, id, and what makes two entries the same. */
import { type Static, type TProperties, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Asset, SanctionedMonitor, SanctionedService, Zone } from './data.js'
import { canonicalPrefix } from './prefixes.js'

export const contextKinds = ['zones', 'assets', 'services', 'monitors'] as const
export type ContextKind = (typeof contextKinds)[number]

export type EntryOf = {
  zones: Zone
  assets: Asset
  services: SanctionedService
  monitors: SanctionedMonitor
}
export type ContextEntry = EntryOf[ContextKind]

export const entrySchemas = {
  zones: Zone,
  assets: Asset,
  services: SanctionedService,
  monitors: SanctionedMonitor,
} as const

/** Whether a value has the form of an entry; compiled, as tens of thousands come at a time. */
export const isEntry: Readonly<Record<ContextKind, (value: unknown) => boolean>> = {
  zones: checkerOf(Zone),
  assets: checkerOf(Asset),
  services: checkerOf(SanctionedService),
  monitors: checkerOf(SanctionedMonitor),
}

function checkerOf(schema: (typeof entrySchemas)[ContextKind]): (value: unknown) => boolean {
  const compiled = Compile(schema)
  return (value) => compiled.Check(value)
}

/** What the appliance adds to an entry. */
const stored = {
  id: Type.String({ description: 'the kind and a number that is never used again' }),
  version: Type.Integer({ description: 'of this entry; its ETag' }),
  createdAtMilliseconds: Type.Number(),
  updatedAtMilliseconds: Type.Number(),
}

function Stored<Properties extends TProperties>(properties: Properties) {
  return Type.Object({ ...stored, ...properties }, { additionalProperties: false })
}

export const StoredZone = Stored(Zone.properties)
export const StoredAsset = Stored(Asset.properties)
export const StoredService = Stored(SanctionedService.properties)
export const StoredMonitor = Stored(SanctionedMonitor.properties)

export type StoredOf = {
  zones: Static<typeof StoredZone>
  assets: Static<typeof StoredAsset>
  services: Static<typeof StoredService>
  monitors: Static<typeof StoredMonitor>
}
export type StoredEntry = StoredOf[ContextKind]

/** `zone` of `zones`: ids and messages say it. */
export function singularOf(kind: ContextKind): string {
  return kind.slice(0, -1)
}

/** The most entries of a kind: every lookup of a service or monitor may look at all of them. */
export const MOST_ENTRIES: Readonly<Record<ContextKind, number>> = {
  zones: 50_000,
  assets: 250_000,
  services: 5_000,
  monitors: 5_000,
}

/** What makes an entry this one and no other, for people to read; entries must be canonical. */
export function keyOf(kind: ContextKind, entry: ContextEntry): string {
  switch (kind) {
    case 'zones':
    case 'assets':
      return (entry as Zone | Asset).prefix
    case 'services': {
      const { client, server, protocolIdentifier, port, application } = entry as SanctionedService
      const named = application === undefined ? '' : ` ${application.toLowerCase()}`
      return `${client ?? 'any'} → ${server ?? 'any'} ${protocolIdentifier}/${port ?? 'any'}${named}`
    }
    case 'monitors': {
      const { source, target, octets } = entry as SanctionedMonitor
      return `${source ?? 'any'} → ${target ?? 'any'}${octets === undefined ? '' : ` ${octets} octets`}`
    }
  }
}

/** The entry with each prefix in its one form; it must have no problems. */
export function canonical<Kind extends ContextKind>(kind: Kind, entry: EntryOf[Kind]): EntryOf[Kind] {
  const changed: Record<string, unknown> = { ...entry }
  for (const field of prefixFields[kind]) {
    const text = changed[field] as string | undefined
    if (text !== undefined && !isNamedSelector(text)) changed[field] = canonicalPrefix(text)
  }
  return changed as EntryOf[Kind]
}

/** Fields that hold a prefix, or for services and monitors a selector. */
export const prefixFields: Readonly<Record<ContextKind, readonly string[]>> = {
  zones: ['prefix'],
  assets: ['prefix'],
  services: ['client', 'server'],
  monitors: ['source', 'target'],
}

export function isNamedSelector(text: string): boolean {
  return text.startsWith('zone:') || text.startsWith('role:')
}

/** An entry as it was given, without what the appliance added. */
export function plainEntry(entry: StoredEntry): ContextEntry {
  const { id: _id, version: _version, createdAtMilliseconds: _c, updatedAtMilliseconds: _u, ...plain } = entry
  return plain
}

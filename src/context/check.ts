/** What is wrong with an entry beyond its form, and what may be a mistake and is kept all the same. */
import { DEFAULT_ZONES } from './context.js'
import { type Asset, type ContextData, knownRoles, type SanctionedMonitor } from './data.js'
import { type ContextEntry, type ContextKind, isNamedSelector, prefixFields } from './kinds.js'
import { problemOfPrefix } from './prefixes.js'

/** A place in an entry, as a JSON pointer, and what is wrong there. */
export type EntryProblem = { readonly pointer: string; readonly message: string }

/** The problems of an entry that has the form of its kind. What is there already may have expired. */
export function problemsOf(
  kind: ContextKind,
  entry: ContextEntry,
  nowMilliseconds: number,
  previous?: ContextEntry,
): EntryProblem[] {
  const problems: EntryProblem[] = []
  const fields = entry as Readonly<Record<string, unknown>>
  const [first, second] = prefixFields[kind]
  for (const field of prefixFields[kind]) {
    const text = fields[field] as string | undefined
    if (text === undefined) continue
    const message = second === undefined ? problemOfPrefix(text) : problemOfSelector(text)
    if (message !== undefined) problems.push({ pointer: `/${field}`, message })
  }
  if (second !== undefined && fields[first!] === undefined && fields[second] === undefined) {
    problems.push({ pointer: `/${first}`, message: `is required, or ${second}: it would hold for everybody` })
  }
  const { expiresMilliseconds } = entry as SanctionedMonitor
  const isNew = expiresMilliseconds !== (previous as SanctionedMonitor | undefined)?.expiresMilliseconds
  if (isNew && (expiresMilliseconds ?? Infinity) <= nowMilliseconds) {
    const message = 'is in the past (milliseconds since 1970 are asked)'
    problems.push({ pointer: '/expiresMilliseconds', message })
  }
  return problems
}

function problemOfSelector(text: string): string | undefined {
  if (isNamedSelector(text)) return text.length > 5 ? undefined : 'names nothing behind the colon'
  if (problemOfPrefix(text) === undefined) return undefined
  if (!/^[\d.:a-f/]+$/i.test(text)) return 'is neither an address, a prefix, zone:NAME nor role:NAME'
  return problemOfPrefix(text)
}

/** Names that entries may mean, of one version of the context. */
export type KnownNames = { readonly zones: ReadonlySet<string>; readonly roles: ReadonlySet<string> }

export function knownNamesOf({ zones, assets }: ContextData): KnownNames {
  return {
    zones: new Set([...Object.values(DEFAULT_ZONES), ...zones.map(({ name }) => name)]),
    roles: new Set(assets.flatMap(({ role }) => role ?? [])),
  }
}

const detectorRoles: ReadonlySet<string> = new Set(knownRoles)

/** Zones and roles that nothing has (yet), and roles of your own that no detector knows. */
export function warningsOf(kind: ContextKind, entry: ContextEntry, names: KnownNames): string[] {
  const warnings: string[] = []
  for (const field of prefixFields[kind]) {
    const text = (entry as Readonly<Record<string, string | undefined>>)[field] ?? ''
    const name = text.slice(5)
    if (text.startsWith('zone:') && !names.zones.has(name))
      warnings.push(`${field}: no zone is called ${name}`)
    if (text.startsWith('role:') && !names.roles.has(name))
      warnings.push(`${field}: no asset has the role ${name}`)
  }
  const { role } = entry as Asset
  if (kind === 'assets' && role !== undefined && !detectorRoles.has(role)) {
    warnings.push(`role: no detector knows the role ${role}`)
  }
  return warnings
}

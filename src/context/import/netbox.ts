/**
 * Exports of NetBox as zones and assets: prefixes, IP addresses, devices and virtual machines, in CSV as its lists export
 * them (by titles of columns, or by field names as before version 3.0) and in JSON as its API answers. What fields are
 * called changed over its versions: `device_role` became `role` (3.6), a prefix's `site` its `scope` (4.2), an address's
 * `interface` its `assigned_object` (2.9).
 */
import type { ContextKind } from '../kinds.js'
import { readCsv } from './csv.js'
import { isRecord } from './documents.js'
import { type RoleNames, roleOfAddress, roleOfDevice } from './netbox-roles.js'
import {
  foundText,
  type ImportedRow,
  type ImportProblem,
  type Place,
  type ReadFile,
  Remarks,
} from './rows.js'

export type NetBoxOptions = {
  /** Fields of a prefix of which the first that is set names its zone. */
  readonly zoneBy?: readonly string[] | undefined
  /** Only what is in this VRF; `Global` is what is in none. */
  readonly vrf?: string | undefined
  /** Roles of NetBox in words of ours, before our own understanding. */
  readonly roles?: RoleNames | undefined
}

/** A record with its fields as text, by their names in lower case with underscores; empty ones are left out. */
type NetBoxRecord = Readonly<Record<string, string>>

type NetBoxType = 'prefix' | 'address' | 'device'

const DEFAULT_ZONE_BY = ['role', 'site', 'scope']
const kindOf: Readonly<Record<NetBoxType, ContextKind>> = {
  prefix: 'zones',
  address: 'assets',
  device: 'assets',
}
/** Addresses of a device, by the names of fields and of columns. */
const DEVICE_ADDRESSES = [
  ...['primary_ip4', 'primary_ipv4', 'ipv4_address', 'primary_ip6', 'primary_ipv6', 'ipv6_address'],
  ...['primary_ip', 'ip_address', 'oob_ip'],
]
const UNKNOWN_TYPE = 'is no export of prefixes, IP addresses, devices or virtual machines'

export function readNetBox(text: string, options: NetBoxOptions): ReadFile {
  const kinds = new Set<ContextKind>()
  const rows: ImportedRow[] = []
  const problems: ImportProblem[] = []
  const notMapped = new Remarks()
  const mapped = new Remarks()
  const take = (type: NetBoxType, record: NetBoxRecord, place: Place, titles: NetBoxRecord) => {
    kinds.add(kindOf[type])
    const subject = nameOf(record)
    const vrf = record['vrf'] ?? 'Global'
    if (options.vrf !== undefined && type !== 'device' && vrf !== options.vrf)
      return notMapped.add(`VRF ${vrf} was not asked for`, subject)
    if (type !== 'device' && record['status']?.toLowerCase() === 'deprecated')
      return notMapped.add('the status is deprecated', subject)
    for (const made of makers[type](record, options, mapped)) {
      if ('reason' in made) notMapped.add(made.reason, subject)
      else {
        const field = made.field
        rows.push({ kind: kindOf[type], place, value: made.value, named: { prefix: titles[field] ?? field } })
      }
    }
  }
  const start = text.trimStart()
  if (start.startsWith('{') || start.startsWith('[')) readJson(text, take, problems, notMapped)
  else readLines(text, take, problems)
  return { kinds: [...kinds], rows, problems, notMapped: notMapped.list(), mapped: mapped.list() }
}

type Take = (type: NetBoxType, record: NetBoxRecord, place: Place, titles: NetBoxRecord) => void

function readLines(text: string, take: Take, problems: ImportProblem[]): void {
  const { rows, fault } = readCsv(text)
  const [head, ...body] = rows
  const titles = head?.cells ?? []
  const names = titles.map(fieldName)
  const type = typeOf(new Set(names))
  if (type === undefined) {
    problems.push({ line: head?.line ?? 1, message: UNKNOWN_TYPE, found: foundText(titles.join(','))! })
    return
  }
  const titleOf = Object.fromEntries(names.map((name, index) => [name, titles[index]!.trim()]))
  for (const { line, cells } of body) {
    if (cells.length !== names.length) {
      const message = `${names.length} cells are expected, as many as there are names`
      problems.push({ line, message, found: `${cells.length} cells` })
      continue
    }
    const entries = cells.map((cell, index) => [names[index]!, cell.trim()] as const)
    // A dash stands for nothing in its tables.
    const set = entries.filter(([, cell]) => cell !== '' && cell !== '\u2014')
    take(type, Object.fromEntries(set), { line }, titleOf)
  }
  if (fault !== undefined) problems.push(fault)
}

function readJson(text: string, take: Take, problems: ImportProblem[], notMapped: Remarks): void {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    problems.push({ pointer: '', message: `is no JSON: ${(error as Error).message}` })
    return
  }
  const page = isRecord(value) && 'results' in value ? value : undefined
  const list = page === undefined ? value : page['results']
  if (!Array.isArray(list)) {
    problems.push({ pointer: '', message: 'a list of objects, or results with one, is expected' })
    return
  }
  if (typeof page?.['next'] === 'string')
    notMapped.add('the answer has further pages: ask for it with limit=0', page['next'])
  list.forEach((item: unknown, index) => {
    const pointer = `${page === undefined ? '' : '/results'}/${index}`
    const type = isRecord(item) ? typeOf(new Set(Object.keys(item))) : undefined
    if (type === undefined) problems.push({ pointer, message: UNKNOWN_TYPE, found: foundText(item)! })
    else take(type, flatten(item as Record<string, unknown>), { pointer }, {})
  })
}

/** `Prefix (Flat)` is `prefix_flat`. */
function fieldName(title: string): string {
  return title
    .replace(/^\ufeff/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '')
}

function typeOf(names: ReadonlySet<string>): NetBoxType | undefined {
  if (names.has('prefix') || names.has('prefix_flat')) return 'prefix'
  if (names.has('address')) return 'address'
  if (names.has('name')) return DEVICE_ADDRESSES.some((name) => names.has(name)) ? 'device' : undefined
  return names.has('ip_address') ? 'address' : undefined
}

function flatten(item: Record<string, unknown>): NetBoxRecord {
  const fields = Object.entries(item).map(([name, value]) => [name, textOf(value)] as const)
  const flat: Record<string, string> = Object.fromEntries(fields.filter(([, text]) => text !== ''))
  const assigned = item['assigned_object'] ?? item['interface']
  if (isRecord(assigned)) {
    const device = textOf(assigned['device']) || textOf(assigned['virtual_machine'])
    if (device !== '') flat['device'] = device
  }
  return flat
}

/** Related objects and choices by the name that they show. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value.trim()
  if (typeof value === 'number') return String(value)
  if (!isRecord(value)) return ''
  for (const key of ['label', 'name', 'address', 'display']) {
    const text = value[key]
    if (typeof text === 'string') return text.trim()
  }
  return ''
}

function nameOf(record: NetBoxRecord): string {
  return (
    record['name'] ??
    record['prefix'] ??
    record['prefix_flat'] ??
    record['address'] ??
    record['ip_address'] ??
    ''
  )
}

type Made = { readonly value: Record<string, unknown>; readonly field: string } | { readonly reason: string }
type Maker = (record: NetBoxRecord, options: NetBoxOptions, mapped: Remarks) => Made[]

const makers: Readonly<Record<NetBoxType, Maker>> = {
  prefix(record, { zoneBy = DEFAULT_ZONE_BY }, mapped) {
    const field = record['prefix_flat'] === undefined ? 'prefix' : 'prefix_flat'
    // Version 3.2 wrote its signs of depth into the export.
    const prefix = (record[field] ?? '').replace(/^[\u2022\s]+/, '')
    const by = zoneBy.find((name) => record[name] !== undefined)
    if (by === undefined)
      return [{ reason: `a prefix without ${zoneBy.join(', ')} has no name for its zone` }]
    mapped.add(`zones are called by ${by}`, record[by]!)
    return [{ value: { prefix, name: record[by]! }, field }]
  },

  address(record, _options, mapped) {
    const field = record['address'] === undefined ? 'ip_address' : 'address'
    const name = record['dns_name'] ?? record['device'] ?? record['device_vm'] ?? record['parent']
    const role = roleOfAddress(record['role'], mapped)
    const owner = record['tenant']
    if (name === undefined && role === undefined && owner === undefined)
      return [{ reason: 'an address without name, tenant and role of use says nothing' }]
    return [{ value: set({ prefix: hostOf(record[field] ?? ''), name, role, owner }), field }]
  },

  device(record, { roles }, mapped) {
    const name = record['name']
    const role = roleOfDevice(record['role'] ?? record['device_role'], roles, mapped)
    const owner = record['tenant']
    const made = new Map<string, Made>()
    for (const field of DEVICE_ADDRESSES) {
      const address = record[field]
      if (address === undefined) continue
      const prefix = hostOf(address)
      if (!made.has(prefix)) made.set(prefix, { value: set({ prefix, name, role, owner }), field })
    }
    return made.size === 0
      ? [{ reason: 'a device without an address cannot be known by one' }]
      : [...made.values()]
  },
}

/** NetBox writes an address with the length of its network. */
function hostOf(address: string): string {
  return address.split('/')[0]!.trim()
}

function set(values: Record<string, string | undefined>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

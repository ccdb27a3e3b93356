/** What is used here, as JSON has it: addresses and names as text, everything else refers to them by place. */
import { type Static, Type } from 'typebox'
import { type AddressFamily, formatAddress, parseAddress } from '../../records/address.js'
import type { Fault } from '../../validation.js'
import type { LearnedCheck } from '../learned-check.js'
import { applications } from './applications.js'
import { applicationIndex } from './expected.js'
import { addressAt } from './settings.js'
import type { Usage } from './usage.js'

/** More than is kept, so that what was kept elsewhere can be read: the most recent stays. */
const MOST_ITEMS = 65_536
const MOST_USES = 524_288

const place = Type.Integer({ minimum: 0 })
const day = Type.Integer({ minimum: 0, maximum: 4_000_000, description: 'days since 1970' })
const minute = Type.Integer({ minimum: 0, maximum: 4_294_967_295, description: 'minutes since 1970' })
const hosts = Type.Number({ minimum: 0 })
const port = Type.Integer({ minimum: 0, maximum: 65_535 })

export const UsageSnapshot = Type.Object({
  groups: Type.Array(Type.Tuple([Type.String({ maxLength: 160 }), hosts, day]), { maxItems: 65_535 }),
  addresses: Type.Array(Type.String({ maxLength: 45 })),
  keys: Type.Array(
    Type.Tuple([
      place,
      place,
      Type.String({ maxLength: 128 }),
      Type.Integer({ minimum: 0, maximum: 255 }),
      port,
      hosts,
      day,
      day,
    ]),
    {
      maxItems: MOST_ITEMS,
      description:
        'group of the client, of the server, application, protocol, port, hosts as of a day, that day, first seen on',
    },
  ),
  members: Type.Array(Type.Tuple([place, place, day]), {
    maxItems: MOST_ITEMS,
    description: 'group, address, last seen on',
  }),
  uses: Type.Array(Type.Tuple([place, place, day, port, place, minute]), {
    maxItems: MOST_USES,
    description: 'key, member, last seen on, port and address of the server then, minute of the first time',
  }),
})
export type UsageSnapshot = Static<typeof UsageSnapshot>

/** One host's use of a pairing, as text. */
export type UseRow = {
  readonly client: string
  readonly server: string
  readonly clientGroup: string
  readonly serverZone: string
  readonly application: string
  readonly protocolIdentifier: number
  /** That of the last time. */
  readonly port: number
  readonly lastDay: number
}

export function snapshotOf(usage: Usage): UsageSnapshot {
  const addresses: string[] = []
  const places = new Map<string, number>()
  const placeOf = (text: string) => {
    const found = places.get(text)
    if (found !== undefined) return found
    places.set(text, addresses.length)
    return addresses.push(text) - 1
  }
  const keyPlaces = new Map<number, number>()
  const memberPlaces = new Map<number, number>()
  const families: AddressFamily[] = []
  const snapshot: UsageSnapshot = {
    groups: usage.groupNames.map((name, index) => [name, usage.groupHosts[index]!, usage.groupDay[index]!]),
    addresses,
    keys: [],
    members: [],
    uses: [],
  }
  const { keys, members, uses } = usage
  for (let slot = keys.oldest(); slot >= 0; slot = keys.after(slot)) {
    const [groups, what, protocol] = keys.keys.subarray(slot * 3, slot * 3 + 3)
    const application = what! >>> 16 === 0 ? '' : applications[(what! >>> 16) - 1]!.name
    keyPlaces.set(usage.keyId.values[slot]!, snapshot.keys.length)
    snapshot.keys.push([
      groups! >>> 16,
      groups! & 0xffff,
      application,
      protocol!,
      what! & 0xffff,
      usage.keyHosts.values[slot]!,
      usage.keyDay.values[slot]!,
      usage.keyFirstDay.values[slot]!,
    ])
  }
  for (let slot = members.oldest(); slot >= 0; slot = members.after(slot)) {
    const head = members.keys[slot * 5]!
    const family = (head & 0xffff) === 6 ? 6 : 4
    const address = addressAt(members.keys, slot * 5 + 1, family)
    memberPlaces.set(usage.memberId.values[slot]!, families.push(family) - 1)
    snapshot.members.push([head >>> 16, placeOf(formatAddress(address)), usage.memberDay.values[slot]!])
  }
  const known = uses.all().flatMap((slot) => {
    const key = keyPlaces.get(uses.keyIdOf(slot))
    const member = memberPlaces.get(uses.memberIdOf(slot))
    return key === undefined || member === undefined ? [] : [{ slot, key, member, day: uses.dayOf(slot) }]
  })
  known.sort((one, other) => one.day - other.day || one.key - other.key || one.member - other.member)
  for (const { slot, key, member, day } of known) {
    // Who talks to a server does so in one family.
    const server = placeOf(formatAddress(addressAt(uses.serverOf(slot), 0, families[member]!)))
    snapshot.uses.push([key, member, day, uses.portOf(slot), server, uses.sinceOf(slot)])
  }
  return snapshot
}

/** Why a snapshot does not hold together; undefined when it does. */
export function faultOfUsage({ groups, addresses, keys, members, uses }: UsageSnapshot): Fault | undefined {
  const fault = (message: string, ...place: (string | number)[]): Fault => ({
    path: place.map(String),
    message,
  })
  if (groups[0]?.[0] !== '*') return fault('the first group is not *', 'groups', 0)
  const address = addresses.findIndex((text) => parseAddress(text) === undefined)
  if (address >= 0) return fault('is no address', 'addresses', address)
  const key = keys.findIndex(
    ([client, server, application]) =>
      client >= groups.length ||
      server >= groups.length ||
      (application !== '' && applicationIndex(application) < 0),
  )
  if (key >= 0) return fault('names a group or an application that does not exist', 'keys', key)
  const member = members.findIndex(([group, at]) => group >= groups.length || at >= addresses.length)
  if (member >= 0) return fault('names a group or an address that does not exist', 'members', member)
  const use = uses.findIndex(
    ([of, by, , , at]) => of >= keys.length || by >= members.length || at >= addresses.length,
  )
  if (use >= 0) return fault('names a key, a member or an address that does not exist', 'uses', use)
  return undefined
}

/** Asks whether a snapshot is such as is kept here; `place` is where it is. */
export function checkUsage(check: LearnedCheck, usage: UsageSnapshot, place: string): void {
  usage.groups.forEach(([name, hosts, day], index) => {
    check.text(name, place, 'groups', index, 0)
    check.amount(hosts, place, 'groups', index, 1)
    check.receivedDay(day, place, 'groups', index, 2)
  })
  usage.addresses.forEach((text, index) => {
    check.address(text, place, 'addresses', index)
  })
  usage.keys.forEach(([, , , , , hosts, day, firstDay], index) => {
    check.amount(hosts, place, 'keys', index, 5)
    check.receivedDay(day, place, 'keys', index, 6)
    check.receivedDay(firstDay, place, 'keys', index, 7)
  })
  usage.members.forEach(([, , day], index) => {
    check.receivedDay(day, place, 'members', index, 2)
  })
  usage.uses.forEach(([, , day, , , minute], index) => {
    check.receivedDay(day, place, 'uses', index, 2)
    check.received(minute * 60_000, place, 'uses', index, 5)
  })
}

/** Puts a snapshot without problems into an empty table. */
export function restoreUsage(usage: Usage, { groups, addresses, keys, members, uses }: UsageSnapshot): void {
  const parsed = addresses.map((text) => parseAddress(text)!)
  groups.forEach(([name, hosts, day], index) => {
    const group = index === 0 ? 0 : usage.groupNamed(name)
    usage.groupHosts[group] = hosts
    usage.groupDay[group] = day
  })
  const groupOf = groups.map(([name], index) => (index === 0 ? 0 : usage.groupNamed(name)))
  const keyIds = keys.map(([client, server, application, protocol, port, hosts, day, firstDay]) => {
    const number = application === '' ? 0 : applicationIndex(application) + 1
    const head = ((groupOf[client]! << 16) | groupOf[server]!) >>> 0
    return usage.restoreKey([head, ((number << 16) | port) >>> 0, protocol], hosts, day, firstDay)
  })
  const memberIds = members.map(([group, at, day]) => {
    const { family, words } = parsed[at]!
    return usage.restoreMember([((groupOf[group]! << 16) | family) >>> 0, ...words], day)
  })
  for (const [key, member, day, port, at, minute] of uses) {
    usage.restoreUse(keyIds[key]!, memberIds[member]!, day, port, parsed[at]!.words, minute)
  }
}

/** Every host's use of every pairing, the least recent day first. */
export function* useRows(usage: Usage): Generator<UseRow> {
  const { groups, addresses, keys, members, uses } = snapshotOf(usage)
  for (const [key, member, lastDay, port, server] of uses) {
    const [clientGroup, serverZone, application, protocolIdentifier] = keys[key]!
    yield {
      client: addresses[members[member]![1]]!,
      server: addresses[server]!,
      clientGroup: groups[clientGroup]![0],
      serverZone: groups[serverZone]![0],
      application,
      protocolIdentifier,
      port,
      lastDay,
    }
  }
}

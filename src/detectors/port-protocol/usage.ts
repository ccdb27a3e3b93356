/**
 * What is used here: distinct hosts by (client's role or zone, server's zone, application, protocol, port), each host
 * counting half as much a half-life after it was last seen (ProtocolUsageBaseline, AN1254). Hosts are counted, never
 * flows, so no host can teach its own habit; a host's own use never counts when it is asked about itself.
 *
 * Sums are kept, not recounted: a host that comes back adds what its weight had lost, and a sum shrinks as a whole with
 * each day. So they are exact as long as nothing is dropped for want of room (MAX_…).
 */

import { DAY_MILLISECONDS } from '../../clock.js'
import { registeredService } from '../../iana/services.js'
import type { AddressFamily } from '../../records/address.js'
import { isUsualPort, TCP, UDP } from './expected.js'
import { FIRST_EPHEMERAL_PORT } from './server.js'
import { type Column, KeyedTable } from './table.js'
import { Uses } from './uses.js'

/** Pairings and hosts that are remembered; the least recently used go first. */
const MAX_KEYS = 32_768
const MAX_MEMBERS = 32_768
/** All roles and zones together stand for a group of their own. */
export const EVERYBODY = 0
/** Roles and zones told apart; of more the last stands for all. */
const MAX_GROUPS = 65_535

/** Weight of what others do against what was seen, in hosts: the `a` of (h + a·g) / (H + a). */
const PRIOR_HOSTS = 2
/** With fewer hosts in a group the registry speaks too. */
const FEW_HOSTS = 20
/** Weakly: one host in so many is taken to use a usual port, a registered one. */
const USUAL_SHARE = 1 / 32
const REGISTERED_SHARE = 1 / 256
/** One port is as likely as another when nothing is known. */
const LEAST_SHARE = 1 / 65_536
export const MOST_BITS = 24
/** What is left of a host below which it no longer counts. */
const FORGOTTEN = 0.02

/** A pairing as it is asked about; one object, filled anew for each question. */
export type UseOf = {
  /** Numbers of `groupNamed`. */
  group: number
  zone: number
  /** The place of the application in the table, or -1. */
  application: number
  protocolIdentifier: number
  port: number
  family: AddressFamily
  /** The client, four words in an array. */
  keys: Uint32Array
  clientAt: number
}

/** How usual a pairing is. `hosts` and `groupHosts` leave out the host itself. */
export type Rarity = {
  readonly bits: number
  readonly hosts: number
  readonly groupHosts: number
  /** Share of the hosts of other groups that use it. */
  readonly elsewhere: number
  /** Days since the pairing was first seen; -1 when it never was. */
  readonly knownDays: number
  /** The minute since 1970 in which the host itself was first seen with it; 0 when it never was. */
  readonly ownSinceMinute: number
}

/** Ports from 32768 are given to clients and negotiated, so they stand for each other. */
export function portClass(port: number): number {
  return Math.min(port, FIRST_EPHEMERAL_PORT)
}

export class Usage {
  readonly keys = new KeyedTable(3, MAX_KEYS)
  readonly keyId: Column<Uint32Array> = this.keys.u32()
  readonly keyHosts: Column<Float64Array> = this.keys.f64()
  readonly keyDay: Column<Uint32Array> = this.keys.u32()
  readonly keyFirstDay: Column<Uint32Array> = this.keys.u32()
  /** Group and family, and the address. */
  readonly members = new KeyedTable(5, MAX_MEMBERS)
  readonly memberId: Column<Uint32Array> = this.members.u32()
  readonly memberDay: Column<Uint32Array> = this.members.u32()
  readonly uses = new Uses()
  readonly groupNames: string[] = ['*']
  readonly groupHosts: number[] = [0]
  readonly groupDay: number[] = [0]
  private readonly groupNumbers = new Map<string, number>([['*', EVERYBODY]])
  private readonly halfLifeDays: number
  private lastId = 0
  private readonly key = new Uint32Array(3)
  private readonly member = new Uint32Array(5)

  constructor(halfLifeMilliseconds: number) {
    this.halfLifeDays = halfLifeMilliseconds / DAY_MILLISECONDS
  }

  /** The number of a group, such as `role:printer` or `zone:inside`. */
  groupNamed(name: string): number {
    const found = this.groupNumbers.get(name)
    if (found !== undefined) return found
    if (this.groupNames.length >= MAX_GROUPS) return MAX_GROUPS - 1
    this.groupNumbers.set(name, this.groupNames.length)
    this.groupNames.push(name)
    this.groupHosts.push(0)
    this.groupDay.push(0)
    return this.groupNames.length - 1
  }

  /** Counts a host among those that use a pairing; `server` are four words in an array. */
  learn(
    of: UseOf,
    server: Uint32Array,
    serverAt: number,
    exactPort: number,
    day: number,
    minute: number,
  ): void {
    const member = this.memberOf(of, true)
    const before = this.memberDay.values[member]!
    const gained = before === 0 ? 1 : 1 - this.weight(before, day)
    if (day > before) {
      this.memberDay.values[member] = day
      this.addToGroup(of.group, gained, day)
      this.addToGroup(EVERYBODY, gained, day)
    }
    const key = this.keyOf(of, of.group, true, day)
    const { uses } = this
    let slot = this.useSlot(key, member)
    if (slot < 0) slot = uses.insert(this.keyId.values[key]!, this.memberId.values[member]!)
    const usedBefore = uses.dayOf(slot)
    if (day > usedBefore) {
      const added = usedBefore === 0 ? 1 : 1 - this.weight(usedBefore, day)
      this.addToKey(key, added, day)
      this.addToKey(this.keyOf(of, EVERYBODY, true, day), added, day)
    }
    const since = usedBefore === 0 ? minute : uses.sinceOf(slot)
    uses.note(slot, Math.max(day, usedBefore), exactPort, since, server, serverAt)
  }

  rarity(of: UseOf, day: number): Rarity {
    const key = this.keyOf(of, of.group, false, day)
    const site = this.keyOf(of, EVERYBODY, false, day)
    const member = this.memberOf(of, false)
    const inGroup = this.groupAt(of.group, day)
    const ownMember = member < 0 ? 0 : this.weight(this.memberDay.values[member]!, day)
    const all = key < 0 ? 0 : this.hostsAt(key, day)
    const hosts = counted(all - (key < 0 || member < 0 ? 0 : this.ownUse(key, member, day)))
    const groupHosts = counted(inGroup - ownMember)
    const others = counted(this.groupAt(EVERYBODY, day) - inGroup)
    const elsewhere = others === 0 ? 0 : counted((site < 0 ? 0 : this.hostsAt(site, day)) - all) / others
    const known = groupHosts < FEW_HOSTS ? Math.max(elsewhere, registryShare(of)) : elsewhere
    const share = Math.min(1, Math.max(known, LEAST_SHARE))
    const bits = -Math.log2((hosts + PRIOR_HOSTS * share) / (groupHosts + PRIOR_HOSTS))
    return {
      ownSinceMinute: key < 0 || member < 0 ? 0 : this.ownSince(key, member),
      bits: Math.min(MOST_BITS, Math.max(0, bits)),
      hosts,
      groupHosts,
      elsewhere,
      knownDays: key < 0 ? -1 : Math.max(0, day - this.keyFirstDay.values[key]!),
    }
  }

  /** Puts back what was kept; ids are given anew. Returns the slots' places for what refers to them. */
  restoreKey(words: readonly number[], hosts: number, day: number, firstDay: number): number {
    this.key.set(words)
    let slot = this.keys.find(this.key)
    if (slot < 0) slot = this.keys.insert(this.key)
    this.keyId.values[slot] = ++this.lastId
    this.keyHosts.values[slot] = hosts
    this.keyDay.values[slot] = day
    this.keyFirstDay.values[slot] = firstDay
    return this.lastId
  }

  restoreMember(words: readonly number[], day: number): number {
    this.member.set(words)
    let slot = this.members.find(this.member)
    if (slot < 0) slot = this.members.insert(this.member)
    this.memberId.values[slot] = ++this.lastId
    this.memberDay.values[slot] = day
    return this.lastId
  }

  restoreUse(
    keyId: number,
    memberId: number,
    day: number,
    port: number,
    server: readonly number[],
    minute: number,
  ): void {
    let slot = this.uses.find(keyId, memberId)
    if (slot < 0) slot = this.uses.insert(keyId, memberId)
    this.uses.note(slot, day, port, minute, server, 0)
  }

  /** What is left by a day of a host that was last seen on another. */
  private weight(seenDay: number, day: number): number {
    return day <= seenDay ? 1 : 2 ** ((seenDay - day) / this.halfLifeDays)
  }

  private hostsAt(key: number, day: number): number {
    return this.keyHosts.values[key]! * this.weight(this.keyDay.values[key]!, day)
  }

  private groupAt(group: number, day: number): number {
    return this.groupHosts[group]! * this.weight(this.groupDay[group]!, day)
  }

  private addToKey(key: number, hosts: number, day: number): void {
    this.keyHosts.values[key] = this.hostsAt(key, day) + hosts
    this.keyDay.values[key] = Math.max(day, this.keyDay.values[key]!)
  }

  private addToGroup(group: number, hosts: number, day: number): void {
    this.groupHosts[group] = this.groupAt(group, day) + hosts
    this.groupDay[group] = Math.max(day, this.groupDay[group]!)
  }

  private ownUse(key: number, member: number, day: number): number {
    const slot = this.useSlot(key, member)
    return slot < 0 ? 0 : this.weight(this.uses.dayOf(slot), day)
  }

  private ownSince(key: number, member: number): number {
    const slot = this.useSlot(key, member)
    return slot < 0 ? 0 : this.uses.sinceOf(slot)
  }

  private useSlot(key: number, member: number): number {
    return this.uses.find(this.keyId.values[key]!, this.memberId.values[member]!)
  }

  private keyOf(of: UseOf, group: number, isLearned: boolean, day: number): number {
    const { key, keys } = this
    key[0] = (group << 16) | of.zone
    key[1] = ((of.application + 1) << 16) | of.port
    key[2] = of.protocolIdentifier
    let slot = keys.find(key)
    if (!isLearned) return slot
    if (slot >= 0) keys.touch(slot)
    else {
      slot = keys.insert(key)
      this.keyId.values[slot] = ++this.lastId
      this.keyFirstDay.values[slot] = day
    }
    return slot
  }

  private memberOf(of: UseOf, isLearned: boolean): number {
    const { member, members } = this
    member[0] = (of.group << 16) | of.family
    for (let word = 0; word < 4; word++) member[1 + word] = of.keys[of.clientAt + word]!
    let slot = members.find(member)
    if (!isLearned) return slot
    if (slot >= 0) members.touch(slot)
    else {
      slot = members.insert(member)
      this.memberId.values[slot] = ++this.lastId
    }
    return slot
  }
}

/** Sums that lost a host may be a little more or less than nothing. */
function counted(hosts: number): number {
  return hosts < FORGOTTEN ? 0 : hosts
}

function registryShare({ protocolIdentifier, port }: UseOf): number {
  if ((protocolIdentifier !== TCP && protocolIdentifier !== UDP) || port >= FIRST_EPHEMERAL_PORT) return 0
  if (isUsualPort(protocolIdentifier, port)) return USUAL_SHARE
  return registeredService(protocolIdentifier, port) === undefined ? 0 : REGISTERED_SHARE
}

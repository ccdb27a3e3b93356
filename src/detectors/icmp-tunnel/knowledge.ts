/**
 * What a site's echo traffic is like: which sizes its hosts ping with, how many hosts ping a target, who is a monitor.
 * Hosts are counted, never packets, so that one host cannot teach its own habit; what has not been seen for long
 * counts less (half-life). ProtocolUsageBaseline of AN1254.
 */
import { type Static, Type } from 'typebox'
import { DAY_MILLISECONDS } from '../../clock.js'
import type { LearnedCheck } from '../learned-check.js'
import { makeRoom } from './bounded.js'

/** Sizes, targets and requesters that are remembered; hosts of each. */
const MAX_KEYS = 32_768
const MAX_HOSTS = 64
/** A monitor pings at least so many peers with one size, each on so many days. */
export const MONITOR_PEERS = 5
export const MONITOR_DAYS = 3
/** Share of the half-lives below which a host no longer counts. */
const FORGOTTEN = 0.02

type Seen = { lastDay: number; days: number }

/** Distinct hosts by key. */
class Hosts {
  readonly #keys = new Map<string, Map<string, Seen>>()

  note(key: string, host: string, day: number): void {
    let hosts = this.#keys.get(key)
    if (hosts === undefined) {
      makeRoom(this.#keys, MAX_KEYS)
      hosts = new Map()
      this.#keys.set(key, hosts)
    }
    const seen = hosts.get(host)
    if (seen !== undefined) {
      if (day > seen.lastDay) seen.days++
      seen.lastDay = Math.max(seen.lastDay, day)
    } else if (hosts.size < MAX_HOSTS) hosts.set(host, { lastDay: day, days: 1 })
  }

  of(key: string): ReadonlyMap<string, Seen> | undefined {
    return this.#keys.get(key)
  }

  /** Hosts other than one, each counting by how long ago it was seen. */
  weight(key: string, except: string, day: number, halfLifeDays: number): number {
    let sum = 0
    for (const [host, { lastDay }] of this.#keys.get(key) ?? []) {
      const weight = 2 ** (-Math.max(0, day - lastDay) / halfLifeDays)
      if (host !== except && weight >= FORGOTTEN) sum += weight
    }
    return sum
  }

  snapshot(): HostsSnapshot {
    return [...this.#keys].map(([key, hosts]) => [
      key,
      [...hosts].map(([host, { lastDay, days }]) => [host, lastDay, days]),
    ])
  }

  restore(snapshot: HostsSnapshot): void {
    for (const [key, hosts] of snapshot)
      this.#keys.set(key, new Map(hosts.map(([host, lastDay, days]) => [host, { lastDay, days }])))
  }
}

/** Keys with their hosts: each with the last day (since 1970) on which it was seen, and on how many. */
const HostsSnapshot = Type.Array(
  Type.Tuple([Type.String(), Type.Array(Type.Tuple([Type.String(), Type.Number(), Type.Number()]))]),
)
type HostsSnapshot = Static<typeof HostsSnapshot>

export const KnowledgeSnapshot = Type.Object({
  sizes: HostsSnapshot,
  targets: HostsSnapshot,
  monitors: HostsSnapshot,
})
export type KnowledgeSnapshot = Static<typeof KnowledgeSnapshot>

/** `octets` are IP total lengths of requests. */
export class Knowledge {
  /** By size: who pings with it. */
  readonly #sizes = new Hosts()
  /** By target: who pings it. */
  readonly #targets = new Hosts()
  /** By requester and size: whom it pings. */
  readonly #monitors = new Hosts()
  readonly #halfLifeDays: number

  constructor(halfLifeMilliseconds: number) {
    this.#halfLifeDays = halfLifeMilliseconds / DAY_MILLISECONDS
  }

  /** `octets` 0 or less: sizes were mixed. */
  learn(requester: string, responder: string, octets: number, atMilliseconds: number): void {
    const day = dayOf(atMilliseconds)
    this.#targets.note(responder, requester, day)
    if (octets <= 0) return
    this.#sizes.note(String(octets), requester, day)
    this.#monitors.note(`${requester} ${octets}`, responder, day)
  }

  /** Other hosts that ping with this size. */
  hostsWithSize(octets: number, requester: string, atMilliseconds: number): number {
    return this.#sizes.weight(String(octets), requester, dayOf(atMilliseconds), this.#halfLifeDays)
  }

  /** Other hosts that ping this target. */
  hostsPinging(responder: string, requester: string, atMilliseconds: number): number {
    return this.#targets.weight(responder, requester, dayOf(atMilliseconds), this.#halfLifeDays)
  }

  /** Peers that the host pings with this size, of those that it has pinged on MONITOR_DAYS days. */
  monitoredPeers(requester: string, octets: number): number {
    let peers = 0
    for (const { days } of this.#monitors.of(`${requester} ${octets}`)?.values() ?? [])
      if (days >= MONITOR_DAYS) peers++
    return peers
  }

  /** All peers that the host pings with this size. */
  peers(requester: string, octets: number): number {
    return this.#monitors.of(`${requester} ${octets}`)?.size ?? 0
  }

  isMonitor(requester: string, octets: number): boolean {
    return this.monitoredPeers(requester, octets) >= MONITOR_PEERS
  }

  snapshot(): KnowledgeSnapshot {
    return {
      sizes: this.#sizes.snapshot(),
      targets: this.#targets.snapshot(),
      monitors: this.#monitors.snapshot(),
    }
  }

  restore({ sizes, targets, monitors }: KnowledgeSnapshot): void {
    this.#sizes.restore(sizes)
    this.#targets.restore(targets)
    this.#monitors.restore(monitors)
  }
}

/** Asks whether hosts are such as are kept here; `place` is where they are. */
export function checkKnowledge(check: LearnedCheck, snapshot: KnowledgeSnapshot, place: string): void {
  checkHosts(check, snapshot.sizes, [place, 'sizes'], (size, ...at) => checkSize(check, size, ...at))
  checkHosts(check, snapshot.targets, [place, 'targets'], (target, ...at) => check.address(target, ...at))
  checkHosts(check, snapshot.monitors, [place, 'monitors'], (monitor, ...at) => {
    const space = monitor.indexOf(' ')
    check.address(monitor.slice(0, Math.max(0, space)), ...at)
    checkSize(check, monitor.slice(space + 1), ...at)
  })
}

type Place = readonly (string | number)[]

function checkSize(check: LearnedCheck, text: string, ...place: Place): void {
  check.expect(/^\d{1,15}$/.test(text), 'is no number of octets', ...place)
}

function checkHosts(
  check: LearnedCheck,
  snapshot: HostsSnapshot,
  place: Place,
  checkKey: (key: string, ...place: Place) => void,
): void {
  check.room(snapshot.length, MAX_KEYS, ...place)
  snapshot.forEach(([key, hosts], index) => {
    if (check.isFull) return
    checkKey(key, ...place, index, 0)
    check.room(hosts.length, MAX_HOSTS, ...place, index, 1)
    hosts.forEach(([host, lastDay, days], at) => {
      check.address(host, ...place, index, 1, at, 0)
      check.receivedDay(lastDay, ...place, index, 1, at, 1)
      check.days(days, 0, ...place, index, 1, at, 2)
    })
  })
}

function dayOf(milliseconds: number): number {
  return Math.floor(milliseconds / DAY_MILLISECONDS)
}

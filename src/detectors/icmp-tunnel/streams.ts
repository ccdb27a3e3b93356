/**
 * Echo traffic by what it does over hours and days (tiers B and C): histories of pairs, what the site is like, and what
 * is told of pairs that fit neither. Learns as it goes, never from what it tells of.
 */
import { type Static, Type } from 'typebox'
import { DAY_MILLISECONDS } from '../../clock.js'
import type { Observation } from '../../findings/finding.js'
import { parseAddress } from '../../records/address.js'
import type { Fault } from '../../validation.js'
import type { Explanation, Learned, Surroundings } from '../detector.js'
import { faultsOfForm, LearnedCheck } from '../learned-check.js'
import {
  type Behaviour,
  behaviourOf,
  isCarrying,
  isPersistent,
  mayTell,
  type PairSurroundings,
} from './behaviour.js'
import { makeRoom } from './bounded.js'
import { checkHistories, Histories, History } from './histories.js'
import { checkKnowledge, Knowledge, KnowledgeSnapshot, MONITOR_DAYS, MONITOR_PEERS } from './knowledge.js'
import { pairKey } from './names.js'
import type { Pair, Point } from './points.js'
import type { Settings } from './settings.js'
import { streamObservation } from './stream-finding.js'
import { evidenceOf, pairId } from './subjects.js'

const VERSION = 1
/** A pair's finding is told again when its score has changed, and else so often. */
const TELL_AGAIN_MILLISECONDS = 600_000
/** New lasting pings of one host, of one size, to so many targets are a new monitor and not that many channels. */
const MONITOR_IN_THE_MAKING = 5
const CANDIDATE_MILLISECONDS = 2 * 3_600_000
const MAX_DENIED = 10_000
/** Roles whose business is to ping. */
const PINGING_ROLES: ReadonlySet<string> = new Set(['monitor', 'loadBalancer', 'gateway', 'firewall', 'vpn'])

const Snapshot = Type.Object({
  histories: Type.Array(History),
  knowledge: KnowledgeSnapshot,
  told: Type.Array(Type.String(), { description: 'pairs that are told of, and so are not learned from' }),
})
type Snapshot = Static<typeof Snapshot>

/** Why a document is nothing that this detector can have learned by now. */
export function faultsOfLearned(learned: Learned, nowMilliseconds: number): readonly Fault[] {
  const faults = faultsOfForm(Snapshot, VERSION, learned)
  if (faults.length > 0) return faults
  const { histories, knowledge, told } = learned.data as Snapshot
  const check = new LearnedCheck(nowMilliseconds, 'data')
  checkHistories(check, histories, 'histories')
  checkKnowledge(check, knowledge, 'knowledge')
  told.forEach((key, index) => {
    check.text(key, 'told', index)
  })
  return check.faults
}

type Told = { score: number; atMilliseconds: number }

/** How the point that saw a pair's records sees. */
export type View = { readonly point: Point; readonly isTwoSided: boolean }

export type Streams = {
  /** Takes what is new of a pair. */
  take(pair: Pair, view: View): void
  /** A firewall refused an echo session. */
  noteDenied(requester: string, responder: string): void
  /** `isBroken`: pairs that are told of for what they carry. */
  evaluate(atMilliseconds: number, isBroken: (key: string) => boolean): Observation[]
  learned(): Learned | undefined
  explain(requester: string, responder: string, atMilliseconds: number): Explanation
}

export function createStreams(settings: Settings, surroundings: Surroundings): Streams {
  const { context, learning, settled } = surroundings
  const histories = new Histories()
  const knowledge = new Knowledge(learning.halfLifeMilliseconds)
  const told = new Map<string, Told>()
  const denied = new Map<string, number>()
  /** By requester and size: new lasting targets, and when they were last looked at. */
  const candidates = new Map<string, Map<string, number>>()
  let changed = new Map<History, { pair: Pair; view: View }>()
  let learnedFrom = Number.POSITIVE_INFINITY
  let learnedTo = Number.NEGATIVE_INFINITY
  restore()

  function restore(): void {
    const { learned } = surroundings
    if (learned === undefined || faultsOfForm(Snapshot, VERSION, learned).length > 0) return
    const data = learned.data as Snapshot
    histories.restore(data.histories)
    knowledge.restore(data.knowledge)
    for (const key of data.told) told.set(key, { score: 0, atMilliseconds: 0 })
    learnedFrom = learned.fromMilliseconds
    learnedTo = learned.toMilliseconds
  }

  const isMatureAt = (milliseconds: number) => milliseconds - learnedFrom >= learning.periodMilliseconds

  function isNew(history: History, atMilliseconds: number): boolean {
    const first = history.firstMilliseconds
    return isMatureAt(first) && atMilliseconds - first < settings.NewPairDays * DAY_MILLISECONDS
  }

  /** Why a host may ping on and on; undefined when nothing says so. */
  function excuseOf({ requester, responder, size }: History, atMilliseconds: number): string | undefined {
    const [from, to] = [parseAddress(requester), parseAddress(responder)]
    if (from === undefined || to === undefined) return undefined
    const sanctioned = context.monitorFor(from, to, Math.max(0, size), atMilliseconds)
    if (sanctioned !== undefined) return `sanctioned as a monitor; ${sanctioned.owner} answers for it`
    const role = context.roleOf(from)
    if (role !== undefined && PINGING_ROLES.has(role)) return `${requester} has the role ${role}`
    if (size > 0 && knowledge.isMonitor(requester, size))
      return `${requester} has long pinged ${MONITOR_PEERS} peers and more with ${size} octets`
    return undefined
  }

  function surroundingsOf(
    history: History,
    view: View | undefined,
    atMilliseconds: number,
  ): PairSurroundings {
    const { requester, responder, size } = history
    const [from, to] = [parseAddress(requester), parseAddress(responder)]
    return {
      isMature: isMatureAt(atMilliseconds),
      isNewPair: isNew(history, atMilliseconds),
      isOutside: to !== undefined && !context.isInside(to),
      hostsPinging: knowledge.hostsPinging(responder, requester, atMilliseconds),
      hostsWithSize: size > 0 ? knowledge.hostsWithSize(size, requester, atMilliseconds) : 0,
      role: from === undefined ? undefined : context.roleOf(from),
      deniedSessions: denied.get(`${requester} ${responder}`) ?? 0,
      isTwoSidedPoint: view?.isTwoSided ?? false,
      isSampled: (view?.point.samplingInterval ?? 0) > 1,
    }
  }

  /** Notes a target that a host has begun to ping for long, with one size. */
  function noteCandidate(history: History, atMilliseconds: number): void {
    const key = `${history.requester} ${history.size}`
    const targets = candidates.get(key) ?? new Map<string, number>()
    candidates.set(key, targets)
    targets.set(history.responder, atMilliseconds)
    for (const [target, at] of targets)
      if (atMilliseconds - at > CANDIDATE_MILLISECONDS) targets.delete(target)
  }

  /** Whether the host is starting to ping many in one way, as a monitor that was put up does. */
  function isMonitorInTheMaking({ requester, size }: History): boolean {
    return (candidates.get(`${requester} ${size}`)?.size ?? 0) >= MONITOR_IN_THE_MAKING
  }

  type Suspect = {
    readonly history: History
    readonly behaviour: Behaviour
    readonly around: PairSurroundings
    readonly pair: Pair
    readonly view: View
  }

  /** A changed pair that behaves oddly, unless something lets it. */
  function suspectOf(history: History, pair: Pair, view: View, atMilliseconds: number): Suspect | undefined {
    const around = surroundingsOf(history, view, atMilliseconds)
    const behaviour = behaviourOf(history, around, settings, atMilliseconds)
    if (behaviour === undefined) return undefined
    const isExcused = !isCarrying(behaviour) && excuseOf(history, atMilliseconds) !== undefined
    return isExcused ? undefined : { history, behaviour, around, pair, view }
  }

  function tell({ history, behaviour, around, pair, view }: Suspect, atMilliseconds: number) {
    const key = pairKey(history.requester, history.responder)
    const before = told.get(key)
    const isAgain =
      before !== undefined &&
      before.score === behaviour.score &&
      atMilliseconds - before.atMilliseconds < TELL_AGAIN_MILLISECONDS
    if (isAgain) return undefined
    told.set(key, { score: behaviour.score, atMilliseconds })
    return streamObservation(history, behaviour, around, view.point, evidenceOf(pair))
  }

  /** What goes on between hosts that are not told of may be learned. */
  function learn(atMilliseconds: number, isBroken: (key: string) => boolean): void {
    if (learning.isFrozen || atMilliseconds <= learnedTo) return
    // Time in which nobody pinged has taught nothing.
    if (changed.size > 0) learnedFrom = Math.min(learnedFrom, atMilliseconds)
    learnedTo = atMilliseconds
    for (const [{ requester, responder, size }, { pair }] of changed) {
      const { key } = pair
      const isTold = told.has(key) || isBroken(key)
      // An id is a digest, and hardly anything is settled.
      const isOpen = isTold && (settled.size === 0 || !settled.has(pairId(requester, responder)))
      if (!isOpen) knowledge.learn(requester, responder, size, atMilliseconds)
    }
  }

  return {
    take(pair, view) {
      if (pair.news === undefined) return
      const { requests, replies } = pair.news
      pair.news = undefined
      const history = histories.add(pair.requester, pair.responder, view.point.key, requests, replies)
      if (history !== undefined) changed.set(history, { pair, view })
    },
    noteDenied(requester, responder) {
      const key = `${requester} ${responder}`
      if (!denied.has(key)) makeRoom(denied, MAX_DENIED)
      denied.set(key, (denied.get(key) ?? 0) + 1)
    },
    evaluate(atMilliseconds, isBroken) {
      const suspects: Suspect[] = []
      for (const [history, { pair, view }] of changed) {
        const isNewPair = isNew(history, atMilliseconds)
        if (!mayTell(history, isNewPair, settings) || isBroken(pair.key)) continue
        // A new monitor is known by what it would be told of outside; how long does not matter yet.
        if (isNewPair && isPersistent(history, settings, true)) noteCandidate(history, atMilliseconds)
        const suspect = suspectOf(history, pair, view, atMilliseconds)
        if (suspect !== undefined) suspects.push(suspect)
      }
      const observations: Observation[] = []
      for (const suspect of suspects) {
        if (!isCarrying(suspect.behaviour) && isMonitorInTheMaking(suspect.history)) continue
        const observation = tell(suspect, atMilliseconds)
        if (observation !== undefined) observations.push(observation)
      }
      learn(atMilliseconds, isBroken)
      changed = new Map()
      return observations
    },
    learned() {
      if (!Number.isFinite(learnedFrom)) return undefined
      const data: Snapshot = {
        histories: histories.snapshot(),
        knowledge: knowledge.snapshot(),
        told: [...told.keys()],
      }
      return { fromMilliseconds: learnedFrom, toMilliseconds: learnedTo, version: VERSION, data }
    },
    explain(requester, responder, atMilliseconds) {
      const history = histories.get(requester, responder)
      if (history === undefined)
        return { isUsual: false, facts: [`${requester} has not been seen pinging ${responder}`] }
      const around = surroundingsOf(history, undefined, atMilliseconds)
      const behaviour = behaviourOf(history, around, settings, atMilliseconds)
      const excuse = excuseOf(history, atMilliseconds)
      const facts = [
        `first seen ${new Date(history.firstMilliseconds).toISOString()}, on ${history.days} days, ${history.requestPackets} requests and ${history.replyPackets} replies`,
        history.size > 0
          ? `every request has ${history.size} octets; ${around.hostsWithSize.toFixed(1)} other hosts ping with that size`
          : 'the requests are of several sizes',
        `${around.hostsPinging.toFixed(1)} other hosts ping ${responder}`,
        ...(around.isMature ? [] : ['the learning period has not passed, so "new" means nothing yet']),
        ...(around.isNewPair ? ['the two did not ping before the site was known'] : []),
        ...(excuse === undefined
          ? [
              `${knowledge.monitoredPeers(requester, history.size)} peers pinged by ${requester} with this size on ${MONITOR_DAYS} days or more; ${MONITOR_PEERS} make a monitor`,
            ]
          : [excuse]),
        ...(isPersistent(history, settings, around.isOutside)
          ? ['it goes on, or comes back, for longer than a person would look']
          : []),
        ...(behaviour?.behaviours ?? []).map(({ text }) => text),
      ]
      return { isUsual: behaviour === undefined || excuse !== undefined, facts }
    },
  }
}

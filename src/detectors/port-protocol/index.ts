/**
 * Port/protocol pairing (AN1258): traffic on a port that is not the one of its application. Two kinds of evidence: a
 * device names the application and the port is not among those where it is expected; or no device does, and the
 * conversation's shape cannot be, or is hardly, that of the port's service. Weaker: slow, kept-up exchanges on ports
 * without a usual service, proxies' ports, rare IP protocols. Cannot see a channel that keeps to its port's shape.
 * Sources: IANA registries, the RFCs named in profiles.ts; ATT&CK DET0457.
 */
import { policyReview } from '../../context/policy-review.js'
import type { Evidence } from '../../findings/finding.js'
import { formatAddress } from '../../records/address.js'
import { attackNetworkDevices, type Detector, type Judge, type Surroundings } from '../detector.js'
import { applications } from './applications.js'
import { Flag, Place, Word } from './conversation-record.js'
import { Conversations } from './conversations.js'
import { coverageObservations, createEvictionCoverage } from './coverage.js'
import { Denials } from './denials.js'
import { evidenceOf } from './evidence.js'
import { explainPairing, sanctionOf } from './explain.js'
import { createIntake } from './intake.js'
import { createLearning, problemOfLearned } from './learning.js'
import { createLedger } from './ledger.js'
import { createNames } from './names.js'
import { Pairs, Services } from './pairs.js'
import { createPlaces } from './places.js'
import { createPoints } from './points.js'
import { addressAt, baselineOf, insidePrefixesOf, Settings } from './settings.js'
import { createSubjects, PORT_PROTOCOL } from './subjects.js'
import { judgePair } from './verdict.js'

/** How long news of a conversation waits, so that both directions have come before it is counted. */
const SETTLE_MILLISECONDS = 30_000
/** Records told of with findings of one evaluation at most. */
const MAX_COUNTED = 65_536

export const portProtocol: Detector = {
  id: PORT_PROTOCOL,
  title: 'Port/protocol pairing',
  description:
    "Traffic on a port that is not its application's: a device names the application and the port is another's, or the conversation's shape contradicts the port's service (one UDP/53 port for minutes, answers smaller than questions, a terminal on 443). Raised only with a second fact: outside server, long, regular, mostly upload. The pairing of a channel that keeps to its port's shape cannot be seen; nor can entropy (ProtocolEntropyThreshold), since flow records carry no payload.",
  attack: attackNetworkDevices,
  streams: ['exporterEvent', 'flow4', 'flow6'],
  needs: [
    { column: 'destinationTransportPort', isRequired: true, why: 'there is no pairing without ports' },
    { column: 'protocolIdentifier', isRequired: true, why: 'there is no pairing without a protocol' },
    { column: 'octets', isRequired: true, why: 'shapes are told by octets' },
    { column: 'packets', isRequired: false, why: 'shapes are told by octets a packet' },
    { column: 'startMilliseconds', isRequired: false, why: 'durations are then those of arrival' },
    { column: 'applicationName', isRequired: false, why: 'pairings are then judged by port and shape alone' },
    { column: 'tcpControlBits', isRequired: false, why: 'who opened a connection is then told by the ports' },
    { column: 'samplingInterval', isRequired: false, why: 'sampled counts are then taken for whole ones' },
  ],
  settings: Settings,
  lookbackMilliseconds: 3_600_000,
  settleMilliseconds: 5 * 60_000,
  problemOf: problemOfLearned,
  start: (settings, surroundings) => createJudge(settings as Settings, surroundings),
}

function createJudge(settings: Settings, surroundings: Surroundings): Judge {
  const { context } = surroundings
  const places = createPlaces(context, insidePrefixesOf(settings.insidePrefixes))
  const learning = createLearning(surroundings, places, settings)
  const isBaseline = baselineOf(settings.BaselinePortProfiles)
  const conversations = new Conversations()
  const pairs = new Pairs()
  const services = new Services()
  const points = createPoints(learning.firstSeenOf)
  const names = createNames()
  const denials = new Denials()
  const subjects = createSubjects()
  /** Conversations counted since the last evaluation: pair, its conversation, and that slot's generation. */
  const counted: { pair: number; slot: number; generation: number }[] = []
  /** Conversations that have been counted for the last time; kept until they are judged, as evidence. */
  const ended: number[] = []
  const ledger = createLedger({
    conversations,
    pairs,
    services,
    points,
    names,
    settings,
    isBaseline,
    places,
    learning,
    onCounted(pair, slot) {
      if (counted.length >= MAX_COUNTED) return
      counted.push({ pair, slot, generation: conversations.generationOf(slot) })
    },
  })
  const intake = createIntake({ conversations, points, names, denials, onBurst: ledger.noteBurst })
  const evictions = createEvictionCoverage([
    ['conversations', conversations],
    ['pairs', pairs.table],
    ['services', services.table],
  ])
  conversations.onEvict = (slot) => ledger.count(slot, true)

  return {
    observe({ block, rows }) {
      if (block.header.stream.name === 'exporterEvent') points.observeEvents(block, rows)
      else intake.observe(block, rows)
    },
    evaluate(atMilliseconds) {
      countWaiting(atMilliseconds)
      countEnded(atMilliseconds)
      const changed = judgeTouched(atMilliseconds)
      for (const slot of ended) conversations.delete(slot)
      ended.length = 0
      counted.length = 0
      const found = [...changed].map((key) => subjects.observation(key)).filter((one) => one !== undefined)
      for (const one of found)
        learning.tell(
          one.destinationAddresses[0]!,
          one.destinationTransportPort ?? 0,
          one.protocolIdentifier!,
          one.id,
        )
      learning.evaluate(atMilliseconds, points.all())
      return [...found, ...coverageObservations(points), ...evictions(atMilliseconds)]
    },
    learned: learning.learned,
    explain: (tuple, atMilliseconds) =>
      explainPairing({ context, learning, isBaseline }, tuple, atMilliseconds),
    reviewPolicy: (question) => policyReview(context, learning.rows(), question),
  }

  /** Counts conversations that last, once both directions have come; short ones are counted when they end. */
  function countWaiting(atMilliseconds: number): void {
    const { waiting, words, numbers } = conversations
    let kept = 0
    for (let index = 0; index < waiting.length; index++) {
      const slot = waiting[index]!
      const at = conversations.wordsAt(slot)
      if ((words[at + Word.flags]! & Flag.isWaiting) === 0) continue
      const newsSince = numbers[conversations.numbersAt(slot) + Place.newsSince]!
      if (newsSince !== 0 && atMilliseconds - newsSince < SETTLE_MILLISECONDS) waiting[kept++] = slot
      else {
        words[at + Word.flags]! &= ~Flag.isWaiting
        if (newsSince !== 0) ledger.count(slot, false)
      }
    }
    waiting.length = kept
  }

  function countEnded(atMilliseconds: number): void {
    const minute = Math.floor(atMilliseconds / 60_000)
    for (;;) {
      const slot = conversations.nextDue(minute)
      if (slot < 0) return
      if (conversations.hasEnded(slot, atMilliseconds)) {
        // Another row may have put it on the list of a minute twice.
        conversations.words[conversations.wordsAt(slot) + Word.due] = 0
        ledger.count(slot, true)
        // Those that a pair counts are kept until they have been judged, as evidence.
        if (conversations.words[conversations.wordsAt(slot) + Word.pair] === 0) conversations.delete(slot)
        else ended.push(slot)
      } else conversations.schedule(slot)
    }
  }

  function judgeTouched(atMilliseconds: number): Set<string> {
    const changed = new Set<string>()
    const touched = ledger.takeTouched()
    const slots = new Map<number, number[]>()
    for (const { pair, slot, generation } of counted) {
      if (conversations.generationOf(slot) !== generation) continue
      const list = slots.get(pair)
      if (list === undefined) slots.set(pair, [slot])
      else list.push(slot)
    }
    for (const pair of touched) {
      const { keys, keyWords } = pairs.table
      const at = pair * keyWords
      const head = keys[at]!
      const family = (head & 0x8000) === 0 ? 4 : 6
      const [protocolIdentifier, port] = [head & 0xff, keys[at + 9]! >>> 16]
      const [client, server] = [addressAt(keys, at + 1, family), addressAt(keys, at + 5, family)]
      const isInside = (at: number) => places.byNumber(places.of(keys, at, family)).isInside
      const name = pairs.name.values[pair]!
      const applicationName = names.textOf(name)
      const point = points.byNumber(head >>> 16)
      const pairing = { client, server, protocolIdentifier, port, application: applicationName }
      if (sanctionOf(context, pairing, atMilliseconds) !== undefined) continue
      const service = services.find(head & 0x80ff, keys, at + 5, port)
      const application = (keys[at + 9]! & 0xffff) - 1
      const ends = {
        keys,
        clientAt: at + 1,
        serverAt: at + 5,
        family,
        protocolIdentifier,
        port,
        application,
      } as const
      const verdict = judgePair(
        pairs,
        pair,
        {
          protocolIdentifier,
          family,
          port,
          application,
          isOutbound: !isInside(at + 5) && isInside(at + 1),
          clients: services.clientsOf(service),
          nameText: applicationName,
          samplingInterval: point.samplingInterval,
          refused: denials.refusedElsewhere(
            client,
            server,
            protocolIdentifier,
            port,
            pairs.last.values[pair]!,
          ),
          standing: learning.standing(ends, point, pairs.firstReceived.values[pair]!, atMilliseconds),
          role: places.byNumber(places.of(keys, at + 1, family)).role,
        },
        settings,
      )
      if (verdict === undefined) continue
      const evidence: Evidence[] = (slots.get(pair) ?? []).flatMap((slot) =>
        evidenceOf(conversations, slot, point, applicationName),
      )
      const key = subjects.note(
        {
          point,
          client: formatAddress(client),
          server: formatAddress(server),
          port,
          protocolIdentifier,
          application: name === 0 ? '' : applications[names.applicationOf(name)]!.name,
          applicationName,
          verdict,
          firstSeenMilliseconds: pairs.first.values[pair]!,
          lastSeenMilliseconds: pairs.last.values[pair]!,
          conversations: pairs.conversations.values[pair]!,
        },
        evidence,
      )
      if (key !== undefined) changed.add(key)
    }
    return changed
  }
}

/** A judge of port/protocol pairing: rows into conversations, conversations into pairs, pairs into findings. */
import { policyReview } from '../../context/policy-review.js'
import type { Observation } from '../../findings/finding.js'
import type { Judge, Surroundings } from '../detector.js'
import { Flag, WORDS, Word } from './conversation-record.js'
import { Conversations } from './conversations.js'
import { coverageObservations, createEvictionCoverage } from './coverage.js'
import { Denials } from './denials.js'
import { explainPairing } from './explain.js'
import { flowColumns } from './flow-columns.js'
import { createIntake } from './intake.js'
import { createLearning } from './learning.js'
import { createLedger } from './ledger.js'
import { createNames } from './names.js'
import { createPairBook } from './pair-book.js'
import { type CountedConversation, createPairJudge } from './pair-judge.js'
import { Pairs } from './pairs.js'
import { createPlaces } from './places.js'
import { createPoints } from './points.js'
import { Services } from './services.js'
import { baselineOf, insidePrefixesOf, type Settings } from './settings.js'
import { createSubjects } from './subjects.js'

/** How long news of a conversation waits, so that both directions have come before it is counted. */
const SETTLE_MILLISECONDS = 30_000
/** Records told of with findings of one evaluation at most. */
const MAX_COUNTED = 65_536

export function createJudge(settings: Settings, surroundings: Surroundings): Judge {
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
  const book = createPairBook(conversations, pairs)
  const countInto = createLedger({
    conversations,
    pairs,
    book,
    services,
    points,
    names,
    settings,
    isBaseline,
    places,
    learning,
  })
  /** Conversations counted since the last evaluation. */
  const counted: CountedConversation[] = []
  /** Conversations that have been counted for the last time; kept until they are judged, as evidence. */
  const ended: number[] = []
  const intake = createIntake({ conversations, points, names, denials, onBurst: book.noteBurst })
  const judgePairs = createPairJudge({
    conversations,
    pairs,
    services,
    points,
    names,
    denials,
    places,
    learning,
    subjects,
    context,
    settings,
  })
  const evictions = createEvictionCoverage([
    ['conversations', conversations],
    [
      'conversations, before they were judged,',
      {
        get evicted() {
          return conversations.unjudged
        },
        maximum: conversations.maximum,
      },
    ],
    ['conversations that go on', conversations.shares],
    ['pairs', pairs.table],
    ['services', services],
  ])
  conversations.onEvict = (slot) => count(slot, true)

  return {
    wants: (stream) => stream === 'exporterEvent' || flowColumns,
    observe({ block, rows }) {
      if (block.header.stream.name === 'exporterEvent') points.observeEvents(block, rows)
      else intake.observe(block, rows)
    },
    evaluate(atMilliseconds) {
      countWaiting(atMilliseconds)
      countEnded(atMilliseconds)
      const changed = judgePairs(book.takeTouched(), counted, atMilliseconds)
      for (const slot of ended) conversations.delete(slot)
      ended.length = 0
      counted.length = 0
      const found: Observation[] = []
      for (const key of changed) {
        const one = subjects.observation(key)
        if (one === undefined) continue
        found.push(one)
        const { destinationAddresses, destinationTransportPort, protocolIdentifier, id } = one
        learning.tell(destinationAddresses[0]!, destinationTransportPort ?? 0, protocolIdentifier!, id)
      }
      learning.evaluate(atMilliseconds, points.all())
      return [...found, ...coverageObservations(points), ...evictions(atMilliseconds)]
    },
    learned: learning.learned,
    explain: (tuple, atMilliseconds) =>
      explainPairing({ context, learning, isBaseline }, tuple, atMilliseconds),
    reviewPolicy: (question) => policyReview(context, learning.rows(), question),
  }

  /** True when a pair counts it. */
  function count(slot: number, hasEnded: boolean): boolean {
    const pair = countInto(slot, hasEnded)
    if (pair < 0) return false
    if (counted.length < MAX_COUNTED)
      counted.push({ pair, slot, generation: conversations.generationOf(slot) })
    return true
  }

  /** Counts conversations that last, once both directions have come; short ones are counted when they end. */
  function countWaiting(atMilliseconds: number): void {
    const { waiting, words } = conversations
    let kept = 0
    for (let index = 0; index < waiting.length; index++) {
      const slot = waiting[index]!
      const at = slot * WORDS
      if ((words[at + Word.flags]! & Flag.isWaiting) === 0) continue
      const newsSince = words[at + Word.newsSince]!
      if (newsSince !== 0 && atMilliseconds - newsSince * 1000 < SETTLE_MILLISECONDS) waiting[kept++] = slot
      else {
        words[at + Word.flags]! &= ~Flag.isWaiting
        if (newsSince !== 0) count(slot, false)
      }
    }
    waiting.length = kept
  }

  function countEnded(atMilliseconds: number): void {
    const minute = Math.floor(atMilliseconds / 60_000)
    for (;;) {
      const slot = conversations.nextDue(minute)
      if (slot < 0) return
      if (!conversations.hasEnded(slot, atMilliseconds)) conversations.schedule(slot)
      // Those that a pair counts are kept until they have been judged, as evidence.
      else if (count(slot, true)) ended.push(slot)
      else conversations.delete(slot)
    }
  }
}

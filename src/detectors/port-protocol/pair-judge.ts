/** Judges the pairs that have news, and tells the findings' subjects of them. */
import type { Context } from '../../context/context.js'
import { formatAddress } from '../../records/address.js'
import { applications } from './applications.js'
import type { Conversations } from './conversations.js'
import type { Denials } from './denials.js'
import { evidenceOf } from './evidence.js'
import { sanctionOf } from './explain.js'
import type { PairFacts } from './facts.js'
import type { Learning } from './learning.js'
import type { Names } from './names.js'
import type { Pairs } from './pairs.js'
import type { Places } from './places.js'
import type { Points } from './points.js'
import type { Services } from './services.js'
import { addressAt, type Settings } from './settings.js'
import type { Subjects } from './subjects.js'
import { judgePair } from './verdict.js'

/** A conversation that a pair has counted; it is still the same while its slot has the generation. */
export type CountedConversation = {
  readonly pair: number
  readonly slot: number
  readonly generation: number
}

export type PairJudgeParts = {
  readonly conversations: Conversations
  readonly pairs: Pairs
  readonly services: Services
  readonly points: Points
  readonly names: Names
  readonly denials: Denials
  readonly places: Places
  readonly learning: Learning
  readonly subjects: Subjects
  readonly context: Context
  readonly settings: Settings
}

/** Returns the keys of the subjects that have changed. */
export type JudgePairs = (
  touched: readonly number[],
  counted: readonly CountedConversation[],
  atMilliseconds: number,
) => Set<string>

export function createPairJudge(parts: PairJudgeParts): JudgePairs {
  const { conversations, pairs, services, points, names, denials, places, learning, subjects } = parts
  const { context, settings } = parts

  return (touched, counted, atMilliseconds) => {
    const changed = new Set<string>()
    const slots = slotsByPair(counted)
    for (const pair of touched) {
      const key = judge(pair, slots.get(pair) ?? [], atMilliseconds)
      if (key !== undefined) changed.add(key)
    }
    return changed
  }

  function slotsByPair(counted: readonly CountedConversation[]): Map<number, number[]> {
    const slots = new Map<number, number[]>()
    for (const { pair, slot, generation } of counted) {
      if (conversations.generationOf(slot) !== generation) continue
      const list = slots.get(pair)
      if (list === undefined) slots.set(pair, [slot])
      else list.push(slot)
    }
    return slots
  }

  function judge(pair: number, slots: readonly number[], atMilliseconds: number): string | undefined {
    const { keys, keyWords } = pairs.table
    const at = pair * keyWords
    const head = keys[at]!
    const family = (head & 0x8000) === 0 ? 4 : 6
    const protocolIdentifier = head & 0xff
    const port = keys[at + 9]! >>> 16
    const application = (keys[at + 9]! & 0xffff) - 1
    const clientAt = at + 1
    const serverAt = at + 5
    const name = pairs.name.values[pair]!
    const nameText = names.textOf(name)
    const point = points.byNumber(head >>> 16)
    const clientPlace = places.byNumber(places.of(keys, clientAt, family))
    const serverPlace = places.byNumber(places.of(keys, serverAt, family))
    const lastSeenMilliseconds = pairs.last.values[pair]!
    const ends = { keys, clientAt, serverAt, family, protocolIdentifier, port, application } as const
    const facts: PairFacts = {
      protocolIdentifier,
      family,
      port,
      application,
      isOutbound: !serverPlace.isInside && clientPlace.isInside,
      clients: services.clientsOf(services.find(head & 0x80ff, keys, serverAt, port)),
      nameText,
      samplingInterval: point.samplingInterval,
      refused: denials.refusedElsewhere(ends, lastSeenMilliseconds),
      standing: () => learning.standing(ends, point, pairs.firstReceived.values[pair]!, atMilliseconds),
      role: clientPlace.role,
    }
    const verdict = judgePair(pairs, pair, facts, settings)
    if (verdict === undefined) return undefined
    const client = addressAt(keys, clientAt, family)
    const server = addressAt(keys, serverAt, family)
    const pairing = { client, server, protocolIdentifier, port, application: nameText }
    if (sanctionOf(context, pairing, atMilliseconds) !== undefined) return undefined
    const evidence = slots.flatMap((slot) => evidenceOf(conversations, slot, point, nameText))
    return subjects.note(
      {
        point,
        client: formatAddress(client),
        server: formatAddress(server),
        port,
        protocolIdentifier,
        application: name === 0 ? '' : applications[names.applicationOf(name)]!.name,
        applicationName: nameText,
        verdict,
        firstSeenMilliseconds: pairs.first.values[pair]!,
        lastSeenMilliseconds,
        conversations: pairs.conversations.values[pair]!,
      },
      evidence,
    )
  }
}

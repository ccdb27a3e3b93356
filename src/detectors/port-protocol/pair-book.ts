/** Takes conversations into the pairs that they are of: sums, times, starts of bursts, and which pairs have news. */
import { BURST_GAP_MILLISECONDS, WORDS, Word } from './conversation-record.js'
import type { Conversations } from './conversations.js'
import type { Pairs } from './pairs.js'
import { MAX_TESTS } from './shape-test.js'

/** Starts of bursts kept between two evaluations; more come only from a flood. */
const MAX_PENDING_BURSTS = 65_536

export type PairBook = {
  /**
   * Counts what a conversation has grown by into its pair, whose server is its lower (0) or higher (1) end; `met` and `before`
   * are the tests that it meets now and met before, as bits, and `values` what was measured of it. False where there is
   * no room to follow it and it has not ended.
   */
  take(
    pair: number,
    slot: number,
    server: number,
    met: number,
    before: number,
    values: Float64Array,
    hasEnded: boolean,
  ): boolean
  noteBurst(slot: number, startMilliseconds: number): void
  /** Pairs with news since the last call, in the order of the news. */
  takeTouched(): number[]
}

export function createPairBook(conversations: Conversations, pairs: Pairs): PairBook {
  const { words, shares } = conversations
  const touched: number[] = []
  const burstPairs: number[] = []
  const burstStarts: number[] = []

  function take(
    pair: number,
    slot: number,
    server: number,
    met: number,
    before: number,
    values: Float64Array,
    hasEnded: boolean,
  ): boolean {
    const at = slot * WORDS
    const generation = pairs.table.generationOf(pair)
    let share = words[at + Word.share]! - 1
    const isSame = share >= 0 && shares.pairOf(share) === pair && shares.generationOf(share) === generation
    if (!isSame) {
      if (share >= 0) shares.give(share, pair, generation)
      else share = shares.take(pair, generation)
      // What ends now is counted whole, so nothing needs to be remembered of it.
      if (share < 0 && !hasEnded) return false
      words[at + Word.share] = share + 1
    }
    const first = conversations.firstOf(slot)
    const last = conversations.lastOf(slot)
    if (!isSame) {
      pairs.conversations.values[pair]!++
      pending(pair, first)
    }
    const up = 1 - server
    pairs.upPackets.values[pair]! += growth(share, 2 * up, conversations.packetsOf(slot, up))
    pairs.upOctets.values[pair]! += growth(share, 2 * up + 1, conversations.octetsOf(slot, up))
    pairs.downPackets.values[pair]! += growth(share, 2 * server, conversations.packetsOf(slot, server))
    pairs.downOctets.values[pair]! += growth(share, 2 * server + 1, conversations.octetsOf(slot, server))
    pairs.noteTime(pair, first, last, !isSame)
    for (let test = 0; test < MAX_TESTS; test++) {
      const isMet = (met >> test) & 1
      const wasMet = isSame ? (before >> test) & 1 : 0
      // A conversation that outgrew a test takes its hit back.
      pairs.hits.values[pair * MAX_TESTS + test]! += isMet - wasMet
      if (isMet === 1) pairs.keepMeasures(pair, test, values)
    }
    touch(pair)
    return true
  }

  /** What one of the sums, 0 to 3, has grown by since it was last counted. */
  function growth(share: number, which: number, sum: number): number {
    return share < 0 ? sum : shares.growth(share, which, sum)
  }

  function pending(pair: number, start: number): void {
    if (burstPairs.length >= MAX_PENDING_BURSTS) return
    burstPairs.push(pair)
    burstStarts.push(start)
  }

  function touch(pair: number): void {
    if (pairs.isTouched.values[pair] === 1) return
    pairs.isTouched.values[pair] = 1
    touched.push(pair)
  }

  return {
    take,
    noteBurst(slot, startMilliseconds) {
      const share = words[slot * WORDS + Word.share]! - 1
      if (share < 0) return
      const pair = shares.pairOf(share)
      if (pairs.table.generationOf(pair) === shares.generationOf(share)) pending(pair, startMilliseconds)
    },
    takeTouched() {
      // Exporters send records in any order within a minute.
      const order = burstStarts.map((_, index) => index)
      order.sort((a, b) => burstStarts[a]! - burstStarts[b]! || a - b)
      for (const index of order)
        pairs.noteBurst(burstPairs[index]!, burstStarts[index]!, BURST_GAP_MILLISECONDS)
      burstPairs.length = 0
      burstStarts.length = 0
      const result: number[] = []
      for (const pair of touched) {
        if (pairs.isTouched.values[pair] === 0) continue
        pairs.isTouched.values[pair] = 0
        result.push(pair)
      }
      touched.length = 0
      return result
    },
  }
}

/**
 * Reads all blocks over and over and holds every piece against its checksum, so that damage is known before somebody needs
 * the rows. Slow by intent: a pass takes about as long as it is given, and never more of the disk than it may.
 */
import { streamNames } from '../records/columns.js'
import type { BlockStore } from './block-store.js'
import type { IndexedBlock } from './index-entry.js'
import { openBlock } from './index-entry.js'
import { nameOfBlock } from './keys.js'

/** Document: how far scrubbing has come. */
export const SCRUB_STATE = 'store/scrub'

export type ScrubPass = {
  readonly startedMilliseconds: number
  readonly endedMilliseconds: number
  readonly blocks: number
  readonly octets: number
  readonly damagedBlocks: number
}

/** Damage that was found; it stays named until the block is removed. */
export type ScrubDamage = {
  readonly name: string
  readonly reason: string
  readonly foundMilliseconds: number
}

/** How far it has come; kept over restarts. */
export type ScrubState = {
  /** The next block is the first of this stream at or above this sequence; undefined between two passes. */
  readonly position: { readonly stream: number; readonly sequence: number } | undefined
  /** Of the pass at work. */
  readonly startedMilliseconds: number
  readonly blocks: number
  readonly octets: number
  readonly damaged: readonly ScrubDamage[]
  readonly lastPass: ScrubPass | undefined
}

export const NO_SCRUB: ScrubState = {
  position: undefined,
  startedMilliseconds: 0,
  blocks: 0,
  octets: 0,
  damaged: [],
  lastPass: undefined,
}

export type ScrubLimits = {
  /** Never more than so much in a second; 0: no scrubbing. */
  readonly octetsPerSecond: number
  /** A pass takes about this long. */
  readonly passHours: number
}

export type Scrubber = {
  readonly state: () => ScrubState
  /** Reads on for a step of so many milliseconds. Returns true when a pass ended with it. */
  step(milliseconds: number): Promise<boolean>
}

/** Named at most, the last that were found. */
const MAX_NAMED = 1000
/** So slow that it would never end is of no use: a store of a few blocks is read in minutes. */
const MIN_OCTETS_PER_SECOND = 64 * 1024

export function createScrubber(
  store: BlockStore,
  limits: ScrubLimits,
  now: () => number,
  before: ScrubState = NO_SCRUB,
): Scrubber {
  let state = before
  /** Octets that may be read now; below 0 after a large block. */
  let credit = 0

  async function rate(): Promise<number> {
    const wanted = (1.1 * (await store.usedOctets())) / (limits.passHours * 3600)
    return Math.min(limits.octetsPerSecond, Math.max(MIN_OCTETS_PER_SECOND, wanted))
  }

  /** The next block at or above the position, over all streams in their order. */
  async function next(position: NonNullable<ScrubState['position']>): Promise<IndexedBlock | undefined> {
    for (let stream = position.stream; stream < streamNames.length; stream++) {
      const from = stream === position.stream ? position.sequence : 0
      const index = await store.index(streamNames[stream]!)
      const found = index[placeOf(index, from)]
      if (found !== undefined) return found
    }
    return undefined
  }

  async function check(entry: IndexedBlock): Promise<void> {
    const name = nameOfBlock(entry)
    const found = await faultOf(store, entry)
    if (found === 'removed') return
    const others = state.damaged.filter((damage) => damage.name !== name)
    const foundMilliseconds = state.damaged.find((damage) => damage.name === name)?.foundMilliseconds ?? now()
    const damaged = found === undefined ? others : [...others, { name, reason: found, foundMilliseconds }]
    state = {
      ...state,
      blocks: state.blocks + 1,
      octets: state.octets + entry.octets,
      damaged: damaged.slice(-MAX_NAMED),
    }
  }

  /** Blocks that retention removed are no damage any more. */
  async function end(): Promise<void> {
    const there = new Set<string>()
    for (const stream of streamNames)
      for (const entry of await store.index(stream)) there.add(nameOfBlock(entry))
    const damaged = state.damaged.filter(({ name }) => there.has(name))
    const { startedMilliseconds, blocks, octets } = state
    const lastPass = {
      startedMilliseconds,
      endedMilliseconds: now(),
      blocks,
      octets,
      damagedBlocks: damaged.length,
    }
    state = { ...NO_SCRUB, damaged, lastPass }
  }

  return {
    state: () => state,
    async step(milliseconds) {
      const perSecond = await rate()
      // What was not used does not add up: a pause is no reason for a rush.
      credit = Math.min(credit, 0) + (perSecond * milliseconds) / 1000
      while (credit > 0) {
        if (state.position === undefined) {
          const startedMilliseconds = now()
          state = {
            ...state,
            position: { stream: 0, sequence: 0 },
            startedMilliseconds,
            blocks: 0,
            octets: 0,
          }
        }
        const entry = await next(state.position!)
        if (entry === undefined) {
          await end()
          return true
        }
        await check(entry)
        credit -= entry.octets
        state = { ...state, position: { stream: entry.stream.id, sequence: entry.firstSequence + 1 } }
      }
      return false
    },
  }
}

/** Reads from the database itself, past blocks that are held open. Undefined: whole. */
async function faultOf(store: BlockStore, entry: IndexedBlock): Promise<string | undefined | 'removed'> {
  try {
    const octets = await store.octets(entry)
    if (octets === undefined) return 'removed'
    if (entry.damage !== undefined) return entry.damage
    openBlock(entry, octets).verify()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Where the first block at or above a sequence stands. */
function placeOf(index: readonly IndexedBlock[], sequence: number): number {
  let low = 0
  for (let high = index.length; low < high; ) {
    const middle = (low + high) >> 1
    if (index[middle]!.firstSequence < sequence) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * What is deleted to keep within limits: by age, by the size of the store, by free space of its file system; the oldest
 * first, and early enough that the next interval does not overshoot. Pure: the effects are in the analysing thread.
 */
import type { StreamName } from '../records/columns.js'
import { endOf, type IndexedBlock } from './index-entry.js'

/** Limits; times in ms since 1970, sizes in octets. */
export type RetentionLimits = {
  readonly nowMilliseconds: number
  /** Rows of flows, sessions and exporters stored before are deleted. */
  readonly rawBeforeMilliseconds: number
  /** Log lines that tell of no traffic, likewise. */
  readonly messagesBeforeMilliseconds: number
  /** Of all rows together; undefined: no limit by size. */
  readonly maximumOctets: number | undefined
  /** To be left on the file system; 0: no limit. */
  readonly minimumFreeOctets: number
}

/** How much there is now. */
export type SpaceUsed = {
  /** Of the blocks database, as its files are. */
  readonly usedOctets: number
  readonly freeOctets: number
  /** What may come until retention runs again. */
  readonly expectedOctets: number
}

export type RetentionReason = 'age' | 'size' | 'freeSpace'

/** Blocks of a stream below this sequence are to go. */
export type Removal = {
  readonly stream: StreamName
  readonly beforeSequence: number
  /** The latest of them: receive time (ms since 1970) and one more than the highest number. Damaged ones do not tell a time. */
  readonly receivedToMilliseconds: number
  readonly endSequence: number
  readonly blocks: number
  readonly rows: number
  readonly octets: number
}

export type RemovalPlan = {
  readonly removals: readonly Removal[]
  /** Why, the strongest reason first; empty when nothing goes. */
  readonly reasons: readonly RetentionReason[]
  /** The limit cannot be kept by deleting rows: there are none left that may go. */
  readonly isShort: boolean
}

/** What has come: the number behind the newest row, and the octets of the blocks that begin at `fromSequence` or later. */
export function arrivedSince(
  indexes: ReadonlyMap<StreamName, readonly IndexedBlock[]>,
  fromSequence: number,
): { readonly toSequence: number; readonly octets: number } {
  let toSequence = fromSequence
  let octets = 0
  for (const blocks of indexes.values()) {
    for (let index = blocks.length - 1; index >= 0 && blocks[index]!.firstSequence >= fromSequence; index--) {
      toSequence = Math.max(toSequence, endOf(blocks[index]!))
      octets += blocks[index]!.octets
    }
  }
  return { toSequence, octets }
}

/** Beyond what must go, this share of the limit goes too, so that blocks go by the hundred and not one by one. */
const SLACK = 0.02

/**
 * Room below a limit of size for what LevelDB writes anew before it deletes the old (33 MB were seen of 5 GB): a share of the limit,
 * and no more octets than these.
 */
const WORK_SHARE = 0.02
const MOST_WORK_OCTETS = 128 * 1024 * 1024

/** Plans what goes. `indexes` holds the blocks of each stream in sequence order. */
export function planRemoval(
  indexes: ReadonlyMap<StreamName, readonly IndexedBlock[]>,
  limits: RetentionLimits,
  space: SpaceUsed,
): RemovalPlan {
  const reasons: RetentionReason[] = []
  /** By stream: how many of its oldest blocks go. */
  const counts = new Map<StreamName, number>()
  let freed = 0
  for (const [stream, blocks] of indexes) {
    const before = stream === 'message' ? limits.messagesBeforeMilliseconds : limits.rawBeforeMilliseconds
    let count = 0
    // A damaged block's age is not known, nor that of one which was stored while the clock was ahead: it goes with the next one
    // that is old.
    for (let index = 0; index < blocks.length; index++) {
      const { damage, storedMilliseconds } = blocks[index]!
      if (damage !== undefined || storedMilliseconds > limits.nowMilliseconds) continue
      if (storedMilliseconds >= before) break
      count = index + 1
    }
    counts.set(stream, count)
    for (let index = 0; index < count; index++) freed += blocks[index]!.octets
    if (count > 0 && !reasons.includes('age')) reasons.push('age')
  }

  const { maximumOctets, minimumFreeOctets } = limits
  const { usedOctets, freeOctets, expectedOctets } = space
  const overSize =
    maximumOctets === undefined
      ? 0
      : usedOctets + expectedOctets + workOctets(maximumOctets) - freed - maximumOctets
  const overSpace = minimumFreeOctets === 0 ? 0 : minimumFreeOctets + expectedOctets - freeOctets - freed
  if (overSize > 0) reasons.unshift('size')
  if (overSpace > 0) reasons.unshift('freeSpace')
  let wanted = Math.max(
    overSize > 0 ? overSize + SLACK * maximumOctets! : 0,
    overSpace > 0 ? overSpace + SLACK * minimumFreeOctets : 0,
  )
  while (wanted > 0) {
    const oldest = oldestOf(indexes, counts)
    if (oldest === undefined) break
    wanted -= oldest.octets
    counts.set(oldest.stream.name, counts.get(oldest.stream.name)! + 1)
  }
  return { removals: removalsOf(indexes, counts), reasons, isShort: wanted > 0 }
}

function workOctets(maximumOctets: number): number {
  return Math.min(WORK_SHARE * maximumOctets, MOST_WORK_OCTETS)
}

/** The oldest block that stays so far; each stream keeps its newest, by which numbering goes on after a start. */
function oldestOf(
  indexes: ReadonlyMap<StreamName, readonly IndexedBlock[]>,
  counts: ReadonlyMap<StreamName, number>,
): IndexedBlock | undefined {
  let oldest: IndexedBlock | undefined
  for (const [stream, blocks] of indexes) {
    const count = counts.get(stream)!
    if (count >= blocks.length - 1) continue
    const block = blocks[count]!
    if (oldest === undefined || block.firstSequence < oldest.firstSequence) oldest = block
  }
  return oldest
}

function removalsOf(
  indexes: ReadonlyMap<StreamName, readonly IndexedBlock[]>,
  counts: ReadonlyMap<StreamName, number>,
): Removal[] {
  const removals: Removal[] = []
  for (const [stream, blocks] of indexes) {
    const count = counts.get(stream)!
    if (count === 0) continue
    const last = blocks[count - 1]!
    const gone = blocks.slice(0, count)
    const receivedToMilliseconds = gone.reduce(
      (latest, block) =>
        block.damage === undefined ? Math.max(latest, block.receivedToMilliseconds) : latest,
      0,
    )
    const endSequence = Math.max(endOf(last), last.firstSequence + 1)
    removals.push({
      stream,
      beforeSequence: blocks[count]?.firstSequence ?? endSequence,
      receivedToMilliseconds,
      endSequence,
      blocks: count,
      rows: gone.reduce((sum, { rows }) => sum + rows, 0),
      octets: gone.reduce((sum, { octets }) => sum + octets, 0),
    })
  }
  return removals
}

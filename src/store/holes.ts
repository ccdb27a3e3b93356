/**
 * Looks for rows that were stored and are gone: sequences of all streams tile one range, so a hole between two blocks is
 * a lost block (LevelDB opens a damaged log without a word). Retention removes the oldest rows of each stream; holes below
 * what it removed last are no loss.
 */
import { streamNames } from '../records/columns.js'
import { type SequenceRun, sequenceRuns } from './backup/runs.js'
import type { BlockStore } from './block-store.js'
import { nameOfBlock } from './keys.js'

/**
 * Document: rows below this number were written and synced. A torn log of the blocks loses their own note of it with them.
 */
export const WRITTEN_TO = 'store/writtenTo'

/** Sequences from one to below the other. */
export type SequenceRange = { readonly fromSequence: number; readonly toSequence: number }

/** A range of lost rows, and between which times of receipt they must have lain (ms since 1970, both included). */
export type Hole = SequenceRange & { readonly fromMilliseconds: number; readonly toMilliseconds: number }

export type StoreDamage = {
  readonly lostRows: number
  readonly damagedBlocks: number
  /** The newest ones, at most MAX_HOLES. */
  readonly holes: readonly Hole[]
  /** Blocks that cannot be read, by name and with the reason; at most MAX_HOLES. */
  readonly damaged: readonly { readonly name: string; readonly reason: string }[]
}

/** What is lost behind the newest block came soon after it: blocks are sealed each second. */
const TAIL_MILLISECONDS = 60_000

/** Kept and named; all are counted. */
export const MAX_HOLES = 1000

/** What the runs leave out of the range from one sequence to below another. */
export function findGaps(runs: readonly SequenceRun[], from: number, to: number): SequenceRange[] {
  const gaps: SequenceRange[] = []
  let next = from
  for (const { first, end } of [...runs].sort((one, other) => one.first - other.first)) {
    if (next >= to) return gaps
    if (first > next) gaps.push({ fromSequence: next, toSequence: Math.min(first, to) })
    next = Math.max(next, end)
  }
  if (to > next) gaps.push({ fromSequence: next, toSequence: to })
  return gaps
}

/**
 * `toSequence`: rows below it must be there, and those above are not looked at: while rows come in, the index of one stream is read
 * later than that of another, and knows more. Absent: up to the newest block.
 */
export async function findHoles(store: BlockStore, toSequence?: number): Promise<StoreDamage> {
  const runs: SequenceRun[] = []
  /** Receive times of blocks by their first sequence, to tell when a lost one must have come. */
  const times: { first: number; from: number; to: number }[] = []
  const damaged: { name: string; reason: string }[] = []
  for (const name of streamNames) {
    for (const entry of await store.index(name)) {
      const { damage } = entry
      if (damage !== undefined) damaged.push({ name: nameOfBlock(entry), reason: damage })
      else {
        const { receivedFromMilliseconds: from, receivedToMilliseconds: to } = entry
        for (const { firstSequence: first } of entry.runs) times.push({ first, from, to })
      }
      runs.push(...sequenceRuns(entry))
    }
  }
  const end = toSequence ?? runs.reduce((most, run) => Math.max(most, run.end), 0)
  const gaps = findGaps(runs, await store.completeFrom(), end)
  times.sort((one, other) => one.first - other.first)
  return {
    lostRows: gaps.reduce((sum, gap) => sum + gap.toSequence - gap.fromSequence, 0),
    damagedBlocks: damaged.length,
    holes: gaps.slice(-MAX_HOLES).map((gap) => ({ ...gap, ...spanOf(gap, times) })),
    damaged: damaged.slice(-MAX_HOLES),
  }
}

/** Holes that may lie in a window of receive time. */
export function holesWithin(
  holes: readonly Hole[],
  fromMilliseconds: number,
  toMilliseconds: number,
): Hole[] {
  return holes.filter(
    (hole) => hole.toMilliseconds >= fromMilliseconds && hole.fromMilliseconds < toMilliseconds,
  )
}

export function rowsOfHoles(holes: readonly Hole[]): number {
  return holes.reduce((sum, { fromSequence, toSequence }) => sum + toSequence - fromSequence, 0)
}

/** A sentence for runs and logs. */
export function describeHoles(holes: readonly Hole[]): string {
  return `${rowsOfHoles(holes)} stored rows are gone, in ${holes.length} holes`
}

/** A part of the store: receive times and numbers, the upper bounds excluded. */
export type StoreSpan = {
  readonly fromMilliseconds: number
  readonly toMilliseconds: number
  readonly fromSequence: number
  readonly toSequence: number
}

/** Whether rows of a part may be gone. Holes that are not named lie before those that are. */
export function mayMissRows(
  { lostRows, holes }: Pick<StoreDamage, 'lostRows' | 'holes'>,
  span: StoreSpan,
): boolean {
  const { fromMilliseconds, toMilliseconds, fromSequence, toSequence } = span
  const isTouched = holesWithin(holes, fromMilliseconds, toMilliseconds).some(
    (hole) => hole.toSequence > fromSequence && hole.fromSequence < toSequence,
  )
  const [first] = holes
  if (isTouched || first === undefined || lostRows === rowsOfHoles(holes)) return isTouched
  return fromMilliseconds < first.toMilliseconds && fromSequence < first.fromSequence
}

/** From the earliest receipt of the block before a hole to the latest of the one behind it. */
function spanOf(
  gap: SequenceRange,
  times: readonly { first: number; from: number; to: number }[],
): { fromMilliseconds: number; toMilliseconds: number } {
  let behind = 0
  for (let end = times.length; behind < end; ) {
    const middle = (behind + end) >> 1
    if (times[middle]!.first < gap.toSequence) behind = middle + 1
    else end = middle
  }
  const before = times[behind - 1]
  return {
    fromMilliseconds: before?.from ?? 0,
    toMilliseconds: times[behind]?.to ?? (before?.to ?? 0) + TAIL_MILLISECONDS,
  }
}

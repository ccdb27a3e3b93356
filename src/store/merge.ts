/**
 * Small blocks of a quiet network become large ones: each second seals a block, and a thousand blocks of twenty rows cost
 * more room and more reading than one of twenty thousand. Rows keep their order and their numbers, so a cursor sees no
 * difference. Which blocks are merged is decided here, purely; the doing is behind it.
 */
import { BlockAppender } from '../blocks/append.js'
import { BLOCK_ROWS, BlockBuilder } from '../blocks/builder.js'
import { joinRuns } from '../blocks/runs.js'
import { streamNames } from '../records/columns.js'
import type { BlockStore } from './block-store.js'
import type { IndexedBlock } from './index-entry.js'
import { nameOfBlock } from './keys.js'

/** A block of so many rows is large enough to be left as it is. */
const LARGE_ROWS = BLOCK_ROWS / 2
/** So many small blocks are worth a merge though they fill no large one. */
const WORTHWHILE_BLOCKS = 32
const MOST_BLOCKS = 64
/** A longer span makes the zone map useless for questions about an hour. */
const LONGEST_SPAN_MILLISECONDS = 2 * 3_600_000
/** What has just been stored is still being read by those who follow it. */
const YOUNGEST_MILLISECONDS = 60_000
/** Readers that walk over the old blocks have ended by then. */
const REPLACED_KEPT_MILLISECONDS = 10 * 60_000
/** Of a pass: the thread has other things to do. */
const MOST_MERGES = 8

/** Blocks that follow each other in a stream, at least two. */
export type MergeGroup = readonly IndexedBlock[]

/**
 * Groups of blocks of one stream, given in sequence order, that should become one. Only blocks that were merged equally
 * often go together, so that a row is written again a few times at most.
 */
export function planMerges(blocks: readonly IndexedBlock[], nowMilliseconds: number): MergeGroup[] {
  const groups: IndexedBlock[][] = []
  let group: IndexedBlock[] = []
  let rows = 0
  const end = () => {
    if (isWorthwhile(group.length, rows)) groups.push(group)
    group = []
    rows = 0
  }
  for (const block of blocks) {
    // What was stored in a far future was so while the clock was ahead, and is not young for that.
    if (Math.abs(nowMilliseconds - block.storedMilliseconds) < YOUNGEST_MILLISECONDS) break
    if (block.damage !== undefined || block.rows >= LARGE_ROWS) {
      end()
      continue
    }
    const [first] = group
    const fits =
      first === undefined ||
      (first.level === block.level &&
        rows + block.rows <= BLOCK_ROWS &&
        group.length < MOST_BLOCKS &&
        block.receivedToMilliseconds - first.receivedFromMilliseconds <= LONGEST_SPAN_MILLISECONDS)
    if (!fits) end()
    group.push(block)
    rows += block.rows
  }
  end()
  return groups
}

function isWorthwhile(blocks: number, rows: number): boolean {
  return blocks >= WORTHWHILE_BLOCKS || (blocks >= 2 && rows >= LARGE_ROWS)
}

export type MergeOutcome = {
  /** Blocks that were put together, and what became of them. */
  readonly merged: number
  readonly into: number
  /** Blocks that stood for readers until now. */
  readonly dropped: number
}

export type Merger = {
  /** Merges what is small, up to a few groups, and deletes what earlier passes replaced. */
  pass(nowMilliseconds: number): Promise<MergeOutcome>
}

export function createMerger(store: BlockStore): Merger {
  /** Blocks that could not be read: they stay as they are, for the scans to tell of. */
  const unreadable = new Set<string>()
  const readable = (entry: IndexedBlock): IndexedBlock =>
    unreadable.has(nameOfBlock(entry)) ? { ...entry, damage: 'not to be merged' } : entry

  async function merge(group: MergeGroup, nowMilliseconds: number): Promise<boolean> {
    const rows = group.reduce((sum, block) => sum + block.rows, 0)
    const appender = new BlockAppender(new BlockBuilder(group[0]!.stream, rows))
    for (const entry of group) {
      try {
        const block = await store.block(entry, 'once')
        // Retention was faster.
        if (block === undefined) return false
        appender.append(block)
      } catch {
        unreadable.add(nameOfBlock(entry))
        return false
      }
    }
    const runs = joinRuns(group.flatMap((entry) => entry.runs))
    await store.replace(group, appender.builder, runs, nowMilliseconds)
    return true
  }

  return {
    async pass(nowMilliseconds) {
      const dropped = await store.dropReplaced(nowMilliseconds, REPLACED_KEPT_MILLISECONDS)
      let merged = 0
      let into = 0
      for (const name of streamNames) {
        const blocks = await store.index(name)
        for (const group of planMerges(blocks.map(readable), nowMilliseconds)) {
          if (into >= MOST_MERGES) return { merged, into, dropped }
          if (!(await merge(group, nowMilliseconds))) continue
          merged += group.length
          into++
        }
      }
      return { merged, into, dropped }
    },
  }
}

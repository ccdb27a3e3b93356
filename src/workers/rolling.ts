/** Sums rows beside everything else of the analysing thread: one bucket after the other as they are over. */
import { createRoller } from '../rollups/roller.js'
import type { BlockStore } from '../store/block-store.js'
import { findHoles } from '../store/holes.js'
import { createLowWater } from '../store/low-water.js'
import type { Progress } from '../store/rollup-progress.js'
import type { FromAnalysis } from './analysis-messages.js'

const LOOK_EVERY_MILLISECONDS = 5000

export type RollingOptions = {
  readonly data: string
  readonly blocks: BlockStore
  readonly rollups: BlockStore
  readonly stopBelowFreeOctets: number
  /** Blocks of sums that scrubbing found damaged. */
  readonly damaged: () => number
  readonly say: (message: FromAnalysis) => void
}

/** Begins; returns what ends it after the bucket at work. */
export function keepRolling({
  data,
  blocks,
  rollups,
  stopBelowFreeOctets,
  damaged,
  say,
}: RollingOptions): () => Promise<void> {
  const roller = createRoller({ blocks, rollups })
  const lowWater = createLowWater(data, stopBelowFreeOctets, () => Date.now())
  let isEnding = false
  let working: Promise<void> | undefined
  let told: Progress | undefined
  const tell = async () => {
    const progress = roller.progress()
    if (progress === undefined || progress === told) return
    told = progress
    const { lostRows, damagedBlocks } = await findHoles(rollups)
    const state = { progress, lostRows, damagedBlocks: Math.max(damagedBlocks, damaged()) }
    say({ type: 'rolled', state })
  }
  const work = async () => {
    while (!isEnding && (await lowWater.look()) === undefined) {
      const step = await roller.step(Date.now())
      await tell()
      if (step === undefined) return
    }
  }
  const timer = setInterval(() => {
    working ??= work()
      .catch((error: Error) => say({ type: 'problem', message: `rollups: ${error.message}` }))
      .finally(() => {
        working = undefined
      })
  }, LOOK_EVERY_MILLISECONDS)
  return async () => {
    isEnding = true
    clearInterval(timer)
    await working
  }
}

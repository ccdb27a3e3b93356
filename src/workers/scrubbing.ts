/** Scrubs a store beside everything else of the analysing thread, a little each second. */
import type { BlockStore } from '../store/block-store.js'
import { createScrubber, type ScrubState } from '../store/scrub.js'
import type { AnalysisSetup } from './analysis-messages.js'

const SCRUB_EVERY_MILLISECONDS = 1000
/** Where a killed process goes on. */
const SCRUB_TOLD_EVERY = 60

/** Begins; returns what ends it. */
export function keepScrubbing(
  store: BlockStore,
  { state, ...limits }: AnalysisSetup['scrub'],
  on: {
    readonly state: (state: ScrubState) => void
    readonly problem: (message: string) => void
  },
): () => Promise<void> {
  if (limits.octetsPerSecond === 0) return async () => undefined
  const scrubber = createScrubber(store, limits, () => Date.now(), state)
  let step: Promise<void> | undefined
  let steps = 0
  let told = scrubber.state().damaged.length
  const tell = () => {
    told = scrubber.state().damaged.length
    on.state(scrubber.state())
  }
  const work = async () => {
    const isEnd = await scrubber.step(SCRUB_EVERY_MILLISECONDS)
    if (isEnd || ++steps % SCRUB_TOLD_EVERY === 0 || scrubber.state().damaged.length !== told) tell()
  }
  const timer = setInterval(() => {
    step ??= work()
      .catch((error: Error) => on.problem(`scrubbing: ${error.message}`))
      .finally(() => {
        step = undefined
      })
  }, SCRUB_EVERY_MILLISECONDS)
  return async () => {
    clearInterval(timer)
    await step
    tell()
  }
}

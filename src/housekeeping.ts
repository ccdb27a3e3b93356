/** What the main thread sees to now and then: retention, the ballast, exceptions that begin or end. */
import type { Logger } from 'pino'
import type { Config } from './config.js'
import type { Visibility } from './findings/visibility.js'
import type { Ballast } from './store/ballast.js'
import type { AnalysisClient } from './workers/analysis-client.js'
import type { RetentionOutcome } from './workers/analysis-messages.js'

const DAY_MILLISECONDS = 86_400_000
/** Often, so that a full rate fills little in between. */
const RETENTION_EVERY_MILLISECONDS = 10_000
const SETTLE_EVERY_MILLISECONDS = 600_000

export type HousekeepingOptions = {
  readonly limits: Config['retention']
  readonly analysis: AnalysisClient
  readonly visibility: Visibility
  readonly ballast: Ballast
  readonly now: () => number
  readonly logger: Logger
  readonly onRetained: (outcome: RetentionOutcome) => void
  /** It is tried again with the next. */
  readonly onRetentionFailure: (error: Error) => void
}

/** Begins; returns what ends it. */
export function keepHouse(options: HousekeepingOptions): () => Promise<void> {
  const { limits, analysis, visibility, ballast, now, logger, onRetained, onRetentionFailure } = options
  const { rawDays, messageDays, rollupDays, maximumOctets, maximumRollupOctets, minimumFreeOctets } = limits
  const report = (error: Error) => logger.error(error)
  let isRunning = false

  // That it cannot be kept must not hold up what makes room.
  const keepBallast = async () => {
    const kept = await ballast.keep().catch(report)
    if (kept === 'released') logger.error('the disk is full: the ballast was given up')
  }
  const retain = async () => {
    // A slow disk may hold it up; one that waits is enough.
    if (isRunning) return
    isRunning = true
    try {
      await keepBallast()
      const outcome = await analysis.retain({
        nowMilliseconds: now(),
        rawBeforeMilliseconds: now() - rawDays * DAY_MILLISECONDS,
        messagesBeforeMilliseconds: now() - messageDays * DAY_MILLISECONDS,
        maximumOctets,
        minimumFreeOctets,
        rollupsBeforeMilliseconds: now() - rollupDays * DAY_MILLISECONDS,
        maximumRollupOctets,
      })
      onRetained(outcome)
      if (outcome.blocks > 0) logger.info(outcome, 'rows were deleted')
    } catch (error) {
      logger.error(error)
      onRetentionFailure(error as Error)
    } finally {
      isRunning = false
    }
  }
  const timers = [
    setInterval(() => void retain(), RETENTION_EVERY_MILLISECONDS),
    setInterval(() => void visibility.settle().catch(report), SETTLE_EVERY_MILLISECONDS),
  ]
  return async () => timers.forEach(clearInterval)
}

/** What the main thread sees to now and then: retention, the ballast, exceptions that begin or end. */
import type { Logger } from 'pino'
import { AGEING_TIME, type Age, type Ageing } from './ageing.js'
import { DAY_MILLISECONDS } from './clock.js'
import type { Config } from './config.js'
import type { Visibility } from './findings/visibility.js'
import type { Ballast } from './store/ballast.js'
import type { Documents } from './store/documents.js'
import type { AnalysisClient } from './workers/analysis-client.js'
import type { RetentionOutcome } from './workers/analysis-messages.js'

/** Often, so that a full rate fills little in between. */
const RETENTION_EVERY_MILLISECONDS = 10_000
const SETTLE_EVERY_MILLISECONDS = 600_000

export type HousekeepingOptions = {
  readonly limits: Config['retention']
  readonly analysis: AnalysisClient
  readonly visibility: Visibility
  readonly ballast: Ballast
  readonly documents: Documents
  readonly ageing: Ageing
  readonly now: () => number
  readonly logger: Logger
  readonly onRetained: (outcome: RetentionOutcome, age: Age) => void
  /** It is tried again with the next. */
  readonly onRetentionFailure: (error: Error) => void
}

/** Begins; returns what ends it. */
export function keepHouse(options: HousekeepingOptions): () => Promise<void> {
  const { limits, analysis, visibility, ballast, documents, ageing, now, logger } = options
  const { rawDays, messageDays, rollupDays, maximumOctets, maximumRollupOctets, minimumFreeOctets } = limits
  const report = (error: Error) => logger.error(error)
  let isRunning = false

  // That it cannot be kept must not hold up what makes room.
  const keepBallast = async () => {
    const kept = await ballast.keep().catch(report)
    if (kept === 'released') logger.error('the disk is full: the ballast was given up')
  }
  /** Nor must that the time cannot be noted. */
  const lookAtAge = async () => {
    const age = ageing.look()
    await documents.put(AGEING_TIME, age.timeMilliseconds, { sync: false }).catch(report)
    return age
  }
  const retain = async () => {
    // A slow disk may hold it up; one that waits is enough.
    if (isRunning) return
    isRunning = true
    try {
      await keepBallast()
      const age = await lookAtAge()
      const before = (days: number) => age.nowMilliseconds - days * DAY_MILLISECONDS
      const outcome = await analysis.retain({
        nowMilliseconds: now(),
        rawBeforeMilliseconds: before(rawDays),
        messagesBeforeMilliseconds: before(messageDays),
        maximumOctets,
        minimumFreeOctets,
        rollupsBeforeMilliseconds: before(rollupDays),
        maximumRollupOctets,
      })
      options.onRetained(outcome, age)
      if (outcome.blocks > 0) logger.info(outcome, 'rows were deleted')
    } catch (error) {
      logger.error(error)
      options.onRetentionFailure(error as Error)
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

/** Looks now and then at the exporters and tells of what keeps their rows from the detectors. */
import type { Detector } from '../detectors/detector.js'
import type { ExporterStatus } from '../exporters.js'
import type { Observation } from '../findings/finding.js'
import { coverageFindings } from './exporter-watch.js'

const EVERY_MILLISECONDS = 300_000
/** Exporters described at a time. */
const AT_A_TIME = 256

export type CoverageWatchOptions = {
  readonly exporterIds: () => readonly string[]
  readonly exporters: (ids: readonly string[]) => Promise<readonly ExporterStatus[]>
  readonly detectors: readonly Detector[]
  readonly tell: (observation: Observation) => Promise<unknown>
  readonly now: () => number
  readonly onProblem: (error: Error) => void
}

/** Begins; returns what ends it. */
export function watchCoverage(options: CoverageWatchOptions): () => Promise<void> {
  const { exporterIds, exporters, detectors, tell, now, onProblem } = options
  /** Datagrams lost for each exporter, when they were last told of: a count that stands still is over. */
  const drops = new Map<string, number>()
  let looking: Promise<void> | undefined

  const sinceLast = (exporter: ExporterStatus): ExporterStatus => {
    const { id, kernelDrops = 0 } = exporter
    const before = drops.get(id) ?? 0
    drops.set(id, kernelDrops)
    return { ...exporter, kernelDrops: Math.max(0, kernelDrops - before) }
  }
  const look = async () => {
    const ids = exporterIds()
    for (let from = 0; from < ids.length; from += AT_A_TIME) {
      const known = await exporters(ids.slice(from, from + AT_A_TIME))
      for (const observation of coverageFindings(known.map(sinceLast), detectors, now()))
        await tell(observation)
    }
  }
  const timer = setInterval(() => {
    looking ??= look()
      .catch(onProblem)
      .finally(() => {
        looking = undefined
      })
  }, EVERY_MILLISECONDS)
  return async () => {
    clearInterval(timer)
    await looking
  }
}

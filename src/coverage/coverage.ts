/** The matrix over what is there now: exporters, detectors that run, and what these said in the last day. */
import { DAY_MILLISECONDS } from '../clock.js'
import type { Detector } from '../detectors/detector.js'
import type { ExporterStatus } from '../exporters.js'
import type { FindingRepository } from '../findings/repository.js'
import { type CoverageEntry, coverageOf, type Said } from './matrix.js'

/** Exporters described at a time. */
const AT_A_TIME = 256
const PAGE = 1000

export type Coverage = {
  /** Of these exporters, or of all, in the order of their ids, each with every detector that runs. */
  entries(ids?: readonly string[]): Promise<CoverageEntry[]>
  /** What detectors said of exporters in the last day. */
  said(): Promise<Said[]>
}

export function createCoverage(options: {
  readonly exporterIds: () => readonly string[]
  readonly exporters: (ids: readonly string[]) => Promise<readonly ExporterStatus[]>
  readonly detectors: readonly Detector[]
  readonly findings: FindingRepository
  readonly now: () => number
}): Coverage {
  const { exporterIds, exporters, detectors, findings, now } = options

  async function said(): Promise<Said[]> {
    const found: Said[] = []
    let after = await findings.revisionBefore(now() - DAY_MILLISECONDS)
    for (;;) {
      const page = await findings.page({
        order: 'updated',
        after,
        limit: PAGE,
        accept: ({ kind, exporters: seen }) => kind === 'coverage' && seen.length > 0,
      })
      found.push(...page.items)
      if (!page.hasMore || page.position === undefined || page.position === after) return found
      after = page.position
    }
  }

  return {
    said,
    async entries(ids) {
      const told = await said()
      const wanted = ids ?? [...exporterIds()].sort()
      const entries: CoverageEntry[] = []
      for (let from = 0; from < wanted.length; from += AT_A_TIME) {
        for (const exporter of await exporters(wanted.slice(from, from + AT_A_TIME)))
          for (const detector of detectors) entries.push(coverageOf(exporter, detector, told, now()))
      }
      return entries
    },
  }
}

/** What this detector cannot see at an exporter, as observations of kind "coverage", said once for each state. */
import { findingId, type Observation } from '../../findings/finding.js'
import { formatAddress } from '../../records/address.js'
import { attackNetworkDevices } from '../detector.js'
import type { Point, Points } from './points.js'
import { PORT_PROTOCOL } from './subjects.js'

/** Conversations before a lack at an exporter is called a lack. */
const ENOUGH_CONVERSATIONS = 100

function lacksOf(point: Point): { code: string; text: string; value?: number }[] {
  const lacks: { code: string; text: string; value?: number }[] = []
  if (point.samplingInterval > 1) {
    lacks.push({
      code: 'sampled',
      text: `samples 1 in ${point.samplingInterval} packets: shapes that need whole counts are not judged`,
      value: point.samplingInterval,
    })
  }
  if (point.conversations < ENOUGH_CONVERSATIONS) return lacks
  if (point.oneSided > point.conversations / 2) {
    lacks.push({
      code: 'one-sided',
      text: 'shows one direction only of most conversations: they are not judged',
    })
  }
  if (!point.namesApplications) {
    lacks.push({
      code: 'applications-not-named',
      text: 'names no applications: pairings are judged by port and shape alone',
    })
  }
  return lacks
}

/** The lacks of points whose state has changed since they were last told of. */
export function coverageObservations(points: Points): Observation[] {
  const observations: Observation[] = []
  for (const point of points.all()) {
    const lacks = lacksOf(point)
    const state = lacks.map(({ code, value }) => `${code}=${value ?? ''}`).join()
    if (state === point.said) continue
    point.said = state
    const { address, listenerPort, observationDomainId } = point.identity
    const name = formatAddress(address)
    for (const { code, text, value } of lacks) {
      observations.push({
        kind: 'coverage',
        id: findingId(PORT_PROTOCOL, { exporter: point.key, coverage: code }),
        detector: PORT_PROTOCOL,
        severity: 'informational',
        score: 0,
        title: `exporter ${name} (port ${listenerPort}) ${text}`,
        sourceAddresses: [],
        destinationAddresses: [],
        firstSeenMilliseconds: point.lastReceivedMilliseconds,
        lastSeenMilliseconds: point.lastReceivedMilliseconds,
        exporters: [
          {
            address: name,
            listenerPort,
            observationDomainId,
            bothDirections: code !== 'one-sided',
            ...(point.samplingInterval > 0 ? { samplingInterval: point.samplingInterval } : {}),
          },
        ],
        evidenceQuality: {
          level: code === 'applications-not-named' ? 'degraded' : 'poor',
          reasons: [{ code, text }],
        },
        reasons: [{ code, ...(value === undefined ? {} : { value }) }],
        subScores: {},
        attack: attackNetworkDevices,
        evidence: [],
      })
    }
  }
  return observations
}

/** What is bounded: how many entries are kept, and how many were dropped. */
type Bounded = { readonly evicted: number; readonly maximum: number }

/** Tells that more was going on at a time than is kept: at the first entry that was dropped, then at each doubling. */
export function createEvictionCoverage(
  tables: readonly (readonly [what: string, table: Bounded])[],
): (atMilliseconds: number) => Observation[] {
  const next = tables.map(() => 1)
  return (atMilliseconds) =>
    tables.flatMap(([what, table], index) => {
      if (table.evicted < next[index]!) return []
      while (next[index]! <= table.evicted) next[index]! *= 2
      const text = `${table.evicted} ${what} were dropped for want of room (${table.maximum} are kept): slow exchanges may be missed`
      return [
        {
          kind: 'coverage' as const,
          id: findingId(PORT_PROTOCOL, { coverage: 'state-full', what }),
          detector: PORT_PROTOCOL,
          severity: 'informational' as const,
          score: 0,
          title: text,
          sourceAddresses: [],
          destinationAddresses: [],
          firstSeenMilliseconds: atMilliseconds,
          lastSeenMilliseconds: atMilliseconds,
          exporters: [],
          evidenceQuality: { level: 'degraded' as const, reasons: [{ code: 'state-full', text }] },
          reasons: [{ code: 'state-full', value: table.evicted, threshold: table.maximum }],
          subScores: {},
          attack: attackNetworkDevices,
          evidence: [],
        },
      ]
    })
}

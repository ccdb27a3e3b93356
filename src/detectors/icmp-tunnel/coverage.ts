/** What the ICMP detector cannot see, as observations of kind "coverage": one per exporter and reason. */
import { findingId, type Observation } from '../../findings/finding.js'
import { formatAddress } from '../../records/address.js'
import { attackNetworkDevices } from '../detector.js'
import { ICMP_TUNNEL } from './names.js'
import type { Point, Points } from './points.js'

type Blindness = { readonly code: string; readonly title: string; readonly value: number | undefined }

/** Records of a point before its lack of something is called a lack. */
const ENOUGH_RECORDS = 20

function blindnessOf(point: Point, isSuspect: boolean): Blindness | undefined {
  if (point.samplingInterval > 1) {
    return {
      code: 'sampled',
      title: `samples 1 in ${point.samplingInterval} packets: ICMP tunnels are only seen when they are large`,
      value: point.samplingInterval,
    }
  }
  if (isSuspect) {
    return {
      code: 'sampling-suspected',
      title:
        'shows more replies than requests on plain pings: it samples without saying so, or sees one direction in part',
      value: undefined,
    }
  }
  if (point.records < ENOUGH_RECORDS) return undefined
  if (!point.isTypeObserved) {
    return {
      code: 'icmp-type-unknown',
      title: 'sends no ICMP type: ICMP tunnels cannot be seen',
      value: undefined,
    }
  }
  const { pairs, oneSided, timeless } = point.tally
  if (pairs >= 3 && timeless === pairs) {
    return {
      code: 'times-missing',
      title: 'sends no flow times: ICMP tunnels cannot be judged',
      value: undefined,
    }
  }
  if (pairs >= 3 && oneSided > pairs / 2) {
    return {
      code: 'one-sided',
      title: `shows one direction only of ${oneSided} of ${pairs} pairs that ping: tunnels among them cannot be seen`,
      value: oneSided / pairs,
    }
  }
  if (point.evicted > 0) {
    return {
      code: 'state-full',
      title: `is one of those that show more pairs that ping than are kept at a time: its oldest ${point.evicted} were forgotten`,
      value: point.evicted,
    }
  }
  if (point.gaps > 0) {
    return {
      code: 'records-missing',
      title: `lost ${point.missingUnits} units in ${point.gaps} sequence gaps: sessions around them are not judged exactly`,
      value: point.missingUnits,
    }
  }
  return undefined
}

/** The same is told of an exporter so often, while it sends. */
const TELL_AGAIN_MILLISECONDS = 60_000

export function coverageObservations(
  points: Points,
  atMilliseconds: number,
  seemsSampled: (point: Point) => boolean,
): Observation[] {
  const observations: Observation[] = []
  for (const point of points.all()) {
    if (point.lastReceivedMilliseconds === 0 || atMilliseconds - point.lastReceivedMilliseconds > 60_000)
      continue
    const blindness = blindnessOf(point, seemsSampled(point))
    if (blindness === undefined) continue
    const { told } = point
    const isAgain =
      told?.code === blindness.code && atMilliseconds - told.atMilliseconds < TELL_AGAIN_MILLISECONDS
    if (isAgain) continue
    point.told = { code: blindness.code, atMilliseconds }
    const { address, listenerPort, observationDomainId } = point.identity
    const name = formatAddress(address)
    observations.push({
      kind: 'coverage',
      id: findingId(ICMP_TUNNEL, { exporter: point.key, coverage: blindness.code }),
      detector: ICMP_TUNNEL,
      severity: 'informational',
      score: 0,
      title: `exporter ${name} (port ${listenerPort}) ${blindness.title}`,
      sourceAddresses: [],
      destinationAddresses: [],
      protocolIdentifier: 1,
      firstSeenMilliseconds: point.lastReceivedMilliseconds,
      lastSeenMilliseconds: point.lastReceivedMilliseconds,
      exporters: [
        {
          address: name,
          listenerPort,
          observationDomainId,
          bothDirections: blindness.code !== 'one-sided',
          ...(point.samplingInterval > 0 ? { samplingInterval: point.samplingInterval } : {}),
        },
      ],
      evidenceQuality: { level: 'poor', reasons: [{ code: blindness.code, text: blindness.title }] },
      reasons: [
        { code: blindness.code, ...(blindness.value === undefined ? {} : { value: blindness.value }) },
      ],
      subScores: {},
      attack: attackNetworkDevices,
      evidence: [],
    })
  }
  return observations
}

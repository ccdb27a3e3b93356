/** (b) The labelled captures as flow records: the simulator's meter at many settings, then the real path. */

import type { Activity } from '#simulate/activity.js'
import { createNetwork, exporterDefaults } from '#simulate/network.js'
import { createRandom } from '#simulate/random.js'
import type { CaptureLabel, Corpus } from './corpus.js'
import { evaluateStore, type StoreScore } from './evaluate-store.js'
import { withStore } from './judge.js'
import { labTruths } from './lab.js'
import { mergeDatagrams, meterPackets } from './metering.js'
import { createPacketReader } from './packets.js'

const START = Date.UTC(2026, 2, 2, 9)
const MISDEEDS: ReadonlySet<string> = new Set(['socks', 'port_mismatch', 'shadowsocks', 'dns_tunnel', 'c2'])

/** How the captures are metered. */
export type Metering = {
  readonly version: 5 | 9 | 10
  readonly activeSeconds: number
  readonly idleSeconds: number
  readonly samplingInterval: number
  readonly isOneSided: boolean
}

/** Every combination; `isShort` leaves one of each kind. */
export function meterings(isShort: boolean): Metering[] {
  const versions = isShort ? ([9] as const) : ([5, 9, 10] as const)
  const actives = isShort ? [60] : [60, 300, 1800]
  const idles = isShort ? [15] : [15, 300]
  const samplings = isShort ? [1, 10] : [1, 10, 100]
  const list: Metering[] = []
  for (const version of versions)
    for (const activeSeconds of actives)
      for (const idleSeconds of idles)
        for (const samplingInterval of samplings)
          for (const isOneSided of [false, true])
            list.push({ version, activeSeconds, idleSeconds, samplingInterval, isOneSided })
  return list
}

/** What became of one capture that is not the laboratory's. */
export type FileResult = {
  readonly file: string
  readonly label: string
  readonly isMisdeed: boolean
  readonly findings: readonly string[]
  readonly highs: number
}

export type CaptureResult = {
  readonly metering: Metering
  readonly lab: Omit<StoreScore, 'alarms'>
  readonly files: readonly FileResult[]
}

function exporterOf(address: string, metering: Metering) {
  const { version, activeSeconds, idleSeconds, samplingInterval, isOneSided } = metering
  return exporterDefaults({
    name: address,
    address,
    version,
    activeTimeoutMilliseconds: activeSeconds * 1000,
    idleTimeoutMilliseconds: idleSeconds * 1000,
    samplingInterval,
    icmpStyle: version === 5 ? 'destinationPort' : 'icmpTypeCode',
    timeStyle: version === 10 ? 'milliseconds' : 'sysUpTime',
    home: [],
    interfaces: {},
    faults: isOneSided ? { missingReverseProbability: 1 } : {},
  })
}

/** Captures held in memory as packets: some ninety thousand. */
export type Captures = {
  readonly lab: readonly Activity[]
  readonly files: readonly { readonly capture: CaptureLabel; readonly packets: readonly Activity[] }[]
}

export function readCaptures(corpus: Corpus): Captures {
  const network = createNetwork()
  const lab = ['lab_dev_icmp.pcap', 'lab_dev_tcpudp_s96.pcap']
    .flatMap((file) => [...createPacketReader(network)(corpus.path(file), 0)])
    .map((packet) => ({ ...packet, timeMilliseconds: packet.timeMilliseconds + START }))
    .sort((one, other) => one.timeMilliseconds - other.timeMilliseconds)
  const files = corpus.captures
    .filter(({ file }) => !file.startsWith('lab_'))
    .map((capture) => ({ capture, packets: [...createPacketReader(createNetwork())(capture.path, START)] }))
  return { lab, files }
}

/** Judges the captures as one kind of exporter would tell of them. */
export async function evaluateCaptures(
  corpus: Corpus,
  captures: Captures,
  metering: Metering,
): Promise<CaptureResult> {
  const random = createRandom(metering.samplingInterval * 7 + metering.version)
  const settings = exporterOf('10.255.0.1', metering)
  const { alarms: _, ...lab } = await withStore(
    meterPackets(captures.lab, settings, random.fork('lab'), START),
    (store) => evaluateStore(store, labTruths(corpus, metering.activeSeconds * 1000)),
  )
  const addressOf = (index: number) => `10.255.1.${index + 1}`
  const sources = captures.files.map(({ packets, capture }, index) =>
    meterPackets(packets, exporterOf(addressOf(index), metering), random.fork(capture.file), START),
  )
  const { alarms } = await withStore(mergeDatagrams(sources), (store) =>
    evaluateStore(store, [], { withPeers: false }),
  )
  const files = captures.files.map(({ capture: { file, label } }, index): FileResult => {
    const own = alarms.filter(
      ({ observation: { kind, exporters } }) =>
        kind === 'finding' && exporters.some(({ address }) => address === addressOf(index)),
    )
    return {
      file,
      label,
      isMisdeed: MISDEEDS.has(label),
      findings: own.map(({ severity, observation }) => `${severity}: ${observation.title}`),
      highs: own.filter(({ severity }) => severity === 'high' || severity === 'critical').length,
    }
  })
  return { metering, lab, files }
}

/** False alarms among the captures that are not the laboratory's. */
export function falseOf(files: readonly FileResult[]): FileResult[] {
  return files.filter(({ isMisdeed, findings }) => !isMisdeed && findings.length > 0)
}

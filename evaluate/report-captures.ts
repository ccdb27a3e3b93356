/** The tables of the laboratory, the captures, the scenarios, the stealth curve and the real echo connections. */
import { type CaptureResult, falseOf } from './captures.js'
import type { EchoesResult } from './echoes.js'
import {
  foundIn,
  groupBy,
  isHigh,
  isTimely,
  isTimelySinceData,
  medianDelay,
  medianOctets,
  octets,
  share,
  span,
  table,
} from './format.js'
import type { LabResult } from './lab.js'
import type { RuleScore } from './peers.js'
import type { ScenarioResult } from './scenarios.js'
import type { Case, Kind } from './score.js'
import type { StealthPoint } from './stealth.js'

const ofKind = (cases: readonly Case[], kind: Kind) => cases.filter(({ truth }) => truth.kind === kind)
const recall = (cases: readonly Case[]) => `${foundIn(cases)}/${cases.length}`

export function labTables(results: readonly LabResult[]): string {
  const rows = results.map(({ port, what, score: { cases, falseAlarms } }) => {
    const carrying = ofKind(cases, 'carrying')
    return [
      `${port} ${what}`,
      recall(carrying),
      `${carrying.filter(isTimely).length}/${carrying.length}`,
      span(medianDelay(carrying)),
      octets(medianOctets(carrying)),
      recall(ofKind(cases, 'mirroring')),
      recall(ofKind(cases, 'pairing')),
      `${falseAlarms.filter(isHigh).length}/${falseAlarms.length}`,
    ]
  })
  const columns = [
    'exporter',
    'tunnels',
    'in two timeouts',
    'median time',
    'octets',
    'mirroring*',
    'pairing',
    'false high/all',
  ]
  const tools = groupBy(
    results.filter(({ isSampled }) => !isSampled).flatMap(({ score }) => score.cases),
    ({ truth }) => `${truth.kind}: ${truth.shape}`,
  )
  const toolRows = [...tools].map(([name, cases]) => [
    name,
    recall(cases),
    span(medianDelay(cases)),
    [...new Set(cases.filter(({ isFound }) => isFound).map(({ severity }) => severity))].join(', '),
  ])
  return [
    'Laboratory: real exporters (a). *Mirroring channels need a learned site: 20 minutes have none.',
    table(columns, rows),
    'By tool, over the five exporters that do not sample:',
    table(['tool', 'found', 'median time', 'severity'], toolRows),
    "Peers' rules on the same rows, found of 10 or 9 / false subjects:",
    peersByColumn(results.map(({ port, score }) => [String(port), score.peers] as const)),
  ].join('\n')
}

function peersByColumn(columns: readonly (readonly [name: string, rules: readonly RuleScore[]])[]): string {
  const names = columns[0]?.[1].map(({ name }) => name) ?? []
  const rows = names.map((name, index) => [
    name,
    ...columns.map(([, rules]) => {
      const { cases, falseSubjects } = rules[index]!
      return `${cases.filter(({ isFound }) => isFound).length} / ${falseSubjects}`
    }),
  ])
  return table(['rule', ...columns.map(([name]) => name)], rows)
}

export function captureTables(results: readonly CaptureResult[]): string {
  const groups = groupBy(
    results,
    ({ metering: { samplingInterval, isOneSided, activeSeconds } }) =>
      `${activeSeconds} s, 1:${samplingInterval}, ${isOneSided ? 'one-sided' : 'two-sided'}`,
  )
  const rows = [...groups].map(([name, group]) => {
    const cases = group.flatMap(({ lab }) => lab.cases)
    const carrying = ofKind(cases, 'carrying')
    const alarms = group.flatMap(({ lab }) => lab.falseAlarms)
    return [
      name,
      String(group.length),
      share(foundIn(carrying), carrying.length),
      `${carrying.filter(isTimely).length}/${carrying.length}`,
      span(medianDelay(carrying)),
      recall(ofKind(cases, 'mirroring')),
      recall(ofKind(cases, 'pairing')),
      `${alarms.filter(isHigh).length}/${alarms.length}`,
      String(group.reduce((sum, { files }) => sum + falseOf(files).length, 0)),
    ]
  })
  const columns = [
    'active, sampling, view',
    'runs',
    'tunnels',
    'in two timeouts',
    'median',
    'mirroring',
    'pairing',
    'false high/all',
    'false, other captures',
  ]
  const files = groupBy(
    results
      .filter(({ metering }) => metering.samplingInterval === 1 && !metering.isOneSided)
      .flatMap((one) => one.files),
    ({ file }) => file,
  )
  const fileRows = [...files]
    .filter(([, runs]) => runs.some(({ isMisdeed, findings }) => isMisdeed || findings.length > 0))
    .map(([file, runs]) => {
      const told = runs.filter(({ findings }) => findings.length > 0)
      return [file, runs[0]!.label, `${told.length}/${runs.length}`, told[0]?.findings[0] ?? '']
    })
  return [
    'Captures as flow records (b): over versions 5, 9 and IPFIX and idle timeouts.',
    table(columns, rows),
    'Other captures, unsampled and two-sided: those with a misdeed, and any that raised something. Most are a few packets long.',
    table(['capture', 'label', 'runs with a finding', 'such as'], fileRows),
  ].join('\n')
}

export function scenarioTables(results: readonly ScenarioResult[]): string {
  const rows = results.map(({ number, name, cases, falseAlarms, benignPairs, blindness }) => [
    String(number),
    name,
    share(foundIn(cases), cases.length),
    `${cases.filter(isTimelySinceData).length}, ${cases.filter(isTimely).length}`,
    span(medianDelay(cases)),
    [...new Set(cases.filter(({ isFound }) => !isFound).map(({ truth }) => truth.shape))].join(', '),
    `${falseAlarms.filter(isHigh).length}/${falseAlarms.length} of ${benignPairs}`,
    [...new Set(falseAlarms.map(({ shape }) => shape ?? 'unlabelled'))].join(', '),
    blindness.join(', '),
  ])
  const columns = [
    '',
    'scenario',
    'tunnels',
    'in two timeouts of first data, packet',
    'median',
    'missed',
    'false high/all',
    'about',
    'told as not seen',
  ]
  return `The sixteen scenarios, no learning, 60/15 s unless it says otherwise:\n${table(columns, rows)}`
}

export function stealthTables(points: readonly StealthPoint[]): string {
  const rows = points.map(({ channel, octetsPerHour, found, high, of, delayMilliseconds }) => [
    channel,
    String(octetsPerHour),
    `${found}/${of}`,
    String(high),
    span(delayMilliseconds),
  ])
  const sorted = rows.sort(([one = ''], [other = '']) => one.localeCompare(other))
  return `Stealth curve: three days after a week of learning, three channels a rate.\n${table(['channel', 'octets an hour', 'found', 'of which high', 'median time'], sorted)}`
}

export function echoTables(results: readonly EchoesResult[]): string {
  const rows = results.map(({ file, connections, pairs, days, falseAlarms }) => [
    file,
    String(connections),
    String(pairs),
    days.toFixed(1),
    `${falseAlarms.filter(isHigh).length}/${falseAlarms.length}`,
  ])
  return [
    'Real echo connections (d):',
    table(['file', 'connections', 'pairs', 'days', 'false high/all'], rows),
    "Peers' rules on the same rows, found / false pairs:",
    peersByColumn(results.map(({ file, peers }) => [file, peers.slice(0, 8)] as const)),
  ].join('\n')
}

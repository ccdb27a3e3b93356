/** The tables of the enterprise: recall by shape, false alarms by severity and by trap, peers, speed, and the goals. */
import type { EnterpriseResult } from './enterprise.js'
import {
  foundIn,
  groupBy,
  isHigh,
  isTimely,
  isTimelySinceData,
  medianDelay,
  medianOctets,
  octets,
  rate,
  share,
  span,
  table,
} from './format.js'
import type { Case, FalseAlarm, Kind } from './score.js'

const DAY = 86_400_000
const hostDaysOf = (runs: readonly EnterpriseResult[], after: boolean) =>
  runs.reduce((sum, { hosts, days, learningDays }) => sum + hosts * (after ? days - learningDays : days), 0)
const casesOf = (runs: readonly EnterpriseResult[], ...kinds: Kind[]): Case[] =>
  runs.flatMap(({ cases }) => cases.filter(({ truth }) => kinds.includes(truth.kind)))

function falseOf(runs: readonly EnterpriseResult[], isAfterLearning: boolean): FalseAlarm[] {
  return runs.flatMap(({ falseAlarms, startMilliseconds, learningDays }) =>
    falseAlarms.filter(
      ({ atMilliseconds }) => !isAfterLearning || atMilliseconds >= startMilliseconds + learningDays * DAY,
    ),
  )
}

/** One half of the seeds, or the run for scale. */
export function enterpriseTables(title: string, runs: readonly EnterpriseResult[]): string {
  const cases = casesOf(runs, 'carrying', 'mirroring', 'pairing')
  const shapes = groupBy(cases, ({ truth }) => `${truth.kind}: ${truth.shape}`)
  const shapeRows = [...shapes].map(([name, group]) => [
    name,
    share(foundIn(group), group.length),
    span(medianDelay(group)),
    octets(medianOctets(group)),
    [
      ...groupBy(
        group.filter(({ isFound }) => isFound),
        ({ severity }) => severity ?? '-',
      ),
    ]
      .map(([severity, list]) => `${severity} ${list.length}`)
      .join(', '),
  ])
  const severities = ['critical', 'high', 'medium', 'low', 'informational']
  const rateRows = [false, true].flatMap((isAfter) => {
    const hostDays = hostDaysOf(runs, isAfter)
    const alarms = falseOf(runs, isAfter)
    const when = isAfter ? 'after learning' : 'from the first day'
    const row = (name: string, list: readonly FalseAlarm[]) => [
      when,
      name,
      String(list.length),
      rate(list.length, hostDays),
    ]
    return [
      row('all', alarms),
      row('high and above', alarms.filter(isHigh)),
      ...severities
        .filter((severity) => alarms.some((alarm) => alarm.severity === severity))
        .map((severity) =>
          row(
            severity,
            alarms.filter((alarm) => alarm.severity === severity),
          ),
        ),
    ]
  })
  const benign = new Map<string, number>()
  for (const run of runs)
    for (const [shape, count] of Object.entries(run.benign))
      benign.set(shape, (benign.get(shape) ?? 0) + count)
  const alarms = groupBy(falseOf(runs, false), ({ shape }) => shape ?? 'unlabelled')
  const trapRows = [...alarms]
    .sort(([, one], [, other]) => other.length - one.length)
    .map(([shape, list]) => [
      shape,
      String(benign.get(shape) ?? '-'),
      String(list.length),
      String(list.filter(isHigh).length),
      list[0]!.title,
      list[0]!.reasons.slice(0, 4).join(' '),
    ])
  const silent = [...benign.keys()].filter((shape) => !alarms.has(shape))
  const seeds = runs.map(({ seed }) => seed).join(', ')
  const { hosts, days, learningDays } = runs[0]!
  return [
    `${title}: seeds ${seeds}, ${hosts} hosts, ${days} days, of which ${learningDays.toFixed(1)} learning.`,
    table(['hidden', 'found', 'median time', 'octets', 'severity'], shapeRows),
    'False alarms (distinct findings) for 10,000 hosts and a day:',
    table(['', 'severity', 'count', 'rate [95 %]'], rateRows),
    'By trap: labelled pairs or services, findings, of which high:',
    table(['trap', 'of', 'findings', 'high', 'such as', 'because'], trapRows),
    `Silent about ${silent.length} of ${benign.size} traps: ${silent.join(', ')}`,
  ].join('\n')
}

/** Peers beside Culvert on the same rows and the same days. */
export function enterprisePeers(runs: readonly EnterpriseResult[]): string {
  const hostDays = hostDaysOf(runs, false)
  const names = runs[0]!.peers.map(({ name }) => name)
  const icmp = casesOf(runs, 'carrying', 'mirroring')
  const pairing = casesOf(runs, 'pairing')
  const own = (detector: string) => falseOf(runs, false).filter((alarm) => alarm.detector === detector).length
  const rows = [
    ['Culvert: icmp-tunnel', share(foundIn(icmp), icmp.length), rate(own('icmp-tunnel'), hostDays)],
    ['Culvert: port-protocol', share(foundIn(pairing), pairing.length), rate(own('port-protocol'), hostDays)],
    ...names.map((name, index) => {
      const scores = runs.map(({ peers }) => peers[index]!)
      const cases = scores.flatMap((score) => score.cases)
      const falseSubjects = scores.reduce((sum, score) => sum + score.falseSubjects, 0)
      return [
        name,
        share(cases.filter(({ isFound }) => isFound).length, cases.length),
        rate(falseSubjects, hostDays),
      ]
    }),
  ]
  return `Peers' rules on the enterprise's rows, each pair or server and port once in all the days:\n${table(['rule', 'found', 'false for 10,000 hosts and a day'], rows)}`
}

/** The goals, each with the number that it stands at. */
export function goals(runs: readonly EnterpriseResult[]): string {
  const hostDays = hostDaysOf(runs, false)
  const alarms = falseOf(runs, false)
  const high = alarms.filter(isHigh)
  const carrying = casesOf(runs, 'carrying')
  const beacons = casesOf(runs, 'mirroring').filter(({ truth }) => truth.shape.startsWith('mirrored'))
  const oneWay = casesOf(runs, 'mirroring').filter(({ truth }) => truth.shape.startsWith('one-way'))
  const pairing = casesOf(runs, 'pairing')
  const timely = carrying.filter(isTimely).length
  const sinceData = carrying.filter(isTimelySinceData).length
  const rows = [
    [
      'every tunnel that carries data is found',
      share(foundIn(carrying), carrying.length),
      foundIn(carrying) === carrying.length,
    ],
    [
      '... within two active timeouts of its first data',
      share(sinceData, carrying.length),
      sinceData === carrying.length,
    ],
    ['... of its first packet', share(timely, carrying.length), timely === carrying.length],
    [
      'beacons found after learning, >= 90 %',
      share(foundIn(beacons), beacons.length),
      foundIn(beacons) >= 0.9 * beacons.length,
    ],
    [
      'one-way streams found after learning',
      share(foundIn(oneWay), oneWay.length),
      foundIn(oneWay) >= 0.9 * oneWay.length,
    ],
    ['pairing, >= 90 %', share(foundIn(pairing), pairing.length), foundIn(pairing) >= 0.9 * pairing.length],
    ['false high <= 1', rate(high.length, hostDays), (high.length * 10_000) / hostDays <= 1],
    [
      'false of all severities <= 10',
      rate(alarms.length, hostDays),
      (alarms.length * 10_000) / hostDays <= 10,
    ],
  ] as const
  return table(
    ['goal (rates for 10,000 hosts and a day)', 'measured [95 %]', ''],
    rows.map(([name, measured, isMet]) => [name, measured, isMet ? 'met' : 'MISSED']),
  )
}

/**
 * `npm run bench:peers`: Culvert and the collectors that one would otherwise take, on the same bytes in the same run,
 * alternating; medians. The options stand in docs/performance.md.
 */
import { type Sender, startSender } from '../load/client.js'
import { type FlowProtocol, flowProtocols } from '../load/layouts.js'
import type { Traffic } from '../load/traffic-kinds.js'
import { listOption, numberOption, readOptions } from '../options.js'
import type { Collector } from '../service/collector.js'
import { culvert } from '../service/culvert.js'
import { flowGoals, type Goal, goalText, syslogGoals } from './goals.js'
import { measure, type Run } from './measure.js'
import { nfcapd } from './nfdump.js'
import { nfacctd } from './pmacct.js'
import { installPrograms } from './programs.js'
import { compareQueries, queryGoals, queryTable } from './queries.js'
import { rsyslog } from './rsyslog.js'
import { syslogNg } from './syslog-ng.js'
import { aligned, describeMachine, type Figures, figuresOf, tableOf } from './table.js'

const kinds = ['flows', 'syslog', 'query'] as const

const options = readOptions({
  // Culvert's detectors judge every 15 s: once within what is measured, and once before, so that they are compiled.
  seconds: { type: 'string', default: '15' },
  'warm-up': { type: 'string', default: '16' },
  runs: { type: 'string', default: '5' },
  rate: { type: 'string', default: '40000' },
  'syslog-rate': { type: 'string', default: '40000' },
  flows: { type: 'string', default: '20000000' },
  only: { type: 'string', default: kinds.join(',') },
  protocol: { type: 'string', default: flowProtocols.join(',') },
  collectors: { type: 'string' },
  install: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
})
const only = listOption('only', options.only, kinds)
const protocols = listOption('protocol', options.protocol, flowProtocols)
const seconds = numberOption('seconds', options.seconds)
const warmUpSeconds = numberOption('warm-up', options['warm-up'])
const runs = numberOption('runs', options.runs)
const rate = numberOption('rate', options.rate)
const syslogRate = numberOption('syslog-rate', options['syslog-rate'])
const flows = numberOption('flows', options.flows)

type Comparison = {
  readonly title: string
  readonly traffic: Traffic
  readonly datagramsPerSecond: number
  readonly collectors: readonly Collector[]
  /** Ratios are to this one. */
  readonly peer: string
  readonly goals: (figures: readonly Figures[]) => Goal[]
}

/** By the words of `--collectors`. */
const flowCollectors: Readonly<Record<string, Collector>> = {
  nfcapd: nfcapd('none'),
  'nfcapd-lz4': nfcapd('LZ4'),
  nfacctd,
  recvmmsg: culvert({ receive: 'recvmmsg', takes: 'flows' }),
  'recvmmsg-without-detectors': culvert({ receive: 'recvmmsg', takes: 'flows', isDetecting: false }),
  dgram: culvert({ receive: 'dgram', takes: 'flows' }),
  'dgram-without-detectors': culvert({ receive: 'dgram', takes: 'flows', isDetecting: false }),
}
const syslogCollectors: Readonly<Record<string, Collector>> = {
  rsyslog,
  'syslog-ng': syslogNg('raw'),
  'syslog-ng-json': syslogNg('JSON'),
  recvmmsg: culvert({ receive: 'recvmmsg', takes: 'syslog' }),
  'recvmmsg-without-detectors': culvert({ receive: 'recvmmsg', takes: 'syslog', isDetecting: false }),
  dgram: culvert({ receive: 'dgram', takes: 'syslog' }),
}
const collectorWords = [...new Set([...Object.keys(flowCollectors), ...Object.keys(syslogCollectors)])]
const chosen = listOption('collectors', options.collectors ?? collectorWords.join(','), collectorWords)
const chosenOf = (collectors: Readonly<Record<string, Collector>>) =>
  Object.entries(collectors).flatMap(([word, collector]) => (chosen.includes(word) ? [collector] : []))
const titles: Readonly<Record<FlowProtocol, string>> = { v5: 'NetFlow v5', v9: 'NetFlow v9', ipfix: 'IPFIX' }

const all: Comparison[] = [
  ...(only.includes('flows') ? protocols : []).map((protocol) => ({
    title: titles[protocol],
    traffic: { kind: protocol, seed: 1 },
    datagramsPerSecond: rate,
    collectors: chosenOf(flowCollectors),
    peer: 'nfcapd, LZ4',
    goals: protocol === 'v5' ? () => [] : flowGoals,
  })),
  ...(only.includes('syslog')
    ? [
        {
          title: 'syslog',
          traffic: { kind: 'syslog' as const, seed: 1 },
          datagramsPerSecond: syslogRate,
          collectors: chosenOf(syslogCollectors),
          peer: 'rsyslog, raw file',
          goals: syslogGoals,
        },
      ]
    : []),
]

const comparisons = all.filter(({ collectors }) => collectors.length > 0)

/** Progress and what is missing; standard output is for the results. */
const say = (line: string) => process.stderr.write(`${line}\n`)

/** Those that can run here; the others are named with the way to have them. */
function available(collectors: readonly Collector[]): Collector[] {
  return collectors.filter((collector) => {
    const missing = collector.missing()
    if (missing !== undefined) say(`MISSING, left out: ${collector.name}. How to have it: ${missing}`)
    return missing === undefined
  })
}

async function compare(comparison: Comparison, sender: Sender): Promise<Run[]> {
  const { title, traffic, datagramsPerSecond } = comparison
  const collectors = available(comparison.collectors)
  const results: Run[] = []
  for (let round = 0; round < runs; round++) {
    // The order turns with each round, so that nobody always comes after the same other.
    for (let turn = 0; turn < collectors.length; turn++) {
      const collector = collectors[(round + turn) % collectors.length]!
      const run = await measure(collector, sender, {
        traffic,
        datagramsPerSecond,
        seconds,
        warmUpSeconds,
      })
      results.push(run)
      const each = ((run.processorSeconds * 1e6) / run.measured).toFixed(3)
      say(`${title}, round ${round + 1} of ${runs}: ${collector.name} ${each} CPU-s/M`)
    }
  }
  return collectors.flatMap(({ name }) => results.filter(({ collector }) => collector === name))
}

const out = (text: string) => {
  if (!options.json) process.stdout.write(`${text}\n`)
}

const printGoals = (goals: readonly Goal[]) => {
  if (goals.length > 0) out(`${aligned([['goal', 'is', 'asked', ''], ...goals.map(goalText)])}\n`)
}

if (process.platform !== 'linux') {
  say('bench:peers reads /proc: it runs on Linux only')
  process.exit(1)
}
if (comparisons.length === 0 && !only.includes('query')) {
  say(`--only and --collectors leave nothing: ${chosen.join(', ')} do not take ${only.join(', ')}`)
  process.exit(1)
}
if (options.install) installPrograms(say)
const sender = startSender()
const report: { machine: string; comparisons: object[]; queries?: object } = {
  machine: describeMachine(),
  comparisons: [],
}
out(`${report.machine}\n${runs} runs of ${seconds} s, medians\n`)
for (const comparison of comparisons) {
  const results = await compare(comparison, sender)
  const figures = figuresOf(results)
  const goals = comparison.goals(figures)
  report.comparisons.push({ title: comparison.title, figures, goals, runs: results })
  out(`${comparison.title}\n${tableOf(figures, comparison.peer)}\n`)
  printGoals(goals)
}
if (only.includes('query') && available([nfcapd('LZ4')]).length > 0) {
  const figures = await compareQueries({ sender, flows, runs, datagramsPerSecond: rate, say })
  const goals = queryGoals(figures)
  report.queries = { ...figures, goals }
  out(`queries\n${queryTable(figures)}\n`)
  printGoals(goals)
}
await sender.close()
if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`)

/**
 * `npm run bench:sustained`: a Culvert of its own process under a steady rate for as long as asked, with retention by size
 * at work, detectors running and the API answering; what was lost, how long things took and how memory went.
 */
import { join } from 'node:path'
import { startSender } from './load/client.js'
import { flowProtocols, recordsPerPacket } from './load/layouts.js'
import { listOption, numberOption, readOptions } from './options.js'
import { aligned, describeMachine } from './peers/table.js'
import type { Api } from './service/api.js'
import { octetsBelow, udpSocket } from './service/collector.js'
import { startCulvert } from './service/culvert.js'
import { withFolder } from './service/folder.js'
import { quantile } from './service/series.js'
import { type Watched, watchCulvert } from './service/watch.js'

const FINDINGS_PAGE = '/findings?limit=100'
/** In less, caches still fill. */
const LEAST_FOR_SLOPE_SECONDS = 120
const SAY_EVERY_MILLISECONDS = 10_000

const options = readOptions({
  rate: { type: 'string', default: '1000000' },
  seconds: { type: 'string', default: '600' },
  protocol: { type: 'string', default: 'v9' },
  exporters: { type: 'string', default: '4' },
  gigabytes: { type: 'string', default: '5' },
  receive: { type: 'string', default: 'recvmmsg' },
  json: { type: 'boolean', default: false },
})
const flowsPerSecond = numberOption('rate', options.rate)
const seconds = numberOption('seconds', options.seconds)
const [protocol = 'v9'] = listOption('protocol', options.protocol, flowProtocols)
const [receive = 'recvmmsg'] = listOption('receive', options.receive, ['recvmmsg', 'dgram'] as const)
const maximumOctets = Math.round(numberOption('gigabytes', options.gigabytes) * 1e9)
const datagramsPerSecond = flowsPerSecond / recordsPerPacket[protocol]

type DetectorRuns = {
  readonly detector: string
  readonly runs: number
  /** Of those that were not whole: when, and why. */
  readonly notOk: readonly string[]
  readonly medianSeconds: number
  readonly mostSeconds: number
}
type RunOfApi = {
  readonly detector: string
  readonly outcome: string
  readonly error?: string
  readonly startedAtMilliseconds: number
  readonly endedAtMilliseconds?: number
}

async function detectorRuns(api: Api): Promise<DetectorRuns[]> {
  const all: RunOfApi[] = []
  let cursor = ''
  for (;;) {
    const { body } = await api.get(`/runs?limit=1000${cursor}`)
    const page = JSON.parse(body) as { items: RunOfApi[]; nextCursor?: string; hasMore: boolean }
    all.push(...page.items)
    if (!page.hasMore || page.nextCursor === undefined) break
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`
  }
  return [...new Set(all.map(({ detector }) => detector))].sort().map((detector) => {
    const own = all.filter((run) => run.detector === detector && run.endedAtMilliseconds !== undefined)
    const lengths = own.map((run) => (run.endedAtMilliseconds! - run.startedAtMilliseconds) / 1000)
    return {
      detector,
      runs: own.length,
      notOk: own
        .filter(({ outcome }) => outcome !== 'ok')
        .map(({ startedAtMilliseconds, error = 'no reason is told' }) => {
          const at = new Date(startedAtMilliseconds).toISOString()
          return `${detector} at ${at}: ${error}`
        }),
      medianSeconds: quantile(lengths, 0.5),
      mostSeconds: quantile(lengths, 1),
    }
  })
}

async function sustain(folder: string) {
  const sender = startSender()
  const running = await startCulvert(folder, {
    receive,
    takes: 'flows',
    retention: { maximumOctets },
  })
  const { api, port, child } = running
  const sending = await sender.prepare({
    traffic: { kind: protocol, seed: 1, exporters: numberOption('exporters', options.exporters) },
    port,
    datagramsPerSecond,
    datagrams: Math.round(datagramsPerSecond * seconds),
  })
  const watch = watchCulvert(child.pid!, api, FINDINGS_PAGE)
  const storeOctets: number[] = []
  const say = setInterval(() => {
    const octets = octetsBelow(join(folder, 'data', 'blocks'))
    storeOctets.push(octets)
    process.stderr.write(`${(octets / 1e9).toFixed(2)} GB kept, ${udpSocket(port)?.drops ?? 0} dropped\n`)
  }, SAY_EVERY_MILLISECONDS)
  const sent = await sending.go()
  clearInterval(say)
  const stored = await api.storedRows(sent.records)
  const watched = await watch.end()
  const dropped = udpSocket(port)?.drops ?? 0
  const metrics = await api.metrics()
  const runs = await detectorRuns(api)
  const { body } = await api.get('/findings?limit=1000')
  const findings = (JSON.parse(body) as { items: unknown[] }).items.length
  storeOctets.push(octetsBelow(join(folder, 'data', 'blocks')))
  const processorSeconds = await running.stop()
  await sender.close()
  return {
    machine: describeMachine(),
    protocol,
    receive,
    seconds: sent.seconds,
    flowsPerSecond: sent.records / sent.seconds,
    sent: sent.records,
    stored,
    lost: sent.records - stored,
    datagramsDroppedByKernel: dropped,
    rowsRefusedByStore: metrics.get('culvert_dropped_rows_total') ?? 0,
    processorSecondsPerMillion: (processorSeconds * 1e6) / stored,
    coresUsed: processorSeconds / sent.seconds,
    mostStoreOctets: Math.max(...storeOctets),
    maximumOctets,
    findings,
    detectors: runs,
    ...watched,
  }
}

type Report = Awaited<ReturnType<typeof sustain>>

function textOf(report: Report): string {
  const { memory, api }: Watched = report
  const mega = (octets: number) => `${(octets / 1e6).toFixed(0)} MB`
  const whole = (number: number) => Math.round(number).toLocaleString('en')
  const rows = [
    [
      'flows sent',
      whole(report.sent),
      `${whole(report.flowsPerSecond)} a second for ${whole(report.seconds)} s`,
    ],
    ['flows lost', whole(report.lost), `${report.datagramsDroppedByKernel} datagrams dropped by the kernel`],
    ['CPU-s a million', report.processorSecondsPerMillion.toFixed(3), `${report.coresUsed.toFixed(2)} cores`],
    ['store at most', mega(report.mostStoreOctets), `of ${mega(report.maximumOctets)} allowed`],
    ['memory at most', mega(memory.mostOctets), `at the end ${mega(memory.lastOctets)}`],
    [
      'without files',
      `${mega(memory.mostOwnOctets)} at most`,
      `median ${mega(memory.medianOwnOctets)}, p99 ${mega(memory.p99OwnOctets)}, looked at each second`,
    ],
    [
      'memory grows',
      report.seconds < LEAST_FOR_SLOPE_SECONDS ? '-' : `${mega(memory.octetsPerHour)}/h`,
      'after the first quarter',
    ],
    [
      'a findings page',
      `${api.p99Milliseconds.toFixed(1)} ms p99`,
      `median ${api.medianMilliseconds.toFixed(1)} ms, most ${api.mostMilliseconds.toFixed(1)} ms, ${api.asked} asked, ${api.failed} failed, ${report.findings} findings`,
    ],
    ...report.detectors.map(({ detector, runs, notOk, medianSeconds, mostSeconds }) => [
      detector,
      `${runs} runs`,
      `median ${medianSeconds.toFixed(1)} s, most ${mostSeconds.toFixed(1)} s, ${notOk.length} not whole`,
    ]),
  ]
  const course = memory.points.map(([second, octets]) => `${second} s ${mega(octets)}`).join(', ')
  const notWhole = report.detectors
    .flatMap(({ notOk }) => notOk.map((text) => `\nnot whole: ${text}`))
    .join('')
  return `${report.machine}\n${report.protocol}, ${report.receive}\n\n${aligned(rows)}\n${notWhole}\n\nmemory: ${course}`
}

const report = await withFolder('sustained', sustain)
process.stdout.write(`${options.json ? JSON.stringify(report) : textOf(report)}\n`)

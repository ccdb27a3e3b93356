/**
 * `npm run bench:growth`: how the cost grows with what there is to keep, with the devices that send and with the templates
 * that they use. One run of each by default; the load is that of bench:peers.
 */
import { join } from 'node:path'
import { type Sender, startSender } from './load/client.js'
import { listOption, numberOption, readOptions } from './options.js'
import { fill } from './peers/measure.js'
import { aligned, describeMachine } from './peers/table.js'
import { octetsBelow } from './service/collector.js'
import { startCulvert } from './service/culvert.js'
import { withFolder } from './service/folder.js'
import { residentOctets } from './service/process-time.js'
import { median } from './service/series.js'

const RECORDS_PER_DATAGRAM = 20
/** Devices among which templates are divided: a domain has room for 2,048. */
const TEMPLATE_EXPORTERS = 10
const ASKED = 5
const questions = [
  ['proto icmp', '/flows/aggregate?filter=proto+icmp&sum=flows'],
  ['top sources', '/flows/aggregate?by=src&sum=octets&top=10'],
  ['a host', '/flows?filter=host+10.0.3.1&limit=100'],
] as const
const kinds = ['flows', 'exporters', 'templates'] as const

const options = readOptions({
  rate: { type: 'string', default: '40000' },
  seconds: { type: 'string', default: '10' },
  only: { type: 'string', default: kinds.join(',') },
  flows: { type: 'string', default: '1000000,10000000,100000000' },
  exporters: { type: 'string', default: '1,10,100,1000' },
  templates: { type: 'string', default: '10,100,1000,10000' },
  json: { type: 'boolean', default: false },
})
const datagramsPerSecond = numberOption('rate', options.rate)
const seconds = numberOption('seconds', options.seconds)
const only = listOption('only', options.only, kinds)
const numbers = (name: 'flows' | 'exporters' | 'templates') =>
  options[name].split(',').map((text) => numberOption(name, text))

type Step = {
  readonly flows: number
  readonly exporters: number
  readonly templates: number
  readonly processorSecondsPerMillion: number
  readonly octetsPerFlow: number
  readonly mostMemoryOctets: number
  readonly lost: number
  /** Median seconds of each question, where they are asked. */
  readonly answers: readonly number[]
}

type Sizes = { readonly seconds: number; readonly exporters: number; readonly templates: number }

function step(
  sender: Sender,
  { seconds: length, exporters, templates }: Sizes,
  isAsked: boolean,
): Promise<Step> {
  return withFolder('growth', async (folder) => {
    const running = await startCulvert(folder, { receive: 'recvmmsg', takes: 'flows' })
    const traffic = { kind: 'v9' as const, seed: 1, exporters, templates }
    const sent = await fill(sender, { traffic, datagramsPerSecond, seconds: length }, running.port)
    const stored = await running.api.storedRows(sent.records)
    const { most = 0 } = residentOctets(running.child.pid!) ?? {}
    const filling = running.seconds()
    const answers: number[] = []
    for (const [, path] of isAsked ? questions : []) {
      const times: number[] = []
      for (let time = 0; time < ASKED; time++) times.push((await running.api.get(path)).milliseconds / 1000)
      answers.push(median(times))
    }
    await running.stop()
    return {
      flows: stored,
      exporters,
      templates,
      processorSecondsPerMillion: (filling * 1e6) / stored,
      octetsPerFlow: octetsBelow(join(folder, 'data')) / stored,
      mostMemoryOctets: most,
      lost: sent.records - stored,
      answers,
    }
  })
}

function tableOf(steps: readonly Step[]): string {
  const asked = steps.some(({ answers }) => answers.length > 0)
  const heads = ['exporters', 'templates', 'CPU-s/M', 'octets/flow', 'memory MB', 'lost']
  return aligned([
    ['flows', ...heads, ...(asked ? questions.map(([what]) => `${what} s`) : [])],
    ...steps.map((one) => [
      one.flows.toLocaleString('en'),
      String(one.exporters),
      String(one.templates),
      one.processorSecondsPerMillion.toFixed(3),
      one.octetsPerFlow.toFixed(1),
      (one.mostMemoryOctets / 1e6).toFixed(0),
      String(one.lost),
      ...one.answers.map((answer) => answer.toFixed(3)),
    ]),
  ])
}

const sender = startSender()
const report: Record<string, Step[]> = {}
if (!options.json) process.stdout.write(`${describeMachine()}\n`)
for (const kind of only) {
  const steps: Step[] = []
  for (const size of numbers(kind)) {
    process.stderr.write(`${kind}: ${size}\n`)
    const sizes: Sizes = {
      seconds: kind === 'flows' ? size / RECORDS_PER_DATAGRAM / datagramsPerSecond : seconds,
      exporters: kind === 'exporters' ? size : kind === 'templates' ? Math.min(TEMPLATE_EXPORTERS, size) : 4,
      templates: kind === 'templates' ? size : kind === 'exporters' ? size : 4,
    }
    steps.push(await step(sender, sizes, kind === 'flows'))
  }
  report[kind] = steps
  if (!options.json) process.stdout.write(`\n${kind}\n${tableOf(steps)}\n`)
}
await sender.close()
if (options.json) process.stdout.write(`${JSON.stringify({ machine: describeMachine(), ...report })}\n`)

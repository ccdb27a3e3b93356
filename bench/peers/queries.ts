/**
 * Questions over the same flows, kept by nfcapd (LZ4) and by Culvert: nfdump and `culvert query` as whole processes, and
 * the API of a running Culvert, which has no process to start and has caught up with what came.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sender } from '../load/client.js'
import { sourceAddressText } from '../load/load.js'
import { outsideAddress } from '../load/traffic.js'
import { atRest, type Collector, startCollector } from '../service/collector.js'
import { culvert, culvertProgram, startCulvert } from '../service/culvert.js'
import { withFolder } from '../service/folder.js'
import { reapedSeconds } from '../service/process-time.js'
import { median } from '../service/series.js'
import type { Goal } from './goals.js'
import { fill } from './measure.js'
import { nfcapd } from './nfdump.js'
import { type Question, questionsAbout } from './questions.js'
import { aligned } from './table.js'

export type QueryOptions = {
  readonly sender: Sender
  readonly flows: number
  readonly runs: number
  readonly datagramsPerSecond: number
  readonly say: (line: string) => void
}

/** Seconds until the answer, and of processor time where it was a process. */
export type Timed = { readonly seconds: number; readonly processorSeconds: number }
export type Answer = {
  readonly what: string
  readonly nfdump: Timed
  readonly culvert: Timed
  readonly apiSeconds: number | undefined
  readonly goal: Question['goal']
}
export type QueryFigures = { readonly rows: number; readonly answers: readonly Answer[] }

const RECORDS_PER_DATAGRAM = 20
/** Hosts are drawn by Zipf's law: the last one that has any flow at all is quiet. */
const LAST_RANK = 29_999

/** Fills both stores with the same flows and asks each question by turns. Throws when a program fails. */
export function compareQueries(options: QueryOptions): Promise<QueryFigures> {
  return withFolder('peers', (folder) => compareIn(folder, options))
}

async function compareIn(folder: string, options: QueryOptions): Promise<QueryFigures> {
  const { say, runs } = options
  const peerRows = await fillStore(nfcapd('LZ4'), join(folder, 'nfcapd'), options)
  const rows = await fillStore(
    culvert({ receive: 'recvmmsg', takes: 'flows' }),
    join(folder, 'culvert'),
    options,
  )
  if (rows !== peerRows) say(`the stores differ: nfcapd has ${peerRows} flows, Culvert ${rows}`)
  const data = join(folder, 'culvert', 'data')
  const questions = questionsAbout(await quietHost(data))
  const timed = questions.map(() => ({ nfdump: [] as Timed[], culvert: [] as Timed[], api: [] as number[] }))
  for (let round = 0; round < runs; round++) {
    for (const [index, question] of questions.entries()) {
      const peer = ['-R', join(folder, 'nfcapd', 'flows'), ...question.nfdump]
      timed[index]!.nfdump.push(await timeProcess('nfdump', peer))
      const own = [culvertProgram, 'query', '--data', data, ...question.culvert]
      timed[index]!.culvert.push(await timeProcess(process.execPath, own))
    }
    say(`queries, round ${round + 1} of ${runs}`)
  }
  const settings = { receive: 'recvmmsg', takes: 'flows' } as const
  const { api, child, stop } = await startCulvert(join(folder, 'culvert'), settings)
  say('the API is asked when detectors and sums have caught up')
  await atRest(child.pid!)
  for (let round = 0; round < runs; round++) {
    for (const [index, question] of questions.entries()) {
      if (question.api !== undefined)
        timed[index]!.api.push((await api.get(question.api)).milliseconds / 1000)
    }
  }
  await stop()
  return { rows, answers: questions.map((question, index) => answerOf(question, timed[index]!)) }
}

function answerOf(
  { what, goal }: Question,
  { nfdump, culvert: own, api }: { nfdump: Timed[]; culvert: Timed[]; api: number[] },
): Answer {
  const middle = (all: readonly Timed[]): Timed => ({
    seconds: median(all.map(({ seconds }) => seconds)),
    processorSeconds: median(all.map(({ processorSeconds }) => processorSeconds)),
  })
  return {
    what,
    nfdump: middle(nfdump),
    culvert: middle(own),
    apiSeconds: api.length === 0 ? undefined : median(api),
    goal,
  }
}

/** Fills a collector's folder and ends it; the flows that it kept. */
async function fillStore(collector: Collector, folder: string, options: QueryOptions): Promise<number> {
  const { sender, flows, datagramsPerSecond, say } = options
  await mkdir(folder)
  const running = await startCollector(collector, folder)
  const seconds = flows / RECORDS_PER_DATAGRAM / datagramsPerSecond
  say(`filling ${collector.name} with ${flows} flows, ${seconds.toFixed(0)} s`)
  try {
    await fill(sender, { traffic: { kind: 'v9', seed: 1 }, datagramsPerSecond, seconds }, running.port)
  } finally {
    await running.stop()
  }
  return collector.stored(folder)
}

/** An address of few flows, but some. */
async function quietHost(data: string): Promise<string> {
  for (let rank = LAST_RANK; rank >= 0; rank -= 7) {
    const address = outsideAddress(rank)
    const text = [24, 16, 8, 0].map((bits) => (address >>> bits) & 0xff).join('.')
    const args = [culvertProgram, 'query', '--data', data, `host ${text}`, '--sum', 'flows', '--json']
    const { output } = await runProcess(process.execPath, args)
    if (/"flows":[1-9]/.test(output)) return text
  }
  return sourceAddressText(0)
}

async function runProcess(file: string, args: readonly string[]): Promise<{ output: string }> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Buffer[] = []
  const faults: Buffer[] = []
  child.stdout.on('data', (octets: Buffer) => said.push(octets))
  child.stderr.on('data', (octets: Buffer) => faults.push(octets))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${file} ${args.join(' ')}: ${Buffer.concat(faults).toString().trim()}`)
  return { output: Buffer.concat(said).toString() }
}

async function timeProcess(file: string, args: readonly string[]): Promise<Timed> {
  const before = reapedSeconds()
  const began = performance.now()
  await runProcess(file, args)
  return { seconds: (performance.now() - began) / 1000, processorSeconds: reapedSeconds() - before }
}

export function queryTable({ rows, answers }: QueryFigures): string {
  const cells = answers.map(({ what, nfdump, culvert: own, apiSeconds }) => [
    what,
    nfdump.seconds.toFixed(3),
    nfdump.processorSeconds.toFixed(2),
    own.seconds.toFixed(3),
    own.processorSeconds.toFixed(2),
    `${(nfdump.seconds / own.seconds).toFixed(1)} x`,
    apiSeconds === undefined ? '-' : apiSeconds.toFixed(3),
    apiSeconds === undefined ? '-' : `${(nfdump.seconds / apiSeconds).toFixed(1)} x`,
  ])
  const heads = ['nfdump s', 'CPU-s', 'culvert query s', 'CPU-s', 'faster', 'API s', 'faster']
  return `${rows.toLocaleString('en')} flows\n${aligned([['', ...heads], ...cells])}`
}

/** By the API of a running Culvert where that was asked, else by `culvert query`. */
export function queryGoals({ rows, answers }: QueryFigures): Goal[] {
  return answers.flatMap(({ what, nfdump, culvert: own, apiSeconds = own.seconds, goal }) => {
    if (goal === undefined) return []
    const { unit, limit } = goal
    const value = unit === 'x as fast' ? nfdump.seconds / apiSeconds : rows / 1e6 / apiSeconds
    return [{ what, unit, limits: [limit], isMinimum: true, value }]
  })
}

/** What an evaluation consists of: tasks that know nothing of each other, so that each may run in a thread of its own. */
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type CaptureResult, evaluateCaptures, meterings, readCaptures } from './captures.js'
import { type Corpus, readCorpus } from './corpus.js'
import { type EchoesResult, evaluateEchoes } from './echoes.js'
import { type EnterpriseResult, type EnterpriseTask, evaluateEnterprise } from './enterprise.js'
import { evaluateLab, type LabResult } from './lab.js'
import { evaluateScenario, type ScenarioResult, scenarios } from './scenarios.js'
import { evaluateStealth, type StealthPoint } from './stealth.js'

/** Parts as `--only` names them. `peers` come out of the enterprises' runs; `speed` is measured when all else has ended. */
export const parts = [
  'lab',
  'captures',
  'scenarios',
  'enterprise',
  'stealth',
  'echoes',
  'peers',
  'speed',
] as const
export type Part = (typeof parts)[number]

export type EvaluateOptions = {
  readonly only: readonly Part[]
  readonly seeds: readonly number[]
  readonly hosts: number
  readonly days: number
  /** Hosts and days of the run for scale; none when 0. */
  readonly scaleHosts: number
  readonly scaleDays: number
  readonly isShort: boolean
}

export type Task =
  | { readonly kind: 'lab' }
  | { readonly kind: 'captures'; readonly isShort: boolean }
  | { readonly kind: 'scenario'; readonly index: number; readonly seeds: readonly number[] }
  | ({ readonly kind: 'enterprise'; readonly isForScale: boolean } & EnterpriseTask)
  | { readonly kind: 'stealth'; readonly seed: number }
  | { readonly kind: 'echoes' }

export type TaskResult =
  | { readonly kind: 'lab'; readonly lab: readonly LabResult[] }
  | { readonly kind: 'captures'; readonly captures: readonly CaptureResult[] }
  | { readonly kind: 'scenario'; readonly scenario: ScenarioResult }
  | { readonly kind: 'enterprise'; readonly isForScale: boolean; readonly enterprise: EnterpriseResult }
  | { readonly kind: 'stealth'; readonly points: readonly StealthPoint[] }
  | { readonly kind: 'echoes'; readonly echoes: readonly EchoesResult[] }

/** Rounds of injection: of each shape in each run. */
const ROUNDS = 3
const SHORT_SCENARIOS = 3

/** The tasks of an evaluation, the longest first. What needs the corpus is left out where there is none. */
export function tasksOf(options: EvaluateOptions): Task[] {
  const { only, seeds, hosts, days, scaleHosts, scaleDays, isShort } = options
  const wants = (...names: Part[]) => names.some((name) => only.includes(name))
  const hasCorpus = readCorpus() !== undefined
  const tasks: Task[] = []
  if (wants('enterprise', 'peers')) {
    const rounds = isShort ? 1 : ROUNDS
    if (scaleHosts > 0)
      tasks.push({
        kind: 'enterprise',
        isForScale: true,
        seed: seeds.at(-1)!,
        hosts: scaleHosts,
        days: scaleDays,
        rounds,
      })
    for (const seed of seeds)
      if (wants('enterprise', 'peers'))
        tasks.push({ kind: 'enterprise', isForScale: false, seed, hosts, days, rounds })
  }
  if (wants('stealth') && !isShort) tasks.push({ kind: 'stealth', seed: seeds.at(-1)! })
  if (wants('captures') && hasCorpus) tasks.push({ kind: 'captures', isShort })
  if (wants('scenarios')) {
    const count = isShort ? SHORT_SCENARIOS : scenarios.length
    for (let index = 0; index < count; index++) tasks.push({ kind: 'scenario', index, seeds })
  }
  if (wants('echoes') && hasCorpus && !isShort) tasks.push({ kind: 'echoes' })
  if (wants('lab') && hasCorpus) tasks.push({ kind: 'lab' })
  return tasks
}

function corpusOrThrow(): Corpus {
  const corpus = readCorpus()
  if (corpus === undefined) throw new Error('the labelled captures are not there: set CULVERT_SHARED')
  return corpus
}

/** Runs one task. */
export async function runTask(task: Task): Promise<TaskResult> {
  switch (task.kind) {
    case 'lab':
      return { kind: 'lab', lab: await evaluateLab(corpusOrThrow()) }
    case 'captures': {
      const corpus = corpusOrThrow()
      const read = readCaptures(corpus)
      const captures: CaptureResult[] = []
      for (const metering of meterings(task.isShort))
        captures.push(await evaluateCaptures(corpus, read, metering))
      return { kind: 'captures', captures }
    }
    case 'scenario':
      return { kind: 'scenario', scenario: await evaluateScenario(task.index, task.seeds) }
    case 'enterprise':
      return {
        kind: 'enterprise',
        isForScale: task.isForScale,
        enterprise: await evaluateEnterprise(task),
      }
    case 'stealth':
      return { kind: 'stealth', points: await evaluateStealth(task.seed) }
    case 'echoes': {
      const corpus = corpusOrThrow()
      const files = readdirSync(dirname(corpus.path('x'))).filter((file) =>
        file.startsWith('benign_icmp_echo_conn_'),
      )
      return { kind: 'echoes', echoes: await evaluateEchoes(corpus, files) }
    }
  }
}

/** `npm run evaluate`: what the detectors are worth, on labelled telemetry and beside other products' rules. */
import { cpus } from 'node:os'
import { listOption, numberOption, readOptions } from '#bench/options.js'
import { runTasks } from './pool.js'
import { captureTables, echoTables, labTables, scenarioTables, stealthTables } from './report-captures.js'
import { enterprisePeers, enterpriseTables, goals } from './report-enterprise.js'
import { measureSpeed, speedTables } from './speed.js'
import { type EvaluateOptions, parts, type Task, type TaskResult, tasksOf } from './tasks.js'

/** Parameters are chosen on these seeds, and reported on the others. */
const CHOOSING_SEEDS: readonly number[] = [1, 2]

/** How much is judged for the speed. */
const SPEED = { flows: 8_000_000, hours: 4 }
const SHORT_SPEED = { flows: 500_000, hours: 0.5 }

const values = readOptions({
  only: { type: 'string', default: parts.join() },
  seeds: { type: 'string', default: '1,2,3,4' },
  hosts: { type: 'string' },
  days: { type: 'string' },
  scale: { type: 'string', default: '10000' },
  threads: { type: 'string', default: '2' },
  short: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
})

const isShort = values.short
const options: EvaluateOptions = {
  only: listOption('only', values.only, parts),
  seeds: isShort ? [3] : values.seeds.split(',').map((seed) => numberOption('seeds', seed)),
  hosts: numberOption('hosts', values.hosts ?? (isShort ? '120' : '1000')),
  days: numberOption('days', values.days ?? (isShort ? '0.5' : '15')),
  scaleHosts: isShort || values.scale === '0' ? 0 : numberOption('scale', values.scale),
  scaleDays: 1,
  isShort,
}

const nameOf = (task: Task) =>
  task.kind === 'enterprise'
    ? `enterprise of ${task.hosts} hosts, seed ${task.seed}`
    : task.kind === 'scenario'
      ? `scenario ${task.index + 1}`
      : task.kind

const tasks = tasksOf(options)
const results = await runTasks(tasks, numberOption('threads', values.threads), (task, seconds) =>
  process.stderr.write(`${nameOf(task)}: ${seconds.toFixed(0)} s\n`),
)
// After the threads have ended: processor time is that of the whole process.
const speed = options.only.includes('speed') ? await measureSpeed(isShort ? SHORT_SPEED : SPEED) : undefined
if (values.json)
  process.stdout.write(
    `${JSON.stringify(speed === undefined ? results : [...results, { kind: 'speed', speed }])}\n`,
  )
else for (const text of reportOf(results)) process.stdout.write(`${text}\n\n`)

function* reportOf(all: readonly TaskResult[]): Generator<string> {
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node.js ${process.version}`
  yield `${machine}, ${new Date().toISOString().slice(0, 10)}`
  const wants = (part: (typeof parts)[number]) => options.only.includes(part)
  for (const result of all) if (result.kind === 'lab') yield labTables(result.lab)
  for (const result of all) if (result.kind === 'captures') yield captureTables(result.captures)
  const scenarios = all.flatMap((result) => (result.kind === 'scenario' ? [result.scenario] : []))
  if (scenarios.length > 0) yield scenarioTables(scenarios)
  for (const result of all) if (result.kind === 'stealth') yield stealthTables(result.points)
  for (const result of all) if (result.kind === 'echoes') yield echoTables(result.echoes)
  const runs = all.flatMap((result) =>
    result.kind === 'enterprise' && !result.isForScale ? [result.enterprise] : [],
  )
  const scale = all.flatMap((result) =>
    result.kind === 'enterprise' && result.isForScale ? [result.enterprise] : [],
  )
  const choosing = runs.filter(({ seed }) => CHOOSING_SEEDS.includes(seed))
  const reported = runs.filter(({ seed }) => !CHOOSING_SEEDS.includes(seed))
  if (choosing.length > 0 && wants('enterprise'))
    yield enterpriseTables('Enterprise (c), the half on which parameters are chosen', choosing)
  if (reported.length > 0 && wants('enterprise'))
    yield enterpriseTables('Enterprise (c), the half reported', reported)
  if (scale.length > 0 && wants('enterprise')) yield enterpriseTables('Enterprise (c), for scale', scale)
  if (reported.length > 0 && wants('peers')) yield enterprisePeers(reported)
  if (speed !== undefined) yield speedTables(speed)
  if (reported.length > 0 && wants('enterprise')) yield `Goals, on the half reported:\n${goals(reported)}`
}

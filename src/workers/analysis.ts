/**
 * The analysing thread: detectors, retention, the check of what is stored. It reads blocks and never writes findings;
 * what it observes goes to the main thread. Started as a worker by src/main.ts; it speaks analysis-messages.ts.
 */
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { Judge } from '../detectors/detector.js'
import { detectorNamed } from '../detectors/registry.js'
import { streamNames } from '../records/columns.js'
import { evaluate } from '../scheduler/evaluate.js'
import { type DetectorState, planRun } from '../scheduler/plan.js'
import { type BlockStore, createBlockStore } from '../store/blocks.js'
import { findHoles } from '../store/holes.js'
import { emptyScanCounts } from '../store/scan.js'
import type { AnalysisSetup, FromAnalysis, RunRequest, ToAnalysis } from './analysis-messages.js'

/** A judge between two runs, and where it stands. */
type Standing = { readonly judge: Judge; readonly settings: string; readonly state: DetectorState }

async function run({ data, sequence, stepMilliseconds }: AnalysisSetup): Promise<void> {
  const port = parentPort!
  const say = (message: FromAnalysis) => port.postMessage(message)
  const store = createBlockStore({ location: join(data, 'blocks'), sequence, isFirst: false })
  await store.open()
  const standings = new Map<string, Standing>()

  const handle = async (message: ToAnalysis) => {
    switch (message.type) {
      case 'run':
        return detect(store, message, standings, stepMilliseconds, say)
      case 'retain':
        return retain(store, message.storedBeforeMilliseconds, say)
      case 'stop':
        await store.close()
        say({ type: 'stopped' })
        port.close()
    }
  }
  // One thing after the other, in the order in which they were asked.
  let last = Promise.resolve()
  port.on('message', (message: ToAnalysis) => {
    last = last
      .then(() => handle(message))
      .catch((error: Error) => say({ type: 'problem', message: error.message }))
  })
  const { lostRows, damagedBlocks } = await findHoles(store)
  say({ type: 'ready', lostRows, damagedBlocks })
}

async function detect(
  store: BlockStore,
  request: RunRequest,
  standings: Map<string, Standing>,
  stepMilliseconds: number,
  say: (message: FromAnalysis) => void,
): Promise<void> {
  const { id, toMilliseconds } = request
  const counts = emptyScanCounts()
  const detector = detectorNamed(request.detector)!
  const settings = JSON.stringify(request.settings)
  const before = standings.get(detector.id)
  const standing = before?.settings === settings ? before : undefined
  standings.delete(detector.id)
  const plan = await planRun(store, detector, {
    state: standing?.state ?? request.state,
    hasJudge: standing !== undefined,
    toMilliseconds,
    stepMilliseconds,
  })
  const state: DetectorState = { judgedToMilliseconds: toMilliseconds, sequence: plan.sequence }
  try {
    const judge = plan.isFresh ? detector.start(request.settings) : standing!.judge
    const steps = evaluate({
      store,
      judge,
      streams: detector.streams,
      fromMilliseconds: plan.readFromMilliseconds,
      toMilliseconds,
      stepMilliseconds,
      counts,
    })
    for await (const { at, observations } of steps) {
      // What lies before was judged in an earlier run; it is read again only for the judge to remember.
      if (at > plan.judgeFromMilliseconds) say({ type: 'observations', id, observations })
    }
    standings.set(detector.id, { judge, settings, state })
    say({ type: 'done', id, fromMilliseconds: plan.judgeFromMilliseconds, state, counts })
  } catch (error) {
    const reached = request.state ?? { judgedToMilliseconds: plan.judgeFromMilliseconds, sequence: 0 }
    say({
      type: 'done',
      id,
      fromMilliseconds: plan.judgeFromMilliseconds,
      state: reached,
      counts,
      error: (error as Error).message,
    })
  }
}

async function retain(
  store: BlockStore,
  before: number,
  say: (message: FromAnalysis) => void,
): Promise<void> {
  let blocks = 0
  let rows = 0
  for (const name of streamNames) {
    const old = (await store.index(name)).filter(
      ({ damage, storedMilliseconds }) => damage === undefined && storedMilliseconds < before,
    )
    if (old.length === 0) continue
    await store.remove(old)
    blocks += old.length
    rows += old.reduce((sum, block) => sum + block.rows, 0)
  }
  say({ type: 'retained', blocks, rows })
}

await run(workerData as AnalysisSetup)

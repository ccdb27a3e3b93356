/**
 * The analysing thread: detectors, sums, retention, the check of what is stored. It reads blocks and never writes findings;
 * what it observes goes to the main thread. Started as a worker by src/main.ts; it speaks analysis-messages.ts.
 */
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { REMOVED_TO, RemovalWatch, type RemovedByStream } from '../scheduler/removal-watch.js'
import { createBlockStore } from '../store/blocks.js'
import { createDocuments } from '../store/documents.js'
import { createMerger } from '../store/merge.js'
import type { ScrubDamage } from '../store/scrub.js'
import { keepVitals } from '../thread-vitals.js'
import type { AnalysisSetup, FromAnalysis, ToAnalysis } from './analysis-messages.js'
import { createDamageWatch } from './damage-watch.js'
import { detect, type Standing } from './detection.js'
import { createObservationWindow } from './observation-window.js'
import { createRetention } from './retaining.js'
import { keepRolling } from './rolling.js'
import { keepScrubbing } from './scrubbing.js'

/** Observations on their way to the main thread: of each there may be some kilobytes of evidence. */
const MOST_OBSERVATIONS = 512

async function run(setup: AnalysisSetup): Promise<void> {
  const { data, counts, sequence, stepMilliseconds, scrub } = setup
  if (counts !== undefined) keepVitals(counts)
  const port = parentPort!
  const say = (message: FromAnalysis) => port.postMessage(message)
  const store = createBlockStore({ location: join(data, 'blocks'), sequence, isFirst: false })
  await store.open()
  const documents = createDocuments({ location: join(data, 'documents') })
  await documents.open()
  const removals = new RemovalWatch(await documents.get<RemovedByStream>(REMOVED_TO))
  const rollups = createBlockStore({
    location: join(data, 'rollups'),
    what: 'rollups',
    sequence: setup.rollupSequence,
    isFirst: false,
  })
  await rollups.open()
  const standings = new Map<string, Standing>()
  const watch = createDamageWatch(store, (damage) => say({ type: 'damage', damage }))
  const merger = createMerger(store)
  const rollupMerger = createMerger(rollups)
  const retain = createRetention({ store, merger, rollups, rollupMerger }, { removals, documents, say })

  const observations = createObservationWindow(MOST_OBSERVATIONS)

  const handle = async (message: Exclude<ToAnalysis, { type: 'taken' }>) => {
    switch (message.type) {
      case 'run':
        return detect(store, message, { standings, stepMilliseconds, watch, removals, observations, say })
      case 'explain': {
        const explanation = standings
          .get(message.detector)
          ?.judge.explain?.(message.tuple, message.atMilliseconds)
        return say({ type: 'explained', id: message.id, explanation })
      }
      case 'review': {
        const review = standings.get(message.detector)?.judge.reviewPolicy?.(message.question)
        return say({ type: 'reviewed', id: message.id, review })
      }
      case 'retain':
        return retain(message).catch((error: Error) =>
          say({ type: 'retentionFailed', message: error.message }),
        )
      case 'stop':
        await stopRolling()
        await stopScrubbing()
        await stopScrubbingSums()
        await rollups.close()
        await store.close()
        await documents.close()
        say({ type: 'stopped' })
        port.close()
    }
  }
  const problem = (message: string) => say({ type: 'problem', message })
  const stopScrubbing = keepScrubbing(store, scrub, {
    state: (state) => say({ type: 'scrubbed', state }),
    problem,
  })
  // Sums are few: their scrubbing begins anew with each start.
  let damagedSums: readonly ScrubDamage[] = []
  const stopScrubbingSums = keepScrubbing(
    rollups,
    { ...scrub, state: undefined },
    {
      state({ damaged }) {
        for (const { name, reason } of damaged.slice(damagedSums.length))
          problem(`rollups ${name}: ${reason}`)
        damagedSums = damaged
      },
      problem,
    },
  )
  const { enabled, stopBelowFreeOctets } = setup.rollups
  const stopRolling = enabled
    ? keepRolling({
        data,
        blocks: store,
        rollups,
        stopBelowFreeOctets,
        damaged: () => damagedSums.length,
        say,
      })
    : async () => undefined
  // Runs one after the other, in the order in which they were asked. Retention does not wait for them: a disk would fill
  // up behind a long run, which steps over what has gone and tells of it.
  const queues = { runs: Promise.resolve(), retention: Promise.resolve() }
  const enqueue = (queue: keyof typeof queues, work: () => Promise<void>) => {
    queues[queue] = queues[queue]
      .then(work)
      .catch((error: Error) => say({ type: 'problem', message: error.message }))
  }
  port.on('message', (message: ToAnalysis) => {
    if (message.type === 'taken') observations.taken(message.count)
    else if (message.type === 'retain') enqueue('retention', () => handle(message))
    else if (message.type === 'stop') void Promise.all(Object.values(queues)).then(() => handle(message))
    else enqueue('runs', () => handle(message))
  })
  say({ type: 'ready', damage: await watch.look(0) })
}

await run(workerData as AnalysisSetup)

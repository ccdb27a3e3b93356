/** `culvert detect --data DIR`: runs the detectors over what is stored, as the scheduler would have. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { makeConfig, readConfig } from '#core/config.js'
import { learningOf } from '#core/config-checks.js'
import { type ContextData, emptyContext } from '#core/context/data.js'
import { createContextRepository } from '#core/context/repository.js'
import type { Surroundings } from '#core/detectors/detector.js'
import { detectorNamed, detectors } from '#core/detectors/registry.js'
import { type ConfiguredDetector, configuredDetectors } from '#core/detectors/settings.js'
import { makeSurroundings, nothingKnown } from '#core/detectors/surroundings.js'
import { ApplianceError } from '#core/errors.js'
import { createAudit } from '#core/findings/audit.js'
import { createExceptions } from '#core/findings/exceptions.js'
import type { Observation, StoredFinding } from '#core/findings/finding.js'
import { applyExceptions } from '#core/findings/matching.js'
import { createFindings } from '#core/findings/repository.js'
import { streamNames } from '#core/records/columns.js'
import { ceilingTo, evaluate, floorTo, STEP_MILLISECONDS } from '#core/scheduler/evaluate.js'
import { lossCoverage } from '#core/scheduler/hole-coverage.js'
import type { BlockStore } from '#core/store/block-store.js'
import { describeHoles, findHoles, holesWithin, rowsOfHoles } from '#core/store/holes.js'
import { emptyScanCounts, receivedRange, type ScanCounts } from '#core/store/scan.js'
import { openBlocks, openDocuments } from '../data-folder.js'
import { listOption, timeOption } from '../options.js'
import { openOutput } from '../output.js'
import { openProgress } from '../progress.js'

type DetectOptions = {
  data: string
  from?: number
  to?: number
  detector?: string[]
  save?: boolean
  config?: string
}

export function registerDetect(program: Command): void {
  program
    .command('detect')
    .description(
      'run the detectors over stored rows, minute by minute in received time, and print what they find',
    )
    .requiredOption('--data <dir>', 'the data folder')
    .option('--from <time>', 'rows received at or after, ISO 8601 (default: all)', timeOption)
    .option('--to <time>', 'rows received before, ISO 8601 (default: all)', timeOption)
    .option(
      '--detector <id>',
      `only this detector; may be repeated (${detectors.map(({ id }) => id).join(', ')})`,
      listOption,
    )
    .option(
      '--config <file>',
      'YAML: the detectors and settings that `start` would use (default: all, with their defaults)',
    )
    .option('--save', 'keep the findings in the data folder too')
    .option('--json', 'JSON Lines (the default: this command has no other form)')
    .action(runDetect)
}

async function runDetect(options: DetectOptions): Promise<void> {
  if (!existsSync(join(options.data, 'blocks'))) {
    throw new ApplianceError(
      'INPUT_UNREADABLE',
      `${options.data}: no data folder; \`culvert import\` or \`culvert start\` makes one`,
    )
  }
  const config = options.config === undefined ? makeConfig() : readConfig(options.config)
  const configured = configuredDetectors(config)
  for (const id of options.detector ?? []) {
    if (detectorNamed(id) === undefined) throw new ApplianceError('USAGE', `no detector is called ${id}`)
  }
  const chosen = configured.filter(({ detector }) => options.detector?.includes(detector.id) ?? true)
  const output = openOutput()
  const store = await openBlocks(options.data)
  try {
    const counts = emptyScanCounts()
    const found: Observation[] = []
    const { holes } = await findHoles(store, store.sequence.next())
    const missing = holesWithin(holes, options.from ?? 0, options.to ?? Number.POSITIVE_INFINITY)
    const until = options.to ?? (await receivedRange(store, streamNames))?.toMilliseconds ?? 0
    const surroundings = makeSurroundings({
      ...nothingKnown,
      learning: { ...learningOf(config), isFrozen: false },
      context: await readContext(options.data),
    })
    for (const each of chosen) {
      found.push(...(await detectOne(store, each, surroundings, options, counts)))
      const coverage = lossCoverage(each.detector, missing, [...counts.failed], until)
      if (coverage !== undefined) found.push(coverage)
    }
    const hiddenBy = await readExceptions(options.data)
    for (const observation of found.sort(inOrder)) {
      output.line({ ...observation, hiddenBy: hiddenBy(observation) })
      await output.drained()
    }
    if (options.save === true) await save(options.data, found)
    if (counts.blocksFailed > 0 || missing.length > 0) {
      const failures = missing.length === 0 ? counts.failures : [...counts.failures, describeHoles(missing)]
      const named = failures.map((failure) => `  ${failure}`).join('\n')
      throw new ApplianceError(
        'STORE_DAMAGED',
        `${counts.blocksFailed} blocks could not be read and ${rowsOfHoles(missing)} rows are gone, so the result is partial\n${named}`,
      )
    }
  } finally {
    await store.close()
  }
}

async function detectOne(
  store: BlockStore,
  { detector, settings }: ConfiguredDetector,
  surroundings: Surroundings,
  options: DetectOptions,
  counts: ScanCounts,
): Promise<Observation[]> {
  const range = await receivedRange(store, detector.streams)
  if (range === undefined) return []
  const from = options.from ?? floorTo(range.fromMilliseconds, STEP_MILLISECONDS)
  const to =
    options.to ?? ceilingTo(range.toMilliseconds + 1, STEP_MILLISECONDS) + detector.settleMilliseconds
  const progress = openProgress(detector.id, to - from)
  const judge = detector.start(settings, surroundings)
  const found = new Map<string, Observation>()
  const steps = evaluate({
    store,
    judge,
    streams: detector.streams,
    fromMilliseconds: from,
    toMilliseconds: to,
    stepMilliseconds: STEP_MILLISECONDS,
    counts,
    onProgress: (at) => progress.update(at - from),
  })
  for await (const { observations } of steps) {
    for (const observation of observations) {
      const before = found.get(observation.id)
      const firstSeenMilliseconds = Math.min(
        before?.firstSeenMilliseconds ?? Infinity,
        observation.firstSeenMilliseconds,
      )
      found.set(observation.id, { ...observation, firstSeenMilliseconds })
    }
  }
  progress.stop()
  return [...found.values()]
}

/** What people have said of the network, where the data folder has it. */
async function readContext(data: string): Promise<ContextData> {
  if (!existsSync(join(data, 'documents'))) return emptyContext
  const documents = await openDocuments(data)
  try {
    const now = () => Date.now()
    const context = createContextRepository({ documents, audit: createAudit({ documents, now }), now })
    return (await context.current()).data
  } finally {
    await documents.close()
  }
}

/** What the exceptions in the data folder make of an observation, as it would be read now. */
async function readExceptions(data: string): Promise<(observation: Observation) => string[]> {
  if (!existsSync(join(data, 'documents'))) return () => []
  const documents = await openDocuments(data)
  try {
    const now = () => Date.now()
    const exceptions = createExceptions({ documents, audit: createAudit({ documents, now }), now })
    const active = await exceptions.active()
    return (observation) => applyExceptions(asStored(observation), active).hiddenBy
  } finally {
    await documents.close()
  }
}

/** The observation as the repository would keep it at its first sight. */
function asStored(observation: Observation): StoredFinding {
  const order = { sequence: 0, revision: 0, updatedAtMilliseconds: 0 }
  return { ...observation, count: 1, history: [], ...order, disposition: { state: 'open', version: 0 } }
}

async function save(data: string, found: readonly Observation[]): Promise<void> {
  const documents = await openDocuments(data)
  try {
    const now = () => Date.now()
    const findings = createFindings({ documents, audit: createAudit({ documents, now }), now })
    await findings.upsert(found)
  } finally {
    await documents.close()
  }
}

function inOrder(one: Observation, other: Observation): number {
  return (
    compare(one.detector, other.detector) ||
    one.firstSeenMilliseconds - other.firstSeenMilliseconds ||
    compare(one.id, other.id)
  )
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Datagrams through the real path into a real store in a temporary folder, and what detectors find there. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createImportIntake } from '#collectors/import-intake.js'
import { RECEIVED_COLUMN } from '#core/blocks/builder.js'
import type { Detector, Judge } from '#core/detectors/detector.js'
import { settingsOf } from '#core/detectors/settings.js'
import { makeSurroundings, nothingKnown, type SurroundingsData } from '#core/detectors/surroundings.js'
import { type Observation, type Severity, severityRank } from '#core/findings/finding.js'
import { type Address, parseAddress } from '#core/records/address.js'
import type { StreamName } from '#core/records/columns.js'
import { ceilingTo, floorTo, STEP_MILLISECONDS } from '#core/scheduler/evaluate.js'
import { type BlockStore, createBlockStore } from '#core/store/blocks.js'
import { emptyScanCounts, receivedRange, type ScanCounts, type Selection, scan } from '#core/store/scan.js'
import { createBlockWriter } from '#core/store/writer.js'

/** Datagrams between two waits for the disk: they are streamed, never held. */
const DATAGRAMS_PER_WAIT = 500
/** Rows that are read at one time. */
const CHUNK_MILLISECONDS = 3_600_000

/** A datagram as the collector gets it, with the time of its arrival. */
export type JudgedDatagram = {
  readonly timeMilliseconds: number
  readonly source: Address | string
  readonly port: number
  readonly payload: Uint8Array
}

/** A finding or gap in coverage with its history: the last observation, when it was first made, the worst severity. */
export type Alarm = {
  observation: Observation
  readonly firstAt: number
  severity: Severity
  /** When it first reached `high`; undefined when it never did. */
  highAt: number | undefined
}

/** What a detector made of a store. */
export type Judgement = {
  readonly alarms: Map<string, Alarm>
  readonly judge: Judge | undefined
}

/** Writes datagrams to a store of its own, hands it on, and removes it. */
export async function withStore<Result>(
  datagrams: Iterable<JudgedDatagram>,
  use: (store: BlockStore) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'culvert-evaluate-'))
  const store = createBlockStore({ location: join(folder, 'blocks'), isFirst: true })
  try {
    await store.open()
    const failures: Error[] = []
    const writer = createBlockWriter({ store, now: () => 0, onFailure: (error) => failures.push(error) })
    const intake = createImportIntake(writer)
    const addresses = new Map<string, Address>()
    let count = 0
    for (const { timeMilliseconds, source, port, payload } of datagrams) {
      let address = typeof source === 'string' ? addresses.get(source) : source
      if (address === undefined) {
        address = parseAddress(source as string)!
        addresses.set(source as string, address)
      }
      intake.datagram(payload, address, port, Math.floor(timeMilliseconds))
      if (++count % DATAGRAMS_PER_WAIT === 0) await writer.drained()
    }
    intake.finish()
    await writer.flush()
    if (failures[0] !== undefined) throw failures[0]
    return await use(store)
  } finally {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Leads a judge over all of a store, step by step (as a running appliance does, unless told otherwise). */
export async function judgeStore(
  store: BlockStore,
  detector: Pick<Detector, 'streams' | 'settleMilliseconds'>,
  judge: Judge,
  stepMilliseconds = STEP_MILLISECONDS,
): Promise<Judgement> {
  const alarms = new Map<string, Alarm>()
  const range = await receivedRange(store, detector.streams)
  if (range === undefined) return { alarms, judge: undefined }
  const counts = emptyScanCounts()
  const from = floorTo(range.fromMilliseconds, stepMilliseconds)
  const to = ceilingTo(range.toMilliseconds + 1, STEP_MILLISECONDS) + detector.settleMilliseconds
  const chunk = Math.max(CHUNK_MILLISECONDS, stepMilliseconds)
  for (let chunkFrom = from; chunkFrom < to; chunkFrom += chunk) {
    const chunkTo = Math.min(to, chunkFrom + chunk)
    const steps = await readSteps(store, detector.streams, chunkFrom, chunkTo, stepMilliseconds, counts)
    for (const [index, streams] of steps.entries()) {
      for (const [stream, selections] of streams) {
        if (judge.wants?.(stream) === false) continue
        for (const selection of selections) judge.observe(selection)
      }
      const at = Math.min(to, chunkFrom + (index + 1) * stepMilliseconds)
      for (const observation of judge.evaluate(at)) noteAlarm(alarms, observation, at)
    }
  }
  if (counts.failures[0] !== undefined) throw new Error(counts.failures[0])
  return { alarms, judge }
}

/**
 * Rows of some hours, divided into steps. What a judge gets is what the scheduler's `evaluate` gives it; that one opens
 * each block once a step, which is much when blocks hold an hour of a quiet network.
 */
async function readSteps(
  store: BlockStore,
  streams: readonly StreamName[],
  fromMilliseconds: number,
  toMilliseconds: number,
  stepMilliseconds: number,
  counts: ScanCounts,
): Promise<Map<StreamName, Selection[]>[]> {
  const count = Math.ceil((toMilliseconds - fromMilliseconds) / stepMilliseconds)
  const steps = Array.from(
    { length: count },
    () => new Map<StreamName, Selection[]>(streams.map((stream) => [stream, []])),
  )
  for (const stream of streams) {
    for await (const { block, rows } of scan(store, { stream, fromMilliseconds, toMilliseconds }, counts)) {
      const received = block.column(RECEIVED_COLUMN)![0]!
      const parts = new Map<number, number[]>()
      for (const row of rows) {
        const step = Math.floor((received[row]! - fromMilliseconds) / stepMilliseconds)
        const part = parts.get(step)
        if (part === undefined) parts.set(step, [row])
        else part.push(row)
      }
      for (const [step, part] of parts)
        steps[step]!.get(stream)!.push({ block, rows: Uint32Array.from(part) })
    }
  }
  return steps
}

function noteAlarm(alarms: Map<string, Alarm>, observation: Observation, at: number): void {
  const { id, severity } = observation
  let alarm = alarms.get(id)
  if (alarm === undefined) {
    alarm = { observation, firstAt: at, severity, highAt: undefined }
    alarms.set(id, alarm)
  }
  alarm.observation = observation
  if (severityRank(severity) > severityRank(alarm.severity)) alarm.severity = severity
  if (severityRank(severity) >= severityRank('high')) alarm.highAt ??= at
}

/** A judge with the detector's default settings. */
export function startJudge(detector: Detector, surroundings: SurroundingsData = nothingKnown): Judge {
  return detector.start(settingsOf(detector, {}), makeSurroundings(surroundings))
}

/** Datagrams through the real path into a real store in a temporary folder, and what detectors find there. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createImportIntake } from '#collectors/import-intake.js'
import type { Detector, Judge } from '#core/detectors/detector.js'
import { settingsOf } from '#core/detectors/settings.js'
import { makeSurroundings, nothingKnown, type SurroundingsData } from '#core/detectors/surroundings.js'
import { type Observation, type Severity, severityRank } from '#core/findings/finding.js'
import { type Address, parseAddress } from '#core/records/address.js'
import { ceilingTo, evaluate, floorTo, STEP_MILLISECONDS } from '#core/scheduler/evaluate.js'
import type { BlockStore } from '#core/store/block-store.js'
import { createBlockStore } from '#core/store/blocks.js'
import { emptyScanCounts, receivedRange } from '#core/store/scan.js'
import { createBlockWriter } from '#core/store/writer.js'

/** Datagrams between two waits for the disk: they are streamed, never held. */
const DATAGRAMS_PER_WAIT = 500

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

/** Leads a judge over all of a store, as a running appliance does, in steps as long as its own unless told otherwise. */
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
  const steps = evaluate({
    store,
    judge,
    streams: detector.streams,
    fromMilliseconds: floorTo(range.fromMilliseconds, stepMilliseconds),
    toMilliseconds: ceilingTo(range.toMilliseconds + 1, STEP_MILLISECONDS) + detector.settleMilliseconds,
    stepMilliseconds,
    counts,
  })
  for await (const { at, observations } of steps)
    for (const observation of observations) noteAlarm(alarms, observation, at)
  if (counts.failures[0] !== undefined) throw new Error(counts.failures[0])
  return { alarms, judge }
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

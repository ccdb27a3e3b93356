/** Datagrams through the real path into a real store in a temporary folder, and what a detector finds there. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createImportIntake } from '#collectors/import-intake.js'
import type { Detector, Judge } from '#core/detectors/detector.js'
import { settingsOf } from '#core/detectors/settings.js'
import { makeSurroundings, nothingKnown, type SurroundingsData } from '#core/detectors/surroundings.js'
import type { Observation } from '#core/findings/finding.js'
import { type Address, parseAddress } from '#core/records/address.js'
import { ceilingTo, evaluate, floorTo, STEP_MILLISECONDS } from '#core/scheduler/evaluate.js'
import { createBlockStore } from '#core/store/blocks.js'
import { emptyScanCounts, receivedRange } from '#core/store/scan.js'
import { createBlockWriter } from '#core/store/writer.js'

export type JudgedDatagram = {
  readonly timeMilliseconds: number
  readonly source: Address | string
  readonly port: number
  readonly payload: Uint8Array
}

/** The last observation of each subject, and the minute in which each was first made. */
export async function judgeDatagrams(
  datagrams: Iterable<JudgedDatagram>,
  detector: Detector,
  surroundings: SurroundingsData = nothingKnown,
): Promise<{ observations: Observation[]; firstAt: Map<string, number>; judge: Judge | undefined }> {
  const folder = await mkdtemp(join(tmpdir(), 'culvert-test-'))
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
      if (++count % 500 === 0) await writer.drained()
    }
    intake.finish()
    await writer.flush()
    if (failures[0] !== undefined) throw failures[0]

    const range = await receivedRange(store, detector.streams)
    const found = new Map<string, Observation>()
    const firstAt = new Map<string, number>()
    if (range === undefined) return { observations: [], firstAt, judge: undefined }
    const judge = detector.start(settingsOf(detector, {}), makeSurroundings(surroundings))
    const steps = evaluate({
      store,
      judge,
      streams: detector.streams,
      fromMilliseconds: floorTo(range.fromMilliseconds, STEP_MILLISECONDS),
      toMilliseconds: ceilingTo(range.toMilliseconds + 1, STEP_MILLISECONDS) + detector.settleMilliseconds,
      stepMilliseconds: STEP_MILLISECONDS,
      counts: emptyScanCounts(),
    })
    for await (const { at, observations } of steps) {
      for (const observation of observations) {
        if (!firstAt.has(observation.id)) firstAt.set(observation.id, at)
        found.set(observation.id, observation)
      }
    }
    return { observations: [...found.values()], firstAt, judge }
  } finally {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Leads a judge over stored rows, step by step in received time. The scheduler and `culvert detect` both come
 * through here, so that a live run, a catch-up and a capture judged afterwards agree.
 */
import { setImmediate } from 'node:timers/promises'
import type { Judge } from '../detectors/detector.js'
import type { Observation } from '../findings/finding.js'
import type { StreamName } from '../records/columns.js'
import { BlockReader } from '../store/block-reader.js'
import type { BlockStore } from '../store/block-store.js'
import { nextReceived, type ScanCounts, scanBy } from '../store/scan.js'

/**
 * Judgement is passed at whole multiples of this, so that it does not depend on when a run began. What an exporter tells once a
 * minute must not wait for another one: with 15 s a channel is told of well within two active timeouts of 60 s.
 */
export const STEP_MILLISECONDS = 15_000

/**
 * After so long without a row nothing is open that time alone would bring to an end, so judges are not asked step by step until
 * the next one: a device without a clock may lie decades before the others of its capture.
 */
const QUIET_MILLISECONDS = 86_400_000

export type EvaluateOptions = {
  readonly store: BlockStore
  readonly judge: Judge
  readonly streams: readonly StreamName[]
  /** Rows received at or after are taken. */
  readonly fromMilliseconds: number
  /** Rows received before are taken, and judged at this time. */
  readonly toMilliseconds: number
  readonly stepMilliseconds: number
  readonly counts: ScanCounts
  /** Told of the time that has been judged. */
  readonly onProgress?: (atMilliseconds: number) => void
}

export function floorTo(milliseconds: number, step: number): number {
  return Math.floor(milliseconds / step) * step
}

export function ceilingTo(milliseconds: number, step: number): number {
  return Math.ceil(milliseconds / step) * step
}

/** The observations of each step in which there were any. */
export async function* evaluate(
  options: EvaluateOptions,
): AsyncGenerator<{ at: number; observations: Observation[] }> {
  const { store, judge, streams, fromMilliseconds, toMilliseconds, stepMilliseconds, counts, onProgress } =
    options
  // Judges take what they want of a block before they are given the next.
  const readers = new Map(streams.map((stream) => [stream, new BlockReader(store)]))
  let from = fromMilliseconds
  let quietSince = from
  try {
    while (from < toMilliseconds) {
      const at = Math.min(floorTo(from, stepMilliseconds) + stepMilliseconds, toMilliseconds)
      for (const stream of streams) {
        const wanted = judge.wants?.(stream) ?? true
        if (wanted === false) continue
        const columns = wanted === true ? {} : { columns: wanted }
        const window = { stream, fromMilliseconds: from, toMilliseconds: at, ...columns }
        for await (const selection of scanBy(readers.get(stream)!, store, window, counts)) {
          judge.observe(selection)
          quietSince = at
        }
      }
      const observations = judge.evaluate(at)
      if (observations.length > 0) yield { at, observations }
      onProgress?.(at)
      // A catch-up is long: what others tell the thread is heard between two steps.
      await setImmediate()
      from = at
      if (at - quietSince >= QUIET_MILLISECONDS) {
        const next = Math.min(await nextReceived(store, streams, at), toMilliseconds - 1)
        from = Math.max(at, floorTo(next, stepMilliseconds))
        quietSince = from
      }
    }
  } finally {
    for (const reader of readers.values()) reader.close()
  }
}

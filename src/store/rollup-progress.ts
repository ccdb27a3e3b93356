/** How far rollups have come: the note that is written together with their rows. */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'

export const Progress = Type.Object({
  /** Rows below this sequence are in sums of five minutes. */
  rawSequence: Type.Integer({ minimum: 0 }),
  /** Sums of five minutes below this sequence, which is the rollups' own, are in sums of hours. */
  rollupSequence: Type.Integer({ minimum: 0 }),
  /** Buckets that end at this time or before are summed, ms since 1970; 0 before the first. */
  summedToMilliseconds: Type.Number({ minimum: 0 }),
  /** The same of hours. */
  hoursToMilliseconds: Type.Number({ minimum: 0 }),
  /** Rows that could not be read any more, since the beginning. */
  unreadRows: Type.Integer({ minimum: 0 }),
  /** Rows whose groups are not kept apart, since the beginning. */
  togetherRows: Type.Integer({ minimum: 0 }),
})
export type Progress = Static<typeof Progress>

export function encodeProgress(progress: Progress): Uint8Array {
  return Buffer.from(JSON.stringify(progress))
}

/** Undefined where there is none, or none that can be read. */
export function decodeProgress(note: Uint8Array | undefined): Progress | undefined {
  if (note === undefined) return undefined
  try {
    const progress: unknown = JSON.parse(Buffer.from(note).toString())
    return Value.Check(Progress, progress) ? progress : undefined
  } catch {
    return undefined
  }
}

/** How far rollups have come: the note that is written together with their rows. */

export type Progress = {
  /** Rows below this sequence are in sums of five minutes. */
  readonly rawSequence: number
  /** Sums of five minutes below this sequence, which is the rollups' own, are in sums of hours. */
  readonly rollupSequence: number
  /** Buckets that end at this time or before are summed, ms since 1970; 0 before the first. */
  readonly summedToMilliseconds: number
  /** The same of hours. */
  readonly hoursToMilliseconds: number
  /** Rows that could not be read any more, since the beginning. */
  readonly unreadRows: number
  /** Rows whose groups are not kept apart, since the beginning. */
  readonly togetherRows: number
}

const COUNTS = ['rawSequence', 'rollupSequence', 'unreadRows', 'togetherRows'] as const
const TIMES = ['summedToMilliseconds', 'hoursToMilliseconds'] as const

export function encodeProgress(progress: Progress): Uint8Array {
  return Buffer.from(JSON.stringify(progress))
}

/** Undefined where there is none, or none that can be read. */
export function decodeProgress(note: Uint8Array | undefined): Progress | undefined {
  if (note === undefined) return undefined
  try {
    const progress: unknown = JSON.parse(Buffer.from(note).toString())
    return isProgress(progress) ? progress : undefined
  } catch {
    return undefined
  }
}

/** Looked at by hand: a library of schemas takes longer to load than most queries to answer. */
function isProgress(value: unknown): value is Progress {
  if (typeof value !== 'object' || value === null) return false
  const progress = value as Partial<Record<string, unknown>>
  return (
    COUNTS.every((name) => Number.isInteger(progress[name]) && (progress[name] as number) >= 0) &&
    TIMES.every((name) => Number.isFinite(progress[name]) && (progress[name] as number) >= 0)
  )
}

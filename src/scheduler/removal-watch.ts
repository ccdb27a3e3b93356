/**
 * Which rows retention deleted before a detector had judged them. Retention runs beside the detectors and does not wait for
 * them: a disk would fill up behind a long run. A scan steps over blocks that have gone, so what it stepped over is found
 * here, by how far a removal reached and how far each run had come. Old rows that were judged long ago are no loss.
 */
import type { StreamName } from '../records/columns.js'

/** Document: the latest rows that retention has deleted, by stream. */
export const REMOVED_TO = 'store/removedTo'

/** The latest of the rows that a removal deletes, or all removals have. */
export type RemovedTo = {
  /** Receive time, ms since 1970. */
  readonly toMilliseconds: number
  /** One more than the highest number. */
  readonly endSequence: number
}

/** Of each stream of which anything was ever removed. */
export type RemovedByStream = Readonly<Partial<Record<StreamName, RemovedTo>>>

/** Between which times of receipt rows were deleted unread, ms since 1970. */
export type UnreadSpan = { readonly fromMilliseconds: number; readonly toMilliseconds: number }

/** What a run judges. */
export type WatchedSpan = {
  readonly streams: readonly StreamName[]
  /** Observations of evaluations after this time are new. */
  readonly judgeFromMilliseconds: number
  /** What earlier runs judged: rows received before, of numbers below. Undefined: there were none. */
  readonly judged: { readonly judgedToMilliseconds: number; readonly sequence: number } | undefined
}

/** A run that is on its way. */
export type WatchedRun = {
  /** Rows received before have been judged now. */
  judgedTo(milliseconds: number): void
  /** What was deleted before this run could read it, so far. */
  unread(): UnreadSpan | undefined
  end(): void
}

type Watched = WatchedSpan & { position: number; span: UnreadSpan | undefined }

export class RemovalWatch {
  readonly #removed: Map<StreamName, RemovedTo>
  readonly #runs = new Set<Watched>()

  /** `before`: as `removed` gave it when the process ended. */
  constructor(before: RemovedByStream = {}) {
    this.#removed = new Map(Object.entries(before) as [StreamName, RemovedTo][])
  }

  /** To be kept over a restart. */
  get removed(): RemovedByStream {
    return Object.fromEntries(this.#removed)
  }

  /** To be called before the rows go. A clock that was ahead must not make all that comes look deleted: `now` bounds it. */
  remove(stream: StreamName, { toMilliseconds, endSequence }: RemovedTo, nowMilliseconds: number): void {
    const removal = { toMilliseconds: Math.min(toMilliseconds, nowMilliseconds), endSequence }
    const before = this.#removed.get(stream) ?? removal
    this.#removed.set(stream, {
      toMilliseconds: Math.max(before.toMilliseconds, removal.toMilliseconds),
      endSequence: Math.max(before.endSequence, endSequence),
    })
    for (const run of this.#runs)
      if (run.streams.includes(stream)) run.span = joined(run.span, unreadOf(run, removal))
  }

  /** Without an earlier run nothing waited to be judged, so only what goes from now on counts. */
  begin(watched: WatchedSpan): WatchedRun {
    const { streams, judged, judgeFromMilliseconds } = watched
    const run: Watched = { ...watched, position: judgeFromMilliseconds, span: undefined }
    for (const stream of streams) {
      const removal = this.#removed.get(stream)
      if (judged === undefined || removal === undefined) continue
      const { toMilliseconds, endSequence } = removal
      const fromMilliseconds = Math.min(judged.judgedToMilliseconds, toMilliseconds)
      if (toMilliseconds >= judged.judgedToMilliseconds || endSequence > judged.sequence)
        run.span = joined(run.span, { fromMilliseconds, toMilliseconds })
    }
    this.#runs.add(run)
    return {
      judgedTo(milliseconds) {
        run.position = Math.max(run.position, milliseconds)
      },
      unread: () => run.span,
      end: () => this.#runs.delete(run),
    }
  }
}

/** Rows are unread that come behind the run, unless an earlier run knew them: an import is judged over old ones again. */
function unreadOf({ position, judged }: Watched, removal: RemovedTo): UnreadSpan | undefined {
  const { toMilliseconds, endSequence } = removal
  const isLate = judged !== undefined && endSequence > judged.sequence
  const from = isLate ? position : Math.max(position, judged?.judgedToMilliseconds ?? position)
  return toMilliseconds < from ? undefined : { fromMilliseconds: from, toMilliseconds }
}

function joined(one: UnreadSpan | undefined, other: UnreadSpan | undefined): UnreadSpan | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return {
    fromMilliseconds: Math.min(one.fromMilliseconds, other.fromMilliseconds),
    toMilliseconds: Math.max(one.toMilliseconds, other.toMilliseconds),
  }
}

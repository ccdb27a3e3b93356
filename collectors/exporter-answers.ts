/**
 * Answers what the main thread asks of exporters: one request after the other, in pieces, with rests between them in which
 * the thread receives. Whoever asks without end gets a fifth of it at most.
 */
import type { ExporterStatus } from '#core/exporters.js'

/** A piece takes about this long; the templates of one exporter are never divided. */
const PIECE_MILLISECONDS = 5
/** A rest is so many times as long as the piece before it. */
const REST = 4

export type ExporterAnswersOptions = {
  /** Undefined for one that is not known (any more). */
  readonly status: (id: string) => ExporterStatus | undefined
  readonly answer: (request: number, exporters: readonly ExporterStatus[], isLast: boolean) => void
}

export type ExporterAnswers = {
  /** Answers with those of `ids` that are known, in their order. */
  ask(request: number, ids: readonly string[]): void
}

export function createExporterAnswers({ status, answer }: ExporterAnswersOptions): ExporterAnswers {
  let queue = Promise.resolve()
  const work = async (request: number, ids: readonly string[]) => {
    for (let next = 0, isLast = false; !isLast; ) {
      const began = performance.now()
      const piece: ExporterStatus[] = []
      while (next < ids.length && performance.now() - began < PIECE_MILLISECONDS) {
        const found = status(ids[next++]!)
        if (found !== undefined) piece.push(found)
      }
      isLast = next >= ids.length
      answer(request, piece, isLast)
      const rest = (performance.now() - began) * REST
      await new Promise((resolve) => setTimeout(resolve, rest))
    }
  }
  return {
    ask(request, ids) {
      queue = queue.then(() => work(request, ids))
    },
  }
}

/** What judges are told beside rows, in a form that threads can send each other. */
import { DAY_MILLISECONDS } from '../clock.js'
import { createContext } from '../context/context.js'
import { type ContextData, emptyContext } from '../context/data.js'
import type { Learned, Learning, Surroundings } from './detector.js'

export type SurroundingsData = {
  readonly context: ContextData
  readonly learning: Learning
  readonly learned?: Learned | undefined
  readonly settled: readonly string[]
}

/** The same with a key: a judge that was told of another key begins anew. */
export type KeyedSurroundings = {
  readonly key: string
  readonly data: Omit<SurroundingsData, 'learned'>
  /** Read when asked for: it is much, and only a judge that begins is told. */
  readonly learned: () => Promise<Learned | undefined>
}

/** Learning as it is when nobody says otherwise. */
export const defaultLearning: Learning = {
  periodMilliseconds: 7 * DAY_MILLISECONDS,
  halfLifeMilliseconds: 7 * DAY_MILLISECONDS,
  isFrozen: false,
}

export const nothingKnown: SurroundingsData = {
  context: emptyContext,
  learning: defaultLearning,
  settled: [],
}

export function makeSurroundings({ context, learning, learned, settled }: SurroundingsData): Surroundings {
  return { context: createContext(context), learning, learned, settled: new Set(settled) }
}

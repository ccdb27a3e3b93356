/**
 * The side of those who ask: queries as promises, shared out among querying threads. Threads are started as
 * there is work for them. Aggregations run one or two at a time, for each may hold a million groups; a few more wait their turn.
 */
import { Worker } from 'node:worker_threads'
import type { Counters } from '../counters.js'
import { ApplianceError, type ErrorCode, errorCodes } from '../errors.js'
import type { StoreDamage } from '../store/holes.js'
import type { AggregatePart, AggregateQuery } from '../store/query/aggregate.js'
import { markLost, markLostOfPage } from '../store/query/lost.js'
import type { AggregateResult } from '../store/query/ranking.js'
import type { RowPage, RowQuery } from '../store/query/rows.js'
import type { SessionPage, SessionQuery } from '../store/sessions.js'
import {
  CONTROL_CANCELLED,
  CONTROL_WORDS,
  type FromQuery,
  type QuerySetup,
  type QueryWork,
  type QueryWorkName,
  type ToQuery,
} from './query-messages.js'
import { throughBlocks } from './resource-limits.js'

/** Who asked may go away, and no one waits longer than this. */
export type QueryLimits = {
  readonly signal?: AbortSignal
  /** What is found by then is the answer, and is marked partial. */
  readonly budgetMilliseconds?: number
}

export type QueryClient = {
  rows(query: RowQuery, limits?: QueryLimits): Promise<RowPage>
  sessions(query: SessionQuery, limits?: QueryLimits): Promise<SessionPage>
  /** Throws BUSY when too many wait already. */
  aggregate(query: AggregateQuery, limits?: QueryLimits): Promise<AggregateResult>
  close(): Promise<void>
}

export type QueryClientOptions = {
  readonly setup: Omit<QuerySetup, 'counts'>
  /** Where each thread has a row; absent where nobody reads it. */
  readonly counters?: Counters
  /** At least 1. */
  readonly threads: number
  /** What is known to be missing of the store: results over it are marked. */
  readonly damage?: () => StoreDamage | undefined
}

/** Aggregations at work, and waiting. */
const MAX_AGGREGATIONS = 2
const MAX_WAITING = 16
/** Fewer blocks are no work for more than one thread. */
const BLOCKS_PER_THREAD = 4

type Pending = { readonly resolve: (answer: never) => void; readonly reject: (error: Error) => void }
type Thread = {
  readonly worker: Worker
  /** The lowest that no other has, from 0. */
  readonly number: number
  readonly pending: Map<number, Pending>
  stopped?: () => void
}
type Control = { readonly words: Int32Array; readonly deadlineMilliseconds: number }

export function createQueryClient({
  setup,
  counters,
  threads: count,
  damage = () => undefined,
}: QueryClientOptions): QueryClient {
  const threads = new Set<Thread>()
  const waiting: (() => void)[] = []
  let aggregations = 0
  let lastId = 0
  let isClosing = false

  const startThread = (): Thread => {
    const taken = new Set([...threads].map(({ number }) => number))
    const number = Array.from({ length: count }, (_, index) => index).find((index) => !taken.has(index))!
    const workerData: QuerySetup =
      counters === undefined ? setup : { ...setup, counts: counters.of(`query-${number}`) }
    const worker = new Worker(new URL('./query.js', import.meta.url), {
      workerData,
      name: 'query',
      resourceLimits: throughBlocks,
    })
    const thread: Thread = { number, worker, pending: new Map() }
    threads.add(thread)
    worker.on('message', (message: FromQuery) => hear(thread, message))
    worker.on('error', (error) => end(thread, error as Error))
    worker.on('exit', (code) => end(thread, new Error(`a querying thread ended with code ${code}`)))
    return thread
  }
  const end = (thread: Thread, error: Error) => {
    threads.delete(thread)
    for (const { reject } of thread.pending.values()) reject(error)
    thread.pending.clear()
    thread.stopped?.()
  }
  /** So many threads, the idlest first; more are started where there are too few. At least 1, at most `count`. */
  const idlest = (wanted: number): Thread[] => {
    if (isClosing) throw new ApplianceError('BUSY', 'the appliance is ending')
    const idle = () => [...threads].filter(({ pending }) => pending.size === 0).length
    while (threads.size < count && (threads.size < wanted || idle() === 0)) startThread()
    return [...threads].sort((one, other) => one.pending.size - other.pending.size).slice(0, wanted)
  }
  const ask = <Name extends QueryWorkName>(
    thread: Thread,
    name: Name,
    ask: QueryWork[Name]['ask'],
    control: Control,
    transfer: ArrayBuffer[] = [],
  ): Promise<QueryWork[Name]['answer']> =>
    new Promise((resolve, reject) => {
      const id = ++lastId
      thread.pending.set(id, { resolve: resolve as Pending['resolve'], reject })
      const { words, deadlineMilliseconds } = control
      const message: ToQuery = { type: 'work', id, name, ask, control: words, deadlineMilliseconds }
      thread.worker.postMessage(message, transfer)
    })
  async function aggregate(query: AggregateQuery, control: Control): Promise<AggregateResult> {
    const [first] = idlest(1) as [Thread]
    const plan = await ask(first, 'plan', query, control)
    const workers = idlest(Math.max(1, Math.min(count, Math.ceil(plan.blocksToOpen / BLOCKS_PER_THREAD))))
    const parts = await Promise.all(workers.map((thread) => ask(thread, 'part', { query, plan }, control)))
    const { blocksFailed, sources } = plan
    return ask(
      workers[0]!,
      'rank',
      { query, plan: { blocksFailed, sources }, parts },
      control,
      buffersOf(parts),
    )
  }

  return {
    async rows(query, limits) {
      const page = await withControl(limits, (control) => ask(idlest(1)[0]!, 'rows', query, control))
      return markLostOfPage(page, query, damage())
    },
    async sessions(query, limits) {
      const page = await withControl(limits, (control) => ask(idlest(1)[0]!, 'sessions', query, control))
      // Opening rows may lie anywhere before.
      return markLost(page, query, 0, damage())
    },
    async aggregate(query, limits = {}) {
      await turn(limits.signal)
      try {
        return markLost(await withControl(limits, (control) => aggregate(query, control)), query, 0, damage())
      } finally {
        aggregations--
        waiting.shift()?.()
      }
    },
    async close() {
      isClosing = true
      for (const release of waiting.splice(0)) release()
      await Promise.all(
        [...threads].map(
          (thread) =>
            new Promise<void>((resolve) => {
              thread.stopped = resolve
              thread.worker.postMessage({ type: 'stop' } satisfies ToQuery)
            }),
        ),
      )
    },
  }

  /** Waits until one of the aggregations at work has ended; who gives up waits no longer. */
  async function turn(signal?: AbortSignal): Promise<void> {
    if (waiting.length >= MAX_WAITING) throw new ApplianceError('BUSY', 'too many aggregations are at work')
    while (aggregations >= MAX_AGGREGATIONS && !isClosing && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const release = () => {
          signal?.removeEventListener('abort', giveUp)
          resolve()
        }
        const giveUp = () => {
          waiting.splice(waiting.indexOf(release), 1)
          resolve()
        }
        waiting.push(release)
        signal?.addEventListener('abort', giveUp, { once: true })
      })
    }
    aggregations++
  }

  function hear(thread: Thread, message: FromQuery): void {
    if (message.type === 'stopped') return
    const pending = thread.pending.get(message.id)
    thread.pending.delete(message.id)
    if (message.type === 'answer') pending?.resolve(message.answer as never)
    else pending?.reject(faultOf(message.code, message.message))
  }
}

async function withControl<T>(limits: QueryLimits = {}, work: (control: Control) => Promise<T>): Promise<T> {
  const { signal, budgetMilliseconds = Number.POSITIVE_INFINITY } = limits
  const words = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT))
  const cancel = () => Atomics.store(words, CONTROL_CANCELLED, 1)
  if (signal?.aborted === true) cancel()
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    return await work({ words, deadlineMilliseconds: Date.now() + budgetMilliseconds })
  } finally {
    signal?.removeEventListener('abort', cancel)
    // When one of several threads failed, the others are still at work.
    cancel()
  }
}

function faultOf(code: string | undefined, message: string): Error {
  return code !== undefined && code in errorCodes
    ? new ApplianceError(code as ErrorCode, message)
    : new Error(message)
}

function buffersOf(parts: readonly AggregatePart[]): ArrayBuffer[] {
  return parts.flatMap(({ tables }) =>
    tables.flatMap(({ keys, sums }) => [keys, ...sums].map(({ buffer }) => buffer as ArrayBuffer)),
  )
}

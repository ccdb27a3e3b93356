/** The main thread's side of the receiving thread: what it says as calls, its start and its end as promises. */
import { Worker } from 'node:worker_threads'
import { ApplianceError } from '#core/errors.js'
import type { ExporterStatus } from '#core/exporters.js'
import { throughBlocks } from '#core/workers/resource-limits.js'
import type { FromReceiver, ListeningReport, ReceiverSetup, ToReceiver } from './receiver-messages.js'

export type ReceiverClient = {
  readonly sockets: readonly ListeningReport[]
  readonly restoredTemplates: number
  /** Those of `ids` that the thread knows, in their order; rejects when it has ended. */
  exporters(ids: readonly string[]): Promise<ExporterStatus[]>
  /** Ends the thread when everything received is stored. */
  close(): Promise<void>
}

export type ReceiverClientOptions = {
  readonly setup: ReceiverSetup
  readonly onStatus: (status: Extract<FromReceiver, { type: 'status' }>) => void
  readonly onProblem: (message: string) => void
  /** Words for the log that are no fault. */
  readonly onNotice: (message: string) => void
  /** Told when the thread ended though nobody asked it to. */
  readonly onDeath: (error: Error) => void
}

/** The thread flushes and syncs when it is told to stop; a disk that hangs must not hold the process for ever. */
const STOP_MILLISECONDS = 20_000

type Asked = {
  readonly found: ExporterStatus[]
  readonly resolve: (found: ExporterStatus[]) => void
  readonly reject: (error: Error) => void
}

/** Starts the thread and waits for its sockets. Throws PORT_UNAVAILABLE when one that must be there is not. */
export function startReceiver(options: ReceiverClientOptions): Promise<ReceiverClient> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./receiver.js', import.meta.url), {
      workerData: options.setup,
      name: 'receiver',
      resourceLimits: throughBlocks,
    })
    let isListening = false
    let isClosing = false
    let hasEnded = false
    let death: Error | undefined
    let whenStopped: (() => void) | undefined
    let requests = 0
    const asked = new Map<number, Asked>()
    const exporters = (ids: readonly string[]) =>
      new Promise<ExporterStatus[]>((resolveAnswer, rejectAnswer) => {
        if (death !== undefined) return rejectAnswer(death)
        const request = requests++
        asked.set(request, { found: [], resolve: resolveAnswer, reject: rejectAnswer })
        worker.postMessage({ type: 'exporters', request, ids } satisfies ToReceiver)
      })
    const close = () =>
      new Promise<void>((resolveStop) => {
        isClosing = true
        if (hasEnded) return resolveStop()
        whenStopped = resolveStop
        worker.postMessage({ type: 'stop' } satisfies ToReceiver)
        setTimeout(resolveStop, STOP_MILLISECONDS).unref()
      })
    worker.on('message', (message: FromReceiver) => {
      switch (message.type) {
        case 'listening': {
          isListening = true
          const failed = message.sockets.filter(({ ok, isOptional }) => !ok && !isOptional)
          if (failed.length === 0) resolve({ ...message, exporters, close })
          else
            void close().then(() =>
              reject(new ApplianceError('PORT_UNAVAILABLE', failed.map(({ error }) => error).join('; '))),
            )
          break
        }
        case 'status':
          options.onStatus(message)
          break
        case 'exporters': {
          const { found, resolve: resolveAnswer } = asked.get(message.request)!
          found.push(...message.exporters)
          if (!message.isLast) break
          asked.delete(message.request)
          resolveAnswer(found)
          break
        }
        case 'problem':
          options.onProblem(message.message)
          break
        case 'notice':
          options.onNotice(message.message)
          break
        case 'stopped':
          whenStopped?.()
      }
    })
    const die = (error: Error) => {
      if (death !== undefined) return
      death = error
      reject(error)
      for (const { reject: rejectAnswer } of asked.values()) rejectAnswer(error)
      asked.clear()
      // Before it listens the start fails, and says why.
      if (isListening && !isClosing) options.onDeath(error)
    }
    worker.on('error', (error) => die(error as Error))
    worker.on('exit', (code) => {
      hasEnded = true
      whenStopped?.()
      die(new Error(`the receiving thread ended with code ${code}`))
    })
  })
}

/** Orders a sender process about; see bench/load/sender.ts. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { LoadCounts } from './load.js'
import type { FromSender, SenderOrder, SentReport, ToSender } from './sender.js'

export type Sending = {
  /** How it sends, and why not by sendmmsg. */
  readonly kind: string
  readonly fallback?: string
  /** Begins; resolves when all was handed to the kernel. */
  go(onProgress?: (counts: LoadCounts) => void): Promise<SentReport>
  /** Ends the sending early; `go` resolves with what was sent. */
  stop(): void
}

export type Sender = {
  /** Makes the datagrams, or keeps those of the last order where they are the same; nothing is sent yet. */
  prepare(order: Omit<SenderOrder, 'type'>): Promise<Sending>
  close(): Promise<void>
}

/** Starts the process. Rejections say why it could not send. */
export function startSender(): Sender {
  const child = fork(new URL('./sender.js', import.meta.url), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const tell = (message: ToSender) => child.send(message)
  return {
    async prepare(order) {
      tell({ type: 'order', ...order })
      const ready = await answer(child, 'ready')
      return {
        kind: ready.kind,
        ...(ready.fallback === undefined ? {} : { fallback: ready.fallback }),
        async go(onProgress) {
          tell({ type: 'go' })
          return (await answer(child, 'sent', onProgress)).report
        },
        stop: () => tell({ type: 'stop' }),
      }
    },
    async close() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

type Answer<T extends FromSender['type']> = Extract<FromSender, { type: T }>

function answer<T extends FromSender['type']>(
  child: ChildProcess,
  type: T,
  onProgress?: (counts: LoadCounts) => void,
): Promise<Answer<T>> {
  return new Promise((resolve, reject) => {
    const onExit = () => done(() => reject(new Error('the sender ended')))
    const onMessage = (message: FromSender) => {
      if (message.type === type) done(() => resolve(message as Answer<T>))
      else if (message.type === 'failed') done(() => reject(new Error(message.message)))
      else if (message.type === 'progress') onProgress?.(message.counts)
    }
    const done = (settle: () => void) => {
      child.off('message', onMessage)
      child.off('exit', onExit)
      settle()
    }
    child.on('message', onMessage)
    child.on('exit', onExit)
  })
}

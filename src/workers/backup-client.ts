/** A backup of the open store as a stream: read by a thread of its own, as fast as it is taken and the limit allows. */
import { Readable } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { ApplianceError, type ErrorCode, errorCodes } from '../errors.js'
import type { BackupSetup, FromBackup, ToBackup } from './backup-messages.js'

export type BackupClient = {
  /** Begins a backup. Throws BUSY when one is being made; destroying the stream ends it. */
  archive(): Readable
  close(): Promise<void>
}

export function createBackupClient(setup: BackupSetup): BackupClient {
  let current: { readonly stream: Readable; readonly ended: Promise<void> } | undefined
  let isClosing = false

  function begin(): { stream: Readable; ended: Promise<void> } {
    const worker = new Worker(new URL('./backup.js', import.meta.url), { workerData: setup, name: 'backup' })
    const tell = (message: ToBackup) => worker.postMessage(message)
    const stream = new Readable({
      // A piece at a time: the thread has the next one ready.
      highWaterMark: 1,
      read: () => tell({ type: 'more' }),
      destroy(error, callback) {
        tell({ type: 'stop' })
        callback(error)
      },
    })
    worker.on('message', (message: FromBackup) => {
      if (message.type === 'piece') stream.push(message.octets)
      else if (message.type === 'end') stream.push(null)
      else stream.destroy(faultOf(message.code, message.message))
    })
    const ended = new Promise<void>((resolve) => {
      worker.on('error', (error) => stream.destroy(error as Error))
      worker.on('exit', () => {
        if (!stream.readableEnded) stream.destroy(new Error('the thread of the backup ended'))
        current = undefined
        resolve()
      })
    })
    return { stream, ended }
  }

  return {
    archive() {
      if (current !== undefined) throw new ApplianceError('BUSY', 'a backup is being made already')
      if (isClosing) throw new ApplianceError('BUSY', 'the appliance is ending')
      current = begin()
      return current.stream
    },
    async close() {
      isClosing = true
      current?.stream.destroy(new ApplianceError('BUSY', 'the appliance is ending'))
      await current?.ended
    },
  }
}

function faultOf(code: string | undefined, message: string): Error {
  return code !== undefined && code in errorCodes
    ? new ApplianceError(code as ErrorCode, message)
    : new Error(message)
}

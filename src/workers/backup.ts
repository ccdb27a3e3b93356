/**
 * The thread that reads a backup out of the open databases, so that neither who receives nor who answers waits for it.
 * Started for each backup by backup-client.ts; it speaks backup-messages.ts and reads on when it is asked to.
 */
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { ApplianceError } from '../errors.js'
import { openRaw } from '../store/backup/restore.js'
import { writeArchive } from '../store/backup/write.js'
import { createIngestSequence } from '../store/sequence.js'
import type { BackupSetup, FromBackup, ToBackup } from './backup-messages.js'

/** Smaller pieces are copied: they may belong to the packer. */
const TRANSFER_OCTETS = 64 * 1024

async function run({ data, sequence, rollupSequence, octetsPerSecond }: BackupSetup): Promise<void> {
  const port = parentPort!
  const say = (message: FromBackup, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)
  const fault = (error: unknown) => {
    const code = error instanceof ApplianceError ? error.code : undefined
    say({ type: 'fault', code, message: (error as Error).message })
  }
  const documents = await openRaw(join(data, 'documents'), 'documents')
  const blocks = await openRaw(join(data, 'blocks'), 'blocks')
  const rollups = await openRaw(join(data, 'rollups'), 'rollups')
  const { watermark } = createIngestSequence(sequence)
  const { watermark: rollupWatermark } = createIngestSequence(rollupSequence)
  const source = { documents, blocks, rollups, watermark, rollupWatermark }
  const archive = writeArchive(source, { now: () => Date.now(), octetsPerSecond })
  const reader = archive.getReader()

  const handle = async (message: ToBackup) => {
    if (message.type === 'stop') {
      await reader.cancel().catch(() => undefined)
      return finish()
    }
    const { done, value } = await reader.read()
    if (done) say({ type: 'end' })
    else if (value.length < TRANSFER_OCTETS) say({ type: 'piece', octets: value.slice() })
    else say({ type: 'piece', octets: value }, [value.buffer as ArrayBuffer])
  }
  const finish = async () => {
    port.close()
    await rollups.close()
    await blocks.close()
    await documents.close()
  }
  port.on('message', (message: ToBackup) => void handle(message).catch(fault))
}

await run(workerData as BackupSetup)

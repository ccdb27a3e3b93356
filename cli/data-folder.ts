/** The data folder as commands open it: the same databases that the appliance uses, by one process at a time. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { refuseUnfinished } from '#core/store/backup/unfinished.js'
import type { BlockStore } from '#core/store/block-store.js'
import { createBlockStore } from '#core/store/blocks.js'
import { createDocuments, type Documents } from '#core/store/documents.js'
import { WRITTEN_TO } from '#core/store/holes.js'

export function warnOfRepair(what: string): (cause: Error) => void {
  return (cause) =>
    process.stderr.write(
      `culvert: the ${what} database was damaged (${cause.message}) and was repaired; rows may be lost\n`,
    )
}

/** `openedOctets`: blocks kept open for who reads them again. */
export async function openBlocks(data: string, openedOctets?: number): Promise<BlockStore> {
  refuseUnfinished(data)
  const writtenTo = readWrittenTo(data)
  const store = createBlockStore({
    location: join(data, 'blocks'),
    isFirst: true,
    openedOctets,
    writtenTo,
    onRepair: warnOfRepair('blocks'),
  })
  const [documents, blocks] = await Promise.allSettled([writtenTo, store.open()])
  if (documents.status === 'fulfilled' && blocks.status === 'fulfilled') return store
  await store.close()
  throw (documents.status === 'rejected' ? documents : (blocks as PromiseRejectedResult)).reason
}

/** The sums of rows that lie beside them; of older folders there are none. */
export async function openRollups(data: string): Promise<BlockStore> {
  const store = createBlockStore({
    location: join(data, 'rollups'),
    what: 'rollups',
    isFirst: true,
    onRepair: warnOfRepair('rollups'),
  })
  await store.open()
  return store
}

/** Rows that a torn log lost must not give their numbers to others. */
async function readWrittenTo(data: string): Promise<number> {
  if (!existsSync(join(data, 'documents'))) return 1
  const documents = await openDocuments(data)
  try {
    return (await documents.get<number>(WRITTEN_TO)) ?? 1
  } finally {
    await documents.close()
  }
}

export async function openDocuments(data: string): Promise<Documents> {
  const documents = createDocuments({
    location: join(data, 'documents'),
    onRepair: warnOfRepair('documents'),
  })
  await documents.open()
  return documents
}

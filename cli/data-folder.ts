/** The data folder as commands open it: the same databases that the appliance uses, by one process at a time. */
import { join } from 'node:path'
import { type BlockStore, createBlockStore } from '#core/store/blocks.js'
import { createDocuments, type Documents } from '#core/store/documents.js'

export function warnOfRepair(what: string): (cause: Error) => void {
  return (cause) =>
    process.stderr.write(
      `culvert: the ${what} database was damaged (${cause.message}) and was repaired; rows may be lost\n`,
    )
}

export async function openBlocks(data: string): Promise<BlockStore> {
  const store = createBlockStore({
    location: join(data, 'blocks'),
    isFirst: true,
    onRepair: warnOfRepair('blocks'),
  })
  await store.open()
  return store
}

export async function openDocuments(data: string): Promise<Documents> {
  const documents = createDocuments({
    location: join(data, 'documents'),
    onRepair: warnOfRepair('documents'),
  })
  await documents.open()
  return documents
}

/** What the lines as received take of a store of log messages. */
import { join } from 'node:path'
import { FlowColumnIndex, MessageColumnIndex, rawStreamNames, streamNamed } from '#core/records/columns.js'
import { createBlockStore } from '#core/store/blocks.js'

/** Octets of all blocks that hold lines as received, in a data folder that no process has open. */
export async function octetsOfLines(data: string): Promise<number> {
  const store = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  await store.open()
  try {
    let octets = 0
    for (const name of rawStreamNames) {
      const { message } = streamNamed(name).family === 0 ? MessageColumnIndex : FlowColumnIndex
      if (name === 'exporterEvent') continue
      for (const entry of await store.index(name)) {
        const block = await store.block(entry)
        octets += block?.octetsOf(message) ?? 0
      }
    }
    return octets
  } finally {
    await store.close()
  }
}

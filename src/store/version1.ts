/** Turns the keys of a blocks database of version 1, stream <1> and first sequence <8>, into those of version 2. */
import type { ClassicLevel } from 'classic-level'
import { streams } from '../records/columns.js'
import { blockKey, FORMAT_KEY, VERSION1_KEY_OCTETS } from './keys.js'

const FORMAT = Uint8Array.of(2)

/** Does nothing to a database that is of version 2. A crash on the way leaves both keys of one block, which is found. */
export async function migrateFromVersion1(database: ClassicLevel<Uint8Array, Uint8Array>): Promise<void> {
  if ((await database.get(FORMAT_KEY)) !== undefined) return
  for await (const [key, value] of database.iterator()) {
    const stream = streams[key[0]!]
    if (key.length !== VERSION1_KEY_OCTETS || stream === undefined) continue
    const firstSequence = Number(new DataView(key.buffer, key.byteOffset, key.length).getBigUint64(1))
    await database.batch([
      { type: 'put', key: blockKey({ stream, firstSequence, level: 0 }), value },
      { type: 'del', key },
    ])
  }
  await database.put(FORMAT_KEY, FORMAT, { sync: true })
}

/** What the files of a folder take. */
import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'

/** Files looked at before others have a turn: a terabyte has two hundred thousand, and a promise for each is several times as dear. */
const TOGETHER = 256

export async function octetsOfFolder(folder: string): Promise<number> {
  const names = await readdir(folder)
  let octets = 0
  for (const [index, name] of names.entries()) {
    if (index % TOGETHER === TOGETHER - 1) await turn()
    // LevelDB may delete a table between the two calls.
    octets += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return octets
}

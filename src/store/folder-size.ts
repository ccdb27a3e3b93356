/** What the files of a folder take. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

export async function octetsOfFolder(folder: string): Promise<number> {
  const names = await readdir(folder)
  const sizes = await Promise.all(
    // LevelDB may delete a table between the two calls.
    names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Corpora that belong to others: tests read them where they are and say loudly when they are not there. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder `corpora`, by CULVERT_SHARED or beside a parent folder; undefined where there is none. */
export function findCorpora(): string | undefined {
  const named = process.env['CULVERT_SHARED']
  if (named !== undefined)
    return [named, join(named, 'corpora')].find((path) => existsSync(join(path, 'detect')))
  let folder = dirname(fileURLToPath(import.meta.url))
  while (folder !== dirname(folder)) {
    const path = join(folder, 'shared', 'corpora')
    if (existsSync(path)) return path
    folder = dirname(folder)
  }
  return undefined
}

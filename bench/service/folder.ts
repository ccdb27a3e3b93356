/** A temporary folder for as long as some work takes; it goes too when the bench is interrupted. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const INTERRUPTED = 130

export async function withFolder<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), `culvert-${name}-`))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  const interrupt = () => process.exit(INTERRUPTED)
  process.on('exit', remove)
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    return await work(folder)
  } finally {
    remove()
    process.off('exit', remove)
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

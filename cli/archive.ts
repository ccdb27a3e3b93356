/** Archives of backups as commands read and write them: files that appear whole or not at all, and standard input and output. */
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ApplianceError } from '#core/errors.js'
import type { ArchiveReport } from '#core/store/backup/verify.js'
import type { Output } from './output.js'

export const STANDARD = '-'

/** The octets of an archive; "-" is standard input. Throws INPUT_UNREADABLE. */
export async function* readArchiveFile(path: string): AsyncGenerator<Uint8Array> {
  if (path === STANDARD) {
    yield* process.stdin
    return
  }
  try {
    yield* createReadStream(path, { highWaterMark: 1024 * 1024 })
  } catch (cause) {
    throw new ApplianceError('INPUT_UNREADABLE', `${path} cannot be read`, { cause })
  }
}

/**
 * Leads an archive to a file by way of `check`, which reads it to the end as it passes and throws when it is not whole. The
 * file gets its name when it is complete and on the disk; only its owner may read it.
 */
export async function keep<T>(
  archive: AsyncIterable<Uint8Array>,
  path: string,
  check: (archive: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  if (path === STANDARD) return check(passing(archive, writeOut))
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`)
  // One that is there was left by a process of our number that was killed: in a container all have the same.
  await rm(temporary, { force: true })
  const file = await open(temporary, 'wx', 0o600).catch((cause: unknown) => {
    throw new ApplianceError('INPUT_UNREADABLE', `${path} cannot be written`, { cause })
  })
  try {
    const checked = await check(
      passing(archive, async (octets) => {
        for (let at = 0; at < octets.length; ) at += (await file.write(octets, at)).bytesWritten
      }),
    )
    await file.sync()
    await file.close()
    await rename(temporary, path)
    const folder = await open(dirname(path), 'r')
    await folder.sync().finally(() => folder.close())
    return checked
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(temporary, { force: true })
    throw error
  }
}

async function* passing(
  source: AsyncIterable<Uint8Array>,
  write: (octets: Uint8Array) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  for await (const octets of source) {
    await write(octets)
    yield octets
  }
}

async function writeOut(octets: Uint8Array): Promise<void> {
  if (!process.stdout.write(octets)) await once(process.stdout, 'drain')
}

/** Prints what an archive holds; a fault of what was backed up ends in exit 1. */
export function tellReport(report: ArchiveReport, isJson: boolean, { line, text }: Output): void {
  if (isJson) line(report)
  else {
    const at = new Date(report.createdMilliseconds).toISOString()
    text(`Made ${at} by Culvert ${report.culvertVersion}\n`)
    text(
      `${report.blocks} blocks with ${report.rows} rows, ${report.documents} documents, ${report.octets} octets\n`,
    )
    if (report.rollupBlocks > 0)
      text(`${report.rollupBlocks} blocks with ${report.rollupRows} rows of rollups\n`)
    text(`${report.damagedBlocks} blocks damaged, ${report.lostRows} rows missing\n`)
  }
}

/** Throws STORE_DAMAGED when what was backed up was not whole. */
export function refuseDamage({ damage }: ArchiveReport): void {
  if (damage.length === 0) return
  const named = damage.map((fault) => `  ${fault}`).join('\n')
  throw new ApplianceError(
    'STORE_DAMAGED',
    `the archive is as it was made, but the store was not whole then\n${named}`,
  )
}

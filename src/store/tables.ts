/**
 * LevelDB's table files, looked at from outside: whether a file's footer and index can be read. LevelDB itself opens a
 * database without looking, steps over a table with a bad index without a word, and its repair ends the process on one.
 * Format: LevelDB's doc/table_format.md.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { crc32c } from '../blocks/crc32c.js'
import type { TableIndex } from './table-values.js'

/** In a database's folder: what a repair put aside, LevelDB's and ours. Nothing reads it. */
export const SET_ASIDE = 'lost'

const FOOTER_OCTETS = 48
/** The last eight octets of a table, little-endian. */
const MAGIC = 0xdb4775248b80fb57n
/** Behind each block of a table: its compression <1> and a masked CRC-32C <4>. */
const TRAILER_OCTETS = 5
const CRC_MASK = 0xa282ead8
const NO_COMPRESSION = 0
/** Tables looked at before others have a turn. */
const TOGETHER = 256

export async function tableNames(location: string): Promise<string[]> {
  return (await readdir(location)).filter((name) => /\.(ldb|sst)$/.test(name)).sort()
}

/** What is wrong with tables, by name; those that are gone meanwhile are no fault. `onTable` is given what was found right. */
export async function findBadTables(
  location: string,
  names: readonly string[],
  onTable?: (table: TableIndex) => void,
): Promise<Map<string, string>> {
  const bad = new Map<string, string>()
  for (const [index, name] of names.entries()) {
    if (index % TOGETHER === TOGETHER - 1) await turn()
    const fault = faultOf(join(location, name), (octets) => onTable?.({ name, octets }))
    if (fault !== undefined) bad.set(name, fault)
  }
  return bad
}

/** In a database's folder: it was repaired, and whoever keeps something about its content has not looked yet. */
const REPAIRED = 'repaired'

export async function noteRepair(location: string): Promise<void> {
  await writeFile(join(location, REPAIRED), '')
}

export function wasRepaired(location: string): boolean {
  return existsSync(join(location, REPAIRED))
}

export async function forgetRepair(location: string): Promise<void> {
  await rm(join(location, REPAIRED), { force: true })
}

/** Moves files of a database that nothing has open out of LevelDB's sight. */
export async function setAside(location: string, names: Iterable<string>): Promise<void> {
  const folder = join(location, SET_ASIDE)
  await mkdir(folder, { recursive: true })
  for (const name of names) await rename(join(location, name), join(folder, name))
}

/** Four calls of the kernel, which a promise for each would make several times as dear. */
function faultOf(path: string, onIndex: (octets: Uint8Array) => void): string | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : (error as Error).message
  }
  try {
    const { size } = fstatSync(file)
    if (size < FOOTER_OCTETS) return 'it is cut short'
    const footer = readAt(file, size - FOOTER_OCTETS, FOOTER_OCTETS)
    if (footer.readBigUInt64LE(FOOTER_OCTETS - 8) !== MAGIC) return 'its footer is damaged'
    const index = indexPlace(footer)
    if (index === undefined || index.offset + index.size + TRAILER_OCTETS > size)
      return 'its footer is damaged'
    const block = readAt(file, index.offset, index.size + TRAILER_OCTETS)
    const checksum = mask(crc32c(block.subarray(0, index.size + 1)))
    if (block.readUInt32LE(index.size + 1) !== checksum) return 'its index is damaged'
    // LevelDB compresses an index, too, where it compresses.
    if (block[index.size] === NO_COMPRESSION) onIndex(block.subarray(0, index.size))
    return undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    closeSync(file)
  }
}

function readAt(file: number, position: number, length: number): Buffer {
  const octets = Buffer.alloc(length)
  if (readSync(file, octets, 0, length, position) !== length) throw new Error('it is cut short')
  return octets
}

/** The second of the two places that a footer names; each is an offset and a size. */
function indexPlace(footer: Buffer): { offset: number; size: number } | undefined {
  const numbers: number[] = []
  let at = 0
  for (let count = 0; count < 4; count++) {
    let value = 0
    let scale = 1
    for (;;) {
      if (at >= FOOTER_OCTETS - 8) return undefined
      const octet = footer[at++]!
      value += (octet & 0x7f) * scale
      scale *= 128
      if (octet < 128) break
    }
    numbers.push(value)
  }
  const [, , offset, size] = numbers as [number, number, number, number]
  return Number.isSafeInteger(offset) && Number.isSafeInteger(size) ? { offset, size } : undefined
}

/** LevelDB's way of storing a CRC of data that may hold CRCs. */
function mask(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + CRC_MASK) >>> 0
}

/**
 * Reads the archive of a backup and believes nothing of it: names in their one order, sizes within bounds, each segment
 * held against its hash, nothing missing, nothing behind the end. What it yields is not proven before it has ended.
 */
import { createHash } from 'node:crypto'
import { createTarDecoder } from 'modern-tar'
import { Value } from 'typebox/value'
import { ApplianceError } from '../../errors.js'
import {
  type DatabaseName,
  databases,
  decodeSegment,
  type Entry,
  FOLDER,
  MANIFEST_HASH_NAME,
  MANIFEST_NAME,
  MAX_MANIFEST_OCTETS,
  MAX_SEGMENT_OCTETS,
  Manifest,
  segmentName,
} from './format.js'

export type ArchivePart =
  | { readonly kind: 'segment'; readonly database: DatabaseName; readonly records: readonly Entry[] }
  | { readonly kind: 'manifest'; readonly manifest: Manifest }

const MAX_HASH_OCTETS = 256

/** The parts of an archive in order, the manifest last. Throws BACKUP_DAMAGED, naming what is wrong. */
export async function* readArchive(archive: AsyncIterable<Uint8Array>): AsyncGenerator<ArchivePart> {
  const entries = streamOf(unpacked(archive)).pipeThrough(createTarDecoder({ strict: true }))
  const read: Manifest['entries'] = []
  let expected: Expected = { database: 'documents', number: 1 }
  let manifest: { readonly octets: Uint8Array; readonly sha256: string } | undefined
  let isProven = false
  try {
    for await (const { header, body } of entries) {
      const { name, size, type } = header
      if (type !== 'file' || header.pax !== undefined) throw refused(`${shown(name)} is no plain file`)
      if (isProven) throw refused(`${shown(name)} comes behind the end`)
      if (manifest !== undefined) {
        if (name !== MANIFEST_HASH_NAME) throw outOfPlace(name)
        const text = Buffer.from(await bodyOf(body, name, size, MAX_HASH_OCTETS)).toString('latin1')
        if (text !== `${manifest.sha256}  manifest.json\n`)
          throw refused(`${MANIFEST_NAME} does not match its hash`)
        isProven = true
        yield { kind: 'manifest', manifest: parseManifest(manifest.octets, read) }
      } else if (name === MANIFEST_NAME) {
        const octets = await bodyOf(body, name, size, MAX_MANIFEST_OCTETS)
        manifest = { octets, sha256: hashOf(octets) }
      } else {
        expected = placeOf(name, expected)
        const octets = await bodyOf(body, name, size, MAX_SEGMENT_OCTETS)
        const records = decodeSegment(octets)
        if (records === undefined) throw refused(`${name} is no segment`)
        read.push({ name, octets: octets.length, records: records.length, sha256: hashOf(octets) })
        const { database } = expected
        expected = { database, number: expected.number + 1 }
        yield { kind: 'segment', database, records }
      }
    }
  } catch (error) {
    if (error instanceof ApplianceError) throw error
    const { message, code } = error as NodeJS.ErrnoException
    // Of the source, not of the archive.
    if (code !== undefined && !/^ERR_/.test(code)) throw error
    throw refused(/truncated/.test(message) ? `it is cut short after ${lastOf(read)}` : message, error)
  }
  if (!isProven) throw refused(`it is cut short after ${lastOf(read)}`)
}

/** A compressed archive is no tar: what is wrong with it is said, in place of a checksum that does not fit. */
async function* unpacked(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isFirst = true
  for await (const octets of archive) {
    // RFC 1952 §2.3.1.
    if (isFirst && octets[0] === 0x1f && octets[1] === 0x8b)
      throw refused('it is compressed by gzip: unpack it first')
    isFirst = false
    yield octets
  }
}

/** `ReadableStream.from`, which the first versions of Node 20 have not. */
function streamOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await chunks.return?.()
    },
  })
}

type Expected = { readonly database: DatabaseName; readonly number: number }

/** Where in the order a name stands: the next segment of the same database, or the first of the next one. */
function placeOf(name: string, expected: Expected): Expected {
  if (name === segmentName(expected.database, expected.number)) return expected
  const later = databases.slice(databases.indexOf(expected.database) + 1)
  const next = later.find((database) => name === segmentName(database, 1))
  if (next !== undefined) return { database: next, number: 1 }
  if (expected.number === 1 && expected.database === 'documents' && !name.startsWith(`${FOLDER}/`)) {
    throw /^culvert-backup-\d+\//.test(name)
      ? refused(`it is of another version: ${shown(name)}`)
      : refused(`it is no archive of a backup: it begins with ${shown(name)}`)
  }
  throw outOfPlace(name)
}

async function bodyOf(
  body: ReadableStream<Uint8Array>,
  name: string,
  size: number,
  limit: number,
): Promise<Uint8Array> {
  if (size > limit)
    throw refused(`${shown(name)} says that it has ${size} octets: at most ${limit} are taken`)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  const octets = Buffer.concat(chunks)
  if (octets.length !== size) throw refused(`${shown(name)} is cut short`)
  return octets
}

function parseManifest(octets: Uint8Array, read: Manifest['entries']): Manifest {
  let manifest: unknown
  try {
    manifest = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets))
  } catch (cause) {
    throw refused('manifest.json cannot be read', cause)
  }
  if (!Value.Check(Manifest, manifest)) throw refused('manifest.json is not of the known form')
  for (const [index, entry] of manifest.entries.entries()) {
    const found = read[index]
    if (found?.name !== entry.name) throw refused(`${shown(entry.name)} is missing`)
    if (found.octets !== entry.octets || found.sha256 !== entry.sha256)
      throw refused(`${entry.name} does not match its hash`)
    if (found.records !== entry.records) throw refused(`${entry.name} has another number of records`)
  }
  const extra = read[manifest.entries.length]
  if (extra !== undefined) throw refused(`${extra.name} is not in the manifest`)
  return manifest
}

function hashOf(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('hex')
}

function lastOf(read: Manifest['entries']): string {
  return read.at(-1)?.name ?? 'its beginning'
}

function outOfPlace(name: string): ApplianceError {
  return refused(`${shown(name)} is not what comes next`)
}

function refused(what: string, cause?: unknown): ApplianceError {
  return new ApplianceError('BACKUP_DAMAGED', `the archive cannot be used: ${what}`, { cause })
}

/** Names come from the archive: quoted, and not longer than a line. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 120))
}

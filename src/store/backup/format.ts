/**
 * The archive of a backup (docs/backup-format.md): a tar of segments, each a row of keys and values as LevelDB has them,
 * then a manifest with the hash of each segment, then the hash of the manifest. The folder's name tells the version.
 */
import { type Static, Type } from 'typebox'

export const FORMAT_VERSION = 1
export const FOLDER = `culvert-backup-${FORMAT_VERSION}`
export const MANIFEST_NAME = `${FOLDER}/manifest.json`
export const MANIFEST_HASH_NAME = `${FOLDER}/manifest.sha256`

/** The databases in the order of their segments. */
export const databases = ['documents', 'blocks', 'rollups'] as const
export type DatabaseName = (typeof databases)[number]

/** A segment ends with the record that makes it as long. */
export const SEGMENT_OCTETS = 4 * 1024 * 1024
/** Blocks are some hundred KiB; texts of a whole block can be long. */
export const MAX_VALUE_OCTETS = 256 * 1024 * 1024
export const MAX_KEY_OCTETS = 4096
/** What a reader takes into memory at most for one entry. */
export const MAX_SEGMENT_OCTETS = SEGMENT_OCTETS + MAX_VALUE_OCTETS + MAX_KEY_OCTETS + 6
/** A manifest has some 150 octets for each segment: so much is enough for a store of ten TiB. */
export const MAX_MANIFEST_OCTETS = 512 * 1024 * 1024
const RECORD_HEADER_OCTETS = 6
const NUMBER_DIGITS = 8

const closed = { additionalProperties: false } as const
const Count = Type.Integer({ minimum: 0 })

/** What the archive says of itself, last. */
export const Manifest = Type.Object(
  {
    format: Type.Literal('culvert-backup'),
    formatVersion: Type.Literal(FORMAT_VERSION),
    culvertVersion: Type.String(),
    createdMilliseconds: Type.Number({ description: 'of the snapshot' }),
    nextSequence: Count,
    /** Rows below were removed by retention in one stream or another: what is missing there is no loss. */
    completeFromSequence: Count,
    blocks: Count,
    rows: Count,
    documents: Count,
    /** Blocks that could not be read when the backup was made; they are in the archive as they were. */
    damagedBlocks: Type.Array(Type.String()),
    /** Sequences that no block had when the backup was made. */
    holes: Type.Array(Type.Object({ fromSequence: Count, toSequence: Count }, closed)),
    /** The same of the rollups, which have numbers of their own; absent from archives made before there were any. */
    rollups: Type.Optional(
      Type.Object(
        {
          nextSequence: Count,
          completeFromSequence: Count,
          blocks: Count,
          rows: Count,
          damagedBlocks: Type.Array(Type.String()),
          holes: Type.Array(Type.Object({ fromSequence: Count, toSequence: Count }, closed)),
        },
        closed,
      ),
    ),
    /** What LevelDB could not read. */
    unreadable: Type.Array(Type.String()),
    entries: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          octets: Count,
          records: Count,
          sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type Manifest = Static<typeof Manifest>

/** A key of a database and its value. */
export type Entry = readonly [key: Uint8Array, value: Uint8Array]

/** `number` counts from 1 in each database. */
export function segmentName(database: DatabaseName, number: number): string {
  return `${FOLDER}/${database}/${String(number).padStart(NUMBER_DIGITS, '0')}`
}

/** A segment: key length <2>, value length <4>, key, value, and again; little-endian. */
export function encodeSegment(records: readonly Entry[]): Uint8Array {
  const segment = new Uint8Array(records.reduce((sum, record) => sum + recordOctets(record), 0))
  const view = new DataView(segment.buffer)
  let at = 0
  for (const [key, value] of records) {
    view.setUint16(at, key.length, true)
    view.setUint32(at + 2, value.length, true)
    segment.set(key, at + RECORD_HEADER_OCTETS)
    segment.set(value, at + RECORD_HEADER_OCTETS + key.length)
    at += recordOctets([key, value])
  }
  return segment
}

export function recordOctets([key, value]: Entry): number {
  return RECORD_HEADER_OCTETS + key.length + value.length
}

/** The records of a segment, or undefined when its lengths do not add up. */
export function decodeSegment(segment: Uint8Array): Entry[] | undefined {
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength)
  const records: Entry[] = []
  let at = 0
  while (at < segment.length) {
    if (at + RECORD_HEADER_OCTETS > segment.length) return undefined
    const keyAt = at + RECORD_HEADER_OCTETS
    const valueAt = keyAt + view.getUint16(at, true)
    const end = valueAt + view.getUint32(at + 2, true)
    if (end > segment.length || valueAt === keyAt) return undefined
    records.push([segment.subarray(keyAt, valueAt), segment.subarray(valueAt, end)])
    at = end
  }
  return records
}

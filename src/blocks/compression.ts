/** The compressions of block pieces by their number on disk (docs/storage-format.md). */
import * as zlib from 'node:zlib'
import { ApplianceError } from '../errors.js'

export const Compression = { none: 0, brotli: 1, zstd: 2 } as const

type Zstd = {
  zstdCompressSync?: (octets: Uint8Array, options?: unknown) => Buffer
  zstdDecompressSync?: (octets: Uint8Array, options?: unknown) => Buffer
}
const zstd = zlib as unknown as Zstd

const constants = zlib.constants as typeof zlib.constants & { ZSTD_c_compressionLevel?: number }
/** What a compressor may add to octets that it cannot make fewer. */
const EXPANSION_OCTETS = 1024
/** Texts that shrink to less than this part of themselves are the rule: lines of log take a seventh. */
const TEXT_SHARE = 1 / 4

/**
 * The chunk takes the whole result: putting several together costs as much as compressing. It is no larger than it must be,
 * since it is garbage afterwards, and megabytes of it make the engine look through the whole heap every few seconds.
 */
const brotli = (octets: Uint8Array, quality: number) =>
  zlib.brotliCompressSync(octets, {
    chunkSize: roomFor(octets, quality),
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_LGWIN]: 18,
      [constants.BROTLI_PARAM_SIZE_HINT]: octets.length,
    },
  })

const zstdFast = (octets: Uint8Array, quality: number) =>
  zstd.zstdCompressSync!(octets, {
    chunkSize: roomFor(octets, quality),
    params: { [constants.ZSTD_c_compressionLevel!]: 1 },
  })

/** Qualities of brotli: 0 costs half of 1, and takes a twentieth more on planes, a third more on texts. */
const PLANE_QUALITY = 0
const TEXT_QUALITY = 1

function roomFor({ length }: Uint8Array, quality: number): number {
  return Math.ceil(quality === TEXT_QUALITY ? length * TEXT_SHARE : length) + EXPANSION_OCTETS
}

/** Below this many octets a compressor's own header eats what it saves. */
const SMALLEST_WORTH_COMPRESSING = 64

type Compressed = { readonly compression: number; readonly octets: Uint8Array }

/** The octets as they go to disk and the number of the compression that made them: dictionaries and texts. */
export function compress(raw: Uint8Array): Compressed {
  if (raw.length < SMALLEST_WORTH_COMPRESSING) return { compression: Compression.none, octets: raw }
  const compressed = compressWith(raw, TEXT_QUALITY)
  return compressed.octets.length < raw.length ? compressed : { compression: Compression.none, octets: raw }
}

/** Compresses a plane of octets, which has few repetitions to look for; the result may be longer than the plane. */
export function compressPlane(plane: Uint8Array): Compressed {
  return compressWith(plane, PLANE_QUALITY)
}

function compressWith(octets: Uint8Array, quality: number): Compressed {
  return zstd.zstdCompressSync === undefined
    ? { compression: Compression.brotli, octets: brotli(octets, quality) }
    : { compression: Compression.zstd, octets: zstdFast(octets, quality) }
}

export function decompress(compression: number, octets: Uint8Array, rawLength: number): Uint8Array {
  const raw = decompressed(compression, octets, rawLength)
  if (raw.length === rawLength) return raw
  throw new ApplianceError('BLOCK_DAMAGED', `a piece holds ${raw.length} octets instead of ${rawLength}`)
}

/** What is taken beside the share of the input that the wanted octets have, if all compress alike. */
const MARGIN_OCTETS = 256

/** The first octets of what `decompress` gives, `wanted` of them at least: a compressor need not go to the end for few rows. */
export function decompressStart(
  compression: number,
  octets: Uint8Array,
  rawLength: number,
  wanted: number,
): Uint8Array {
  if (compression === Compression.brotli) {
    const share = Math.ceil((octets.length * wanted) / rawLength) + MARGIN_OCTETS
    if (share < octets.length) {
      // Without an end of the stream: what is there is given.
      const finishFlush = constants.BROTLI_OPERATION_FLUSH
      const bounds = { ...boundsOf(rawLength), finishFlush }
      const start = zlib.brotliDecompressSync(octets.subarray(0, share), bounds)
      if (start.length >= wanted) return start
    }
  }
  return decompress(compression, octets, rawLength)
}

/** A chunk of zlib's is 64 octets at least; what is longer than it should be is refused, not unpacked. */
function boundsOf(rawLength: number) {
  return { chunkSize: Math.max(rawLength + 1, 64), maxOutputLength: Math.max(rawLength, 1) }
}

function decompressed(compression: number, octets: Uint8Array, rawLength: number): Uint8Array {
  const bounds = boundsOf(rawLength)
  switch (compression) {
    case Compression.none:
      return octets
    case Compression.brotli:
      return zlib.brotliDecompressSync(octets, bounds)
    case Compression.zstd:
      if (zstd.zstdDecompressSync !== undefined) return zstd.zstdDecompressSync(octets, bounds)
      throw new ApplianceError(
        'BLOCK_DAMAGED',
        'the block is compressed with zstd, which this Node.js lacks (22.15 has it)',
      )
    default:
      throw new ApplianceError('BLOCK_DAMAGED', `unknown compression ${compression}`)
  }
}

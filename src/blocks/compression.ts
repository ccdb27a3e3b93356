/** The compressions of block pieces by their number on disk (docs/storage-format.md). */
import * as zlib from 'node:zlib'
import { ApplianceError } from '../errors.js'

export const Compression = { none: 0, brotli: 1, zstd: 2 } as const

type Zstd = {
  zstdCompressSync?: (octets: Uint8Array, options?: unknown) => Buffer
  zstdDecompressSync?: (octets: Uint8Array) => Buffer
}
const zstd = zlib as unknown as Zstd

const { constants } = zlib
const brotliOptions = {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 1,
    [constants.BROTLI_PARAM_LGWIN]: 18,
  },
}

/** Below this many octets a compressor's own header eats what it saves. */
const SMALLEST_WORTH_COMPRESSING = 64

/** The octets as they go to disk and the number of the compression that made them. */
export function compress(raw: Uint8Array): { compression: number; octets: Uint8Array } {
  if (raw.length < SMALLEST_WORTH_COMPRESSING) return { compression: Compression.none, octets: raw }
  const useZstd = zstd.zstdCompressSync !== undefined
  const octets = useZstd ? zstd.zstdCompressSync!(raw) : zlib.brotliCompressSync(raw, brotliOptions)
  if (octets.length >= raw.length) return { compression: Compression.none, octets: raw }
  return { compression: useZstd ? Compression.zstd : Compression.brotli, octets }
}

export function decompress(compression: number, octets: Uint8Array, rawLength: number): Uint8Array {
  const raw = decompressed(compression, octets, rawLength)
  if (raw.length === rawLength) return raw
  throw new ApplianceError('BLOCK_DAMAGED', `a piece holds ${raw.length} octets instead of ${rawLength}`)
}

function decompressed(compression: number, octets: Uint8Array, rawLength: number): Uint8Array {
  switch (compression) {
    case Compression.none:
      return octets
    case Compression.brotli:
      return zlib.brotliDecompressSync(octets, { maxOutputLength: Math.max(rawLength, 1) })
    case Compression.zstd:
      if (zstd.zstdDecompressSync !== undefined) return zstd.zstdDecompressSync(octets)
      throw new ApplianceError(
        'BLOCK_DAMAGED',
        'the block is compressed with zstd, which this Node.js lacks (22.15 has it)',
      )
    default:
      throw new ApplianceError('BLOCK_DAMAGED', `unknown compression ${compression}`)
  }
}

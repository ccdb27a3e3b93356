/** Seals the rows of a builder: pieces column by column, then the header in front (docs/storage-format.md). */
import { FlowColumnIndex } from '../records/columns.js'
import { type BlockBuilder, EXPORTER_COLUMN, RECEIVED_COLUMN, SHAPE_COLUMN } from './builder.js'
import { Codec, type DoubleContext, encodeAddresses, encodeColumn } from './codecs.js'
import { Compression, compress } from './compression.js'
import { crc32c } from './crc32c.js'
import { DICTIONARY_PIECE, headerOctets, type Piece, VALUES_PIECE, writeHeader } from './header.js'
import { OctetWriter } from './octet-writer.js'
import type { Run } from './runs.js'
import { type DoubleRange, rangeOfDoubles } from './simd/lanes.js'

/**
 * Encodes the rows of a builder, of which there is at least one; `runs` number them all, in order. The block lies in
 * `writer` and is as long-lived as what is written there.
 */
export function encodeBlock(
  builder: BlockBuilder,
  runs: readonly Run[],
  storedMilliseconds: number,
  writer = new OctetWriter(),
): Uint8Array {
  const { stream, rows, exporters, shapes } = builder
  const used = new Set([RECEIVED_COLUMN, EXPORTER_COLUMN, SHAPE_COLUMN])
  for (const shape of builder.shapes) for (const column of shape.columns) used.add(column)
  const ranges = new Map<number, DoubleRange>()
  for (const column of used) {
    const [plane] = builder.planes[column]!
    if (plane instanceof Float64Array) ranges.set(column, rangeOfDoubles(plane, rows))
  }

  const columns = [...used].sort((a, b) => a - b)
  const typeOf = (column: number) => stream.columns[column]!.type
  const texts = columns.filter((column) => typeOf(column) === 'text').length
  const addressDictionaries = columns.some((column) => typeOf(column) === 'address16') ? 1 : 0
  const end = headerOctets({ exporters, shapes, runs }, columns.length + texts + addressDictionaries)
  writer.length = 0
  writer.length = writer.reserve(end) + end
  const pieces: Omit<Piece, 'offset'>[] = []
  const finish = (
    column: number,
    piece: number,
    codec: number,
    offset: number,
    encoded?: { compression: number; rawLength: number },
  ) => {
    const length = writer.length - offset
    const checksum = crc32c(writer.octets.subarray(offset, offset + length))
    const compression = encoded?.compression ?? Compression.none
    pieces.push({
      column,
      piece,
      codec,
      compression,
      length,
      rawLength: encoded?.rawLength ?? length,
      checksum,
    })
  }
  const addDictionary = (column: number, codec: number, raw: Uint8Array) => {
    const offset = writer.length
    const { compression, octets } = compress(raw)
    writer.append(octets)
    finish(column, DICTIONARY_PIECE, codec, offset, { compression, rawLength: raw.length })
  }
  let addressesWritten = false
  for (const column of columns) {
    const definition = stream.columns[column]!
    const offset = writer.length
    const codec = encodeColumn(
      writer,
      definition,
      builder.planes[column]!,
      rows,
      doubleContext(builder, column, ranges),
    )
    finish(column, VALUES_PIECE, codec, offset)
    if (definition.type === 'text') addDictionary(column, Codec.strings, builder.texts[column]!.encoded())
    if (definition.type === 'address16' && !addressesWritten) {
      addressesWritten = true
      addDictionary(column, Codec.addresses, encodeAddresses(builder.addresses.words, builder.addresses.size))
    }
  }

  const received = ranges.get(RECEIVED_COLUMN)!
  const hasTimes = stream.family !== 0
  writeHeader(
    writer,
    {
      stream,
      rows,
      runs,
      storedMilliseconds,
      receivedFromMilliseconds: received.least,
      receivedToMilliseconds: received.most,
      startedFromMilliseconds: hasTimes
        ? (ranges.get(FlowColumnIndex.startMilliseconds)?.least ?? Number.NaN)
        : Number.NaN,
      endedToMilliseconds: hasTimes
        ? (ranges.get(FlowColumnIndex.endMilliseconds)?.most ?? Number.NaN)
        : Number.NaN,
      protocols: protocolsOf(builder),
      exporters,
      shapes,
    },
    pieces,
  )
  return writer.octets.subarray(0, writer.length)
}

/** What a column of doubles is told by: ends of flows by their starts. */
function doubleContext(
  { stream, planes }: BlockBuilder,
  column: number,
  ranges: ReadonlyMap<number, DoubleRange>,
): DoubleContext | undefined {
  const range = ranges.get(column)
  if (range === undefined) return undefined
  const starts = ranges.get(FlowColumnIndex.startMilliseconds)
  if (stream.family === 0 || column !== FlowColumnIndex.endMilliseconds || starts === undefined)
    return { range }
  return { range, starts: planes[FlowColumnIndex.startMilliseconds]![0] as Float64Array }
}

/** One bit for each protocolIdentifier that a row has. */
function protocolsOf({ stream, planes, rows }: BlockBuilder): Uint8Array {
  const bits = new Uint8Array(32)
  const protocols = stream.family === 0 ? undefined : planes[FlowColumnIndex.protocolIdentifier]![0]
  if (protocols === undefined) return bits
  const seen = new Uint8Array(256)
  markSeen(protocols as Uint8Array, rows, seen)
  seen.forEach((isSeen, protocol) => {
    if (isSeen === 1) bits[protocol >> 3]! |= 1 << (protocol & 7)
  })
  return bits
}

/** Apart, so that the loop sees one kind of array. */
function markSeen(values: Uint8Array, rows: number, seen: Uint8Array): void {
  for (let row = 0; row < rows; row++) seen[values[row]!] = 1
}

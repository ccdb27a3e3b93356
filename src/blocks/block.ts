/**
 * A sealed block as octets: header with zone map, directory, pieces (docs/storage-format.md). Reading checks each piece's
 * checksum when the piece is first asked for, and decompresses only that.
 */
import { ApplianceError } from '../errors.js'
import type { Address } from '../records/address.js'
import { FlowColumnIndex, type StreamDefinition, streams } from '../records/columns.js'
import type { ExporterIdentity } from '../records/exporter.js'
import { SHAPE_OCTETS, type Shape, shapeFromMask } from '../records/shape.js'
import { type BlockBuilder, EXPORTER_COLUMN, type Plane, RECEIVED_COLUMN, SHAPE_COLUMN } from './builder.js'
import {
  decodeAddresses,
  decodeColumn,
  decodeStrings,
  type EncodedPiece,
  encodeAddresses,
  encodeColumn,
  encodeStrings,
} from './codecs.js'
import { compress, decompress } from './compression.js'
import { crc32c } from './crc32c.js'

const MAGIC = 0x4b425643 // 'CVBK', little-endian
const VERSION = 1
const PREFIX_OCTETS = 16
const CHECKSUM_AT = 12
const FIXED_HEADER_OCTETS = 8 + 4 + 5 * 8 + 32
const EXPORTER_OCTETS = 28
/** The agent's address behind an exporter that has one. */
const AGENT_OCTETS = 16
const ENTRY_OCTETS = 18
const VALUES_PIECE = 0
const DICTIONARY_PIECE = 1

export type BlockHeader = {
  readonly stream: StreamDefinition
  readonly firstSequence: number
  readonly rows: number
  readonly storedMilliseconds: number
  readonly receivedFromMilliseconds: number
  readonly receivedToMilliseconds: number
  /** NaN when no row has a start or an end. */
  readonly startedFromMilliseconds: number
  readonly endedToMilliseconds: number
  /** 256 bits, one per protocolIdentifier. */
  readonly protocols: Uint8Array
  readonly exporters: readonly ExporterIdentity[]
  readonly shapes: readonly Shape[]
}

type Piece = {
  column: number
  piece: number
  codec: number
  compression: number
  offset: number
  length: number
  rawLength: number
  checksum: number
}

/** Encodes the rows of a builder, of which there is at least one. */
export function encodeBlock(
  builder: BlockBuilder,
  firstSequence: number,
  storedMilliseconds: number,
): Uint8Array {
  const { stream, rows } = builder
  const used = new Set([RECEIVED_COLUMN, EXPORTER_COLUMN, SHAPE_COLUMN])
  for (const shape of builder.shapes) for (const column of shape.columns) used.add(column)

  const entries: {
    column: number
    piece: number
    codec: number
    rawLength: number
    compression: number
    octets: Uint8Array
  }[] = []
  const add = (column: number, piece: number, encoded: EncodedPiece) => {
    entries.push({
      column,
      piece,
      codec: encoded.codec,
      rawLength: encoded.raw.length,
      ...compress(encoded.raw),
    })
  }
  let addressesWritten = false
  for (const column of [...used].sort((a, b) => a - b)) {
    const definition = stream.columns[column]!
    add(column, VALUES_PIECE, encodeColumn(definition, builder.planes[column]!, rows))
    if (definition.type === 'text') add(column, DICTIONARY_PIECE, encodeStrings(builder.strings[column]!))
    if (definition.type === 'address16' && !addressesWritten) {
      addressesWritten = true
      add(column, DICTIONARY_PIECE, encodeAddresses(builder.addresses.words, builder.addresses.size))
    }
  }

  const headerLength =
    FIXED_HEADER_OCTETS +
    2 +
    builder.exporters.reduce((sum, exporter) => sum + exporterOctets(exporter), 0) +
    2 +
    SHAPE_OCTETS * builder.shapes.length +
    2 +
    ENTRY_OCTETS * entries.length
  const block = new Uint8Array(
    PREFIX_OCTETS + headerLength + entries.reduce((sum, entry) => sum + entry.octets.length, 0),
  )
  const view = new DataView(block.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint8(4, VERSION)
  view.setUint8(5, stream.id)
  view.setUint32(8, headerLength, true)

  let at = PREFIX_OCTETS
  view.setBigUint64(at, BigInt(firstSequence), true)
  view.setUint32(at + 8, rows, true)
  view.setFloat64(at + 12, storedMilliseconds, true)
  const zone = zoneMap(builder)
  view.setFloat64(at + 20, zone.receivedFrom, true)
  view.setFloat64(at + 28, zone.receivedTo, true)
  view.setFloat64(at + 36, zone.startedFrom, true)
  view.setFloat64(at + 44, zone.endedTo, true)
  block.set(zone.protocols, at + 52)
  at += FIXED_HEADER_OCTETS

  view.setUint16(at, builder.exporters.length, true)
  at += 2
  for (const exporter of builder.exporters) {
    writeExporter(view, at, exporter)
    at += exporterOctets(exporter)
  }
  view.setUint16(at, builder.shapes.length, true)
  at += 2
  for (const shape of builder.shapes) {
    block.set(shape.mask, at)
    at += SHAPE_OCTETS
  }
  view.setUint16(at, entries.length, true)
  at += 2
  let pieceAt = PREFIX_OCTETS + headerLength
  for (const entry of entries) {
    view.setUint8(at, entry.column)
    view.setUint8(at + 1, entry.piece)
    view.setUint8(at + 2, entry.codec)
    view.setUint8(at + 3, entry.compression)
    view.setUint32(at + 4, entry.octets.length, true)
    view.setUint32(at + 8, entry.rawLength, true)
    view.setUint32(at + 12, crc32c(entry.octets), true)
    at += ENTRY_OCTETS
    block.set(entry.octets, pieceAt)
    pieceAt += entry.octets.length
  }
  view.setUint32(CHECKSUM_AT, headerChecksum(block, PREFIX_OCTETS + headerLength), true)
  return block
}

/** A block opened for reading; columns are decoded when first asked for. */
export class Block {
  readonly header: BlockHeader
  private readonly octets: Uint8Array
  private readonly pieces: readonly Piece[]
  private readonly decoded = new Map<number, readonly Plane[]>()
  private readonly dictionaries = new Map<number, readonly string[]>()
  private addressWords: Uint32Array | undefined
  private verified = false

  /** Throws BLOCK_DAMAGED when the header does not match its checksum or cannot be of this format. */
  constructor(octets: Uint8Array) {
    this.octets = octets
    const { header, pieces } = readHeader(octets)
    this.header = header
    this.pieces = pieces
  }

  /** Throws BLOCK_DAMAGED when any piece does not match its checksum. Decodes nothing. */
  verify(): void {
    if (this.verified) return
    for (const piece of this.pieces) this.checked(piece)
    this.verified = true
  }

  has(column: number): boolean {
    return this.pieces.some((piece) => piece.column === column)
  }

  /** The arrays of a column, undefined when no row of the block has it. */
  column(column: number): readonly Plane[] | undefined {
    const found = this.decoded.get(column)
    if (found !== undefined) return found
    const piece = this.find(column, VALUES_PIECE)
    if (piece === undefined) return undefined
    const { stream, rows } = this.header
    const planes = decodeColumn(stream.columns[column]!, stream.family, piece.codec, this.read(piece), rows)
    this.decoded.set(column, planes)
    return planes
  }

  /** The strings of a text column, from index 1. */
  strings(column: number): readonly string[] {
    const found = this.dictionaries.get(column)
    if (found !== undefined) return found
    const piece = this.find(column, DICTIONARY_PIECE)
    const strings = piece === undefined ? [''] : decodeStrings(this.read(piece))
    this.dictionaries.set(column, strings)
    return strings
  }

  /** The words of the block's address dictionary, four an address, the first at 4. */
  addresses(): Uint32Array {
    if (this.addressWords === undefined) {
      const piece = this.pieces.find(
        (entry) =>
          entry.piece === DICTIONARY_PIECE && this.header.stream.columns[entry.column]!.type === 'address16',
      )
      this.addressWords = piece === undefined ? new Uint32Array(4) : decodeAddresses(this.read(piece))
    }
    return this.addressWords
  }

  private find(column: number, kind: number): Piece | undefined {
    return this.pieces.find((piece) => piece.column === column && piece.piece === kind)
  }

  private checked(piece: Piece): Uint8Array {
    const octets = this.octets.subarray(piece.offset, piece.offset + piece.length)
    if (this.verified) return octets
    if (octets.length !== piece.length || crc32c(octets) !== piece.checksum) {
      const name = this.header.stream.columns[piece.column]!.name
      throw new ApplianceError(
        'BLOCK_DAMAGED',
        `block ${this.header.stream.name}/${this.header.firstSequence}: column ${name} does not match its checksum`,
      )
    }
    return octets
  }

  private read(piece: Piece): Uint8Array {
    return decompress(piece.compression, this.checked(piece), piece.rawLength)
  }
}

function zoneMap(builder: BlockBuilder) {
  const { rows } = builder
  const received = range(builder.planes[RECEIVED_COLUMN]![0]!, rows)
  const protocols = new Uint8Array(32)
  let startedFrom = Number.NaN
  let endedTo = Number.NaN
  if (builder.stream.columns.length > FlowColumnIndex.endMilliseconds && builder.stream.family !== 0) {
    const start = builder.planes[FlowColumnIndex.startMilliseconds]![0]
    const end = builder.planes[FlowColumnIndex.endMilliseconds]![0]
    if (start !== undefined) startedFrom = range(start, rows).least
    if (end !== undefined) endedTo = range(end, rows).most
    const protocol = builder.planes[FlowColumnIndex.protocolIdentifier]![0]
    if (protocol !== undefined) {
      for (let row = 0; row < rows; row++) protocols[protocol[row]! >> 3]! |= 1 << (protocol[row]! & 7)
    }
  }
  return { receivedFrom: received.least, receivedTo: received.most, startedFrom, endedTo, protocols }
}

/** Least and greatest of the values that are not 0; NaN when all are. */
function range(values: Plane, rows: number): { least: number; most: number } {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (let row = 0; row < rows; row++) {
    const value = values[row]!
    if (value === 0) continue
    if (value < least) least = value
    if (value > most) most = value
  }
  return least > most ? { least: Number.NaN, most: Number.NaN } : { least, most }
}

/** Of all octets before the pieces but the checksum itself. */
function headerChecksum(octets: Uint8Array, end: number): number {
  return crc32c(octets.subarray(PREFIX_OCTETS, end), crc32c(octets.subarray(0, CHECKSUM_AT)))
}

function damaged(what: string): never {
  throw new ApplianceError('BLOCK_DAMAGED', `not a readable block: ${what}`)
}

function readHeader(octets: Uint8Array): { header: BlockHeader; pieces: Piece[] } {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  if (octets.length < PREFIX_OCTETS || view.getUint32(0, true) !== MAGIC) damaged('the magic is missing')
  if (view.getUint8(4) !== VERSION) damaged(`version ${view.getUint8(4)} is not known`)
  const stream = streams[view.getUint8(5)] ?? damaged(`stream ${view.getUint8(5)} is not known`)
  const headerLength = view.getUint32(8, true)
  const end = PREFIX_OCTETS + headerLength
  if (end > octets.length || headerLength < FIXED_HEADER_OCTETS + 6) damaged('the header is cut short')
  if (headerChecksum(octets, end) !== view.getUint32(CHECKSUM_AT, true)) {
    damaged('the header does not match its checksum')
  }
  let at = PREFIX_OCTETS
  const fixed = {
    stream,
    firstSequence: Number(view.getBigUint64(at, true)),
    rows: view.getUint32(at + 8, true),
    storedMilliseconds: view.getFloat64(at + 12, true),
    receivedFromMilliseconds: view.getFloat64(at + 20, true),
    receivedToMilliseconds: view.getFloat64(at + 28, true),
    startedFromMilliseconds: view.getFloat64(at + 36, true),
    endedToMilliseconds: view.getFloat64(at + 44, true),
    protocols: octets.slice(at + 52, at + 84),
  }
  at += FIXED_HEADER_OCTETS
  const exporters: ExporterIdentity[] = []
  const exporterCount = view.getUint16(at, true)
  at += 2
  for (let index = 0; index < exporterCount; index++) {
    const exporter = readExporter(view, at)
    exporters.push(exporter)
    at += exporterOctets(exporter)
  }
  const shapes: Shape[] = []
  const shapeCount = view.getUint16(at, true)
  at += 2
  for (let index = 0; index < shapeCount; index++) {
    shapes.push(shapeFromMask(octets.subarray(at, at + SHAPE_OCTETS), stream.columns))
    at += SHAPE_OCTETS
  }
  const pieces: Piece[] = []
  let offset = end
  const pieceCount = view.getUint16(at, true)
  at += 2
  for (let index = 0; index < pieceCount; index++) {
    const length = view.getUint32(at + 4, true)
    pieces.push({
      column: view.getUint8(at),
      piece: view.getUint8(at + 1),
      codec: view.getUint8(at + 2),
      compression: view.getUint8(at + 3),
      offset,
      length,
      rawLength: view.getUint32(at + 8, true),
      checksum: view.getUint32(at + 12, true),
    })
    offset += length
    at += ENTRY_OCTETS
  }
  return { header: { ...fixed, exporters, shapes }, pieces }
}

function exporterOctets({ agentAddress }: ExporterIdentity): number {
  return agentAddress === undefined ? EXPORTER_OCTETS : EXPORTER_OCTETS + AGENT_OCTETS
}

function writeExporter(view: DataView, at: number, exporter: ExporterIdentity): void {
  const { address, agentAddress } = exporter
  view.setUint8(at, address.family)
  view.setUint8(at + 1, exporter.protocol)
  view.setUint8(at + 2, exporter.transport)
  view.setUint8(at + 3, agentAddress?.family ?? 0)
  view.setUint16(at + 4, exporter.listenerPort, true)
  view.setUint32(at + 8, exporter.observationDomainId, true)
  writeAddress(view, at + 12, address)
  if (agentAddress !== undefined) writeAddress(view, at + EXPORTER_OCTETS, agentAddress)
}

function readExporter(view: DataView, at: number): ExporterIdentity {
  const agentFamily = view.getUint8(at + 3)
  return {
    address: readAddress(view, at + 12, view.getUint8(at)),
    protocol: view.getUint8(at + 1),
    transport: view.getUint8(at + 2),
    listenerPort: view.getUint16(at + 4, true),
    observationDomainId: view.getUint32(at + 8, true),
    ...(agentFamily === 0 ? {} : { agentAddress: readAddress(view, at + EXPORTER_OCTETS, agentFamily) }),
  }
}

function writeAddress(view: DataView, at: number, { words }: Address): void {
  words.forEach((word, index) => {
    view.setUint32(at + 4 * index, word)
  })
}

function readAddress(view: DataView, at: number, family: number): Address {
  const word = (index: number) => view.getUint32(at + 4 * index)
  return { family: family === 6 ? 6 : 4, words: [word(0), word(1), word(2), word(3)] }
}

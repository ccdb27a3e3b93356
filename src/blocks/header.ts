/**
 * The front of a block: what it holds, which rows, and where its pieces lie (docs/storage-format.md, "A block"). All
 * versions are read, the third is written.
 */
import { ApplianceError } from '../errors.js'
import type { Address } from '../records/address.js'
import { type StreamDefinition, streams } from '../records/columns.js'
import type { ExporterIdentity } from '../records/exporter.js'
import { SHAPE_OCTETS, type Shape, shapeFromMask } from '../records/shape.js'
import { BLOCK_ROWS } from './builder.js'
import { crc32c } from './crc32c.js'
import type { OctetWriter } from './octet-writer.js'
import { decodeRuns, encodeRuns, type Run } from './runs.js'

const MAGIC = 0x4b425643 // 'CVBK', little-endian
const VERSION = 3
const PREFIX_OCTETS = 16
const CHECKSUM_AT = 12
const FIXED_HEADER_OCTETS = 8 + 4 + 5 * 8 + 32
const EXPORTER_OCTETS = 28
/** The agent's address behind an exporter that has one. */
const AGENT_OCTETS = 16
const ENTRY_OCTETS = 18

export type BlockHeader = {
  readonly stream: StreamDefinition
  readonly firstSequence: number
  readonly rows: number
  /** How the rows are numbered: one run, or several where blocks were merged; ascending, `rows` together. */
  readonly runs: readonly Run[]
  /** When the rows were stored; of merged blocks the latest. */
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

export type Piece = {
  readonly column: number
  /** VALUES_PIECE or DICTIONARY_PIECE. */
  readonly piece: number
  readonly codec: number
  readonly compression: number
  /** From the block's start. */
  readonly offset: number
  readonly length: number
  readonly rawLength: number
  readonly checksum: number
}

export const VALUES_PIECE = 0
export const DICTIONARY_PIECE = 1

/** Octets of prefix and header together, in front of so many pieces. */
export function headerOctets(
  { exporters, shapes, runs }: Pick<BlockHeader, 'exporters' | 'shapes' | 'runs'>,
  pieces: number,
): number {
  return (
    PREFIX_OCTETS +
    FIXED_HEADER_OCTETS +
    4 +
    encodeRuns(runs).length +
    2 +
    exporters.reduce((sum, exporter) => sum + exporterOctets(exporter), 0) +
    2 +
    SHAPE_OCTETS * shapes.length +
    2 +
    ENTRY_OCTETS * pieces
  )
}

/** Writes prefix and header at the start of a writer, where `headerOctets` have been left for them. */
export function writeHeader(
  { octets, view }: OctetWriter,
  header: Omit<BlockHeader, 'firstSequence'>,
  pieces: readonly Omit<Piece, 'offset'>[],
): void {
  const { exporters, shapes, runs } = header
  const numbering = encodeRuns(runs)
  const end = headerOctets(header, pieces.length)
  octets.fill(0, 0, end)
  view.setUint32(0, MAGIC, true)
  view.setUint8(4, VERSION)
  view.setUint8(5, header.stream.id)
  view.setUint32(8, end - PREFIX_OCTETS, true)

  let at = PREFIX_OCTETS
  view.setBigUint64(at, BigInt(runs[0]!.firstSequence), true)
  view.setUint32(at + 8, header.rows, true)
  view.setFloat64(at + 12, header.storedMilliseconds, true)
  view.setFloat64(at + 20, header.receivedFromMilliseconds, true)
  view.setFloat64(at + 28, header.receivedToMilliseconds, true)
  view.setFloat64(at + 36, header.startedFromMilliseconds, true)
  view.setFloat64(at + 44, header.endedToMilliseconds, true)
  octets.set(header.protocols, at + 52)
  at += FIXED_HEADER_OCTETS
  view.setUint32(at, numbering.length, true)
  octets.set(numbering, at + 4)
  at += 4 + numbering.length
  view.setUint16(at, exporters.length, true)
  at += 2
  for (const exporter of exporters) {
    writeExporter(view, at, exporter)
    at += exporterOctets(exporter)
  }
  view.setUint16(at, shapes.length, true)
  at += 2
  for (const shape of shapes) {
    octets.set(shape.mask, at)
    at += SHAPE_OCTETS
  }
  view.setUint16(at, pieces.length, true)
  at += 2
  for (const piece of pieces) {
    view.setUint8(at, piece.column)
    view.setUint8(at + 1, piece.piece)
    view.setUint8(at + 2, piece.codec)
    view.setUint8(at + 3, piece.compression)
    view.setUint32(at + 4, piece.length, true)
    view.setUint32(at + 8, piece.rawLength, true)
    view.setUint32(at + 12, piece.checksum, true)
    at += ENTRY_OCTETS
  }
  view.setUint32(CHECKSUM_AT, headerChecksum(octets, end), true)
}

/** Of all octets before the pieces but the checksum itself. */
function headerChecksum(octets: Uint8Array, end: number): number {
  return crc32c(octets.subarray(PREFIX_OCTETS, end), crc32c(octets.subarray(0, CHECKSUM_AT)))
}

function damaged(what: string): never {
  throw new ApplianceError('BLOCK_DAMAGED', `not a readable block: ${what}`)
}

/** Octets before the pieces, by the first of them; whatever they hold. */
export function frontOctets(octets: Uint8Array): number {
  if (octets.length < PREFIX_OCTETS) return octets.length
  return PREFIX_OCTETS + new DataView(octets.buffer, octets.byteOffset).getUint32(8, true)
}

/** Reads the front of a block; throws BLOCK_DAMAGED when it does not match its checksum or cannot be of this format. */
export function readHeader(octets: Uint8Array): { header: BlockHeader; pieces: Piece[] } {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  if (octets.length < PREFIX_OCTETS || view.getUint32(0, true) !== MAGIC) damaged('the magic is missing')
  const version = view.getUint8(4)
  if (version < 1 || version > VERSION) damaged(`version ${version} is not known`)
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
  let runs: readonly Run[] = [{ firstSequence: fixed.firstSequence, rows: fixed.rows }]
  if (version !== 1) {
    const length = view.getUint32(at, true)
    runs = decodeRuns(octets.subarray(at + 4, at + 4 + length), fixed.firstSequence)
    at += 4 + length
  }
  const numbered = runs.reduce((sum, run) => sum + run.rows, 0)
  if (fixed.rows === 0 || fixed.rows > BLOCK_ROWS || numbered !== fixed.rows)
    damaged(`it has ${fixed.rows} rows, of which ${numbered} are numbered`)
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
  return { header: { ...fixed, runs, exporters, shapes }, pieces }
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

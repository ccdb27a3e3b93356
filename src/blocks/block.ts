/**
 * A sealed block, opened for reading. A piece's checksum is looked at when the piece is first asked for, and just that
 * is decompressed.
 */
import { ApplianceError } from '../errors.js'
import { FlowColumnIndex } from '../records/columns.js'
import type { Plane } from './builder.js'
import { decodeAddresses, decodeColumn, decodeStrings } from './codecs.js'
import { decompress } from './compression.js'
import { crc32c } from './crc32c.js'
import { type BlockHeader, DICTIONARY_PIECE, type Piece, readHeader, VALUES_PIECE } from './header.js'

export type { BlockHeader } from './header.js'

/** What a string takes beside its characters, about. */
const STRING_OCTETS = 24

/** A block opened for reading; columns are decoded when first asked for. */
export class Block {
  readonly header: BlockHeader
  private readonly octets: Uint8Array
  private readonly pieces: readonly Piece[]
  private readonly decoded = new Map<number, readonly Plane[]>()
  private readonly dictionaries = new Map<number, readonly string[]>()
  private addressWords: Uint32Array | undefined
  private decodedOctets = 0
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
    const starts = () => this.column(FlowColumnIndex.startMilliseconds)?.[0] as Float64Array
    const raw = this.read(piece)
    const planes = decodeColumn(stream.columns[column]!, stream.family, piece.codec, raw, rows, starts)
    this.decoded.set(column, planes)
    for (const { byteLength } of planes) this.decodedOctets += byteLength
    return planes
  }

  /** Octets of memory: its own, and those of what was decoded so far. */
  get heldOctets(): number {
    return this.octets.length + this.decodedOctets
  }

  /** The strings of a text column, from index 1. */
  strings(column: number): readonly string[] {
    const found = this.dictionaries.get(column)
    if (found !== undefined) return found
    const piece = this.find(column, DICTIONARY_PIECE)
    const strings = piece === undefined ? [''] : decodeStrings(this.read(piece))
    this.dictionaries.set(column, strings)
    for (const { length } of strings) this.decodedOctets += STRING_OCTETS + length
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

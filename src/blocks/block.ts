/**
 * A sealed block, opened for reading. A piece's checksum is looked at when the piece is first asked for, and just that
 * is decompressed.
 */
import { ApplianceError } from '../errors.js'
import { FlowColumnIndex } from '../records/columns.js'
import type { ArrayRoom } from './array-room.js'
import type { Plane } from './builder.js'
import { Codec, decodeAddresses, decodeColumn, decodeStrings, valuesAt } from './codecs.js'
import { decompress } from './compression.js'
import { crc32c } from './crc32c.js'
import {
  type BlockHeader,
  DICTIONARY_PIECE,
  frontOctets,
  type Piece,
  readHeader,
  VALUES_PIECE,
} from './header.js'
import { placesOfWord } from './plane-section.js'

export type { BlockHeader } from './header.js'

/** What a string takes beside its characters, about. */
const STRING_OCTETS = 24

/** Octets that are read to begin with: the front of most blocks. */
const FRONT_OCTETS = 4096

/** Memory of who reads a block, instead of its own. */
export type BlockMemory = {
  /** Columns are decoded into its arrays, and are gone when it is reset. */
  readonly room?: ArrayRoom | undefined
  /** Asked to put octets of the block where they belong before they are looked at. */
  readonly fill?: ((from: number, end: number) => void) | undefined
}

/** A block opened for reading; columns are decoded when first asked for. */
export class Block {
  readonly header: BlockHeader
  private readonly octets: Uint8Array
  private readonly room: ArrayRoom | undefined
  private readonly roomResets: number
  private readonly fill: BlockMemory['fill']
  private readonly pieces: readonly Piece[]
  private readonly decoded = new Map<number, readonly Plane[]>()
  private readonly dictionaries = new Map<number, readonly string[]>()
  private addressWords: Uint32Array | undefined
  private decodedOctets = 0
  private readonly verified = new Set<Piece>()

  /**
   * `octets` are the whole block, or have its length, where `fill` is given. Throws BLOCK_DAMAGED when the header does not match its
   * checksum or cannot be of this format.
   */
  constructor(octets: Uint8Array, { room, fill }: BlockMemory = {}) {
    this.octets = octets
    this.room = room
    this.roomResets = room?.resets ?? 0
    this.fill = fill
    if (fill !== undefined) {
      const read = Math.min(FRONT_OCTETS, octets.length)
      fill(0, read)
      const end = Math.min(frontOctets(octets), octets.length)
      if (end > read) fill(read, end)
    }
    const { header, pieces } = readHeader(octets)
    this.header = header
    this.pieces = pieces
  }

  /** Throws BLOCK_DAMAGED when any piece does not match its checksum. Decodes nothing. */
  verify(): void {
    for (const piece of this.pieces) this.checked(piece)
  }

  has(column: number): boolean {
    return this.pieces.some((piece) => piece.column === column)
  }

  /** The arrays of a column, undefined when no row of the block has it. */
  column(column: number): readonly Plane[] | undefined {
    const found = this.known(column)
    if (found !== undefined) return found
    const piece = this.find(column, VALUES_PIECE)
    if (piece === undefined) return undefined
    const starts = () => this.column(FlowColumnIndex.startMilliseconds)?.[0] as Float64Array
    const planes = decodeColumn({ ...this.stored(piece), room: this.room }, starts)
    this.decoded.set(column, planes)
    for (const { byteLength } of planes) this.decodedOctets += byteLength
    return planes
  }

  /**
   * The values of a column at places, which ascend, in arrays of as many; undefined when no row of the block has it. Nothing is kept, so few
   * rows are had for little; whoever asks again pays again.
   */
  cells(column: number, places: Uint32Array): readonly Plane[] | undefined {
    const decoded = this.known(column)
    if (decoded !== undefined) return valuesAt(decoded, places)
    const piece = this.find(column, VALUES_PIECE)
    if (piece === undefined) return undefined
    const starts = () => this.cells(FlowColumnIndex.startMilliseconds, places)?.[0] as Float64Array
    return decodeColumn(this.stored(piece), starts, places)
  }

  /**
   * The places where a column of one 32-bit array holds a value, ascending; undefined when that cannot be told without decoding
   * the column.
   */
  placesOf(column: number, word: number): Uint32Array | undefined {
    const piece = this.decoded.has(column) ? undefined : this.find(column, VALUES_PIECE)
    if (piece?.codec !== Codec.bytePlanes) return undefined
    return placesOfWord(this.read(piece), word, this.header.rows)
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

  /** Octets that a column takes in the block, its dictionary with it. */
  octetsOf(column: number): number {
    return this.pieces.reduce((sum, piece) => sum + (piece.column === column ? piece.length : 0), 0)
  }

  /** What was decoded of a column and is still there. */
  private known(column: number): readonly Plane[] | undefined {
    if (this.room !== undefined && this.room.resets !== this.roomResets)
      throw new Error('a block was read after its memory had gone to another')
    return this.decoded.get(column)
  }

  private find(column: number, kind: number): Piece | undefined {
    return this.pieces.find((piece) => piece.column === column && piece.piece === kind)
  }

  private stored(piece: Piece) {
    const { stream, rows } = this.header
    const definition = stream.columns[piece.column]!
    return { definition, family: stream.family, codec: piece.codec, raw: this.read(piece), rows }
  }

  private checked(piece: Piece): Uint8Array {
    const octets = this.octets.subarray(piece.offset, piece.offset + piece.length)
    if (this.verified.has(piece)) return octets
    if (octets.length === piece.length) this.fill?.(piece.offset, piece.offset + piece.length)
    if (octets.length !== piece.length || crc32c(octets) !== piece.checksum) {
      const name = this.header.stream.columns[piece.column]!.name
      throw new ApplianceError(
        'BLOCK_DAMAGED',
        `block ${this.header.stream.name}/${this.header.firstSequence}: column ${name} does not match its checksum`,
      )
    }
    this.verified.add(piece)
    return octets
  }

  private read(piece: Piece): Uint8Array {
    return decompress(piece.compression, this.checked(piece), piece.rawLength)
  }
}

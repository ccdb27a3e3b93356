/**
 * The key of a group as words. Small values lie packed beside each other with a bit that says "known"; addresses and
 * interfaces have words of their own and that bit among the packed ones; texts are numbers from 1, 0 is "unknown".
 */
import type { Block } from '../../blocks/block.js'
import { EXPORTER_COLUMN, type Plane, RECEIVED_COLUMN } from '../../blocks/builder.js'
import { enumerations } from '../../blocks/row.js'
import { formatAddress, formatIPv4, formatIPv6 } from '../../records/address.js'
import { type Dimension, type DimensionDefinition, definitionOf } from './dimensions.js'
import { wordMask } from './prepare.js'
import { columnNamed, presentColumn } from './presence.js'

type Place = {
  readonly dimension: Dimension
  readonly definition: DimensionDefinition
  /** The first of its own words, and how many there are. */
  readonly word: number
  readonly words: number
  /** Bits among the packed ones: of `small` value + 1, of others the bit "known". */
  readonly packedWord: number
  readonly shift: number
  readonly bits: number
}

/** Stands for a text that found no number; its key is in no table. */
const NO_NUMBER = 0xffffffff

/** Texts by number, from 1, for one dimension of one query. */
export class TextNumbers {
  readonly texts: string[] = ['']
  readonly #numbers = new Map<string, number>()
  readonly #most: number

  /** Texts beyond `most` get no number; there must be no room for their groups either. */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most
  }

  numberOf(text: string): number {
    const found = this.#numbers.get(text)
    if (found !== undefined) return found
    const number = this.texts.length
    if (number > this.#most) return NO_NUMBER
    this.texts.push(text)
    this.#numbers.set(text, number)
    return number
  }
}

const WORD_BITS = 32

function ownWords(definition: DimensionDefinition, family: 0 | 4 | 6): number {
  if (definition.kind === 'small') return 0
  return definition.kind === 'address' && family === 6 ? 4 : 1
}

function packedBits(definition: DimensionDefinition): number {
  if (definition.kind === 'small') return definition.bits! + 1
  return definition.kind === 'address' || definition.kind === 'word' ? 1 : 0
}

export class KeyLayout {
  readonly family: 4 | 6
  /** Words of a key. */
  readonly width: number
  readonly #places: readonly Place[]
  readonly #texts: readonly TextNumbers[]

  /** `texts` has one for each dimension, shared by the layouts of both families. */
  constructor(dimensions: readonly Dimension[], family: 4 | 6, texts: readonly TextNumbers[]) {
    this.family = family
    this.#texts = texts
    const definitions = dimensions.map(definitionOf)
    let word = 0
    let packedWord = definitions.reduce((sum, definition) => sum + ownWords(definition, family), 0)
    let shift = 0
    this.#places = definitions.map((definition, index) => {
      const words = ownWords(definition, family)
      const bits = packedBits(definition)
      if (shift + bits > WORD_BITS) {
        packedWord++
        shift = 0
      }
      const place = { dimension: dimensions[index]!, definition, word, words, packedWord, shift, bits }
      word += words
      shift += bits
      return place
    })
    this.width = packedWord + (shift > 0 ? 1 : 0)
  }

  /** Writes the keys of the selected rows. Of those of the other family no address of a dimension is known. */
  encode(block: Block, selected: Uint32Array, words: readonly Uint32Array[]): void {
    for (const word of words) word.fill(0, 0, selected.length)
    for (const [index, place] of this.#places.entries()) {
      switch (place.definition.kind) {
        case 'exporter':
          encodeExporters(block, selected, words[place.word]!, this.#texts[index]!)
          break
        case 'time':
          encodeTime(block, selected, words[place.word]!, place.dimension.bucketMilliseconds!)
          break
        case 'text':
          encodeTexts(block, selected, words[place.word]!, this.#texts[index]!, place.definition.column!)
          break
        default:
          encodeNumbers(block, selected, words, place)
      }
    }
  }

  /** The values of a key, absent where unknown. */
  decode(keys: Uint32Array, at: number): Record<string, number | string> {
    const values: Record<string, number | string> = {}
    for (const [index, place] of this.#places.entries()) {
      const value = this.#decodeOne(keys, at, place, this.#texts[index]!)
      if (value !== undefined) values[place.definition.name] = value
    }
    return values
  }

  /** Copies keys of another table of the same dimensions, whose texts have the numbers `numbers[dimension][theirs]` here. */
  translate(
    keys: Uint32Array,
    range: { readonly from: number; readonly count: number },
    numbers: readonly Uint32Array[],
    words: readonly Uint32Array[],
  ): void {
    const { from, count } = range
    for (let word = 0; word < this.width; word++)
      for (let index = 0; index < count; index++)
        words[word]![index] = keys[(from + index) * this.width + word]!
    for (const [index, { definition, word }] of this.#places.entries()) {
      if (definition.kind !== 'text' && definition.kind !== 'exporter') continue
      const own = words[word]!
      for (let key = 0; key < count; key++) own[key] = numbers[index]![own[key]!]!
    }
  }

  #decodeOne(keys: Uint32Array, at: number, place: Place, texts: TextNumbers): number | string | undefined {
    const { definition, dimension, word, shift, bits } = place
    const own = keys[at + word]!
    if (definition.kind === 'time') return own * dimension.bucketMilliseconds!
    if (definition.kind === 'text' || definition.kind === 'exporter')
      return own === 0 ? undefined : texts.texts[own]
    const packed = (keys[at + place.packedWord]! >>> shift) & ((1 << bits) - 1)
    if (packed === 0) return undefined
    if (definition.kind === 'small') return enumerations[definition.name]?.[packed - 1] ?? packed - 1
    if (definition.kind === 'word') return own
    return this.#addressText(keys, at + word, dimension)
  }

  #addressText(keys: Uint32Array, at: number, { prefix4, prefix6 }: Dimension): string {
    const text =
      this.family === 4
        ? formatIPv4(keys[at]!)
        : formatIPv6(keys[at]!, keys[at + 1]!, keys[at + 2]!, keys[at + 3]!)
    const length = this.family === 4 ? prefix4 : prefix6
    return length === undefined ? text : `${text}/${length}`
  }
}

function encodeNumbers(
  block: Block,
  selected: Uint32Array,
  words: readonly Uint32Array[],
  place: Place,
): void {
  const { definition, dimension, shift } = place
  // Rows of a block of the other family are encoded here when none of their addresses is known.
  if (definition.kind === 'address' && ownWords(definition, block.header.stream.family) !== place.words)
    return
  const column = presentColumn(block, definition.column!)
  if (column === undefined) return
  const { planes, known } = column
  const packed = words[place.packedWord]!
  if (definition.kind === 'small') {
    packSmall(planes[0]!, known, selected, packed, shift)
    return
  }
  packKnown(known, selected, packed, shift)
  const length = planes.length === 4 ? dimension.prefix6 : dimension.prefix4
  for (const [part, plane] of planes.entries()) {
    const bits = definition.kind === 'address' ? (length ?? 128) - 32 * part : WORD_BITS
    copyKnown(plane, known, selected, words[place.word + part]!, wordMask(bits))
  }
}

function packSmall(
  plane: Plane,
  known: Uint8Array | undefined,
  selected: Uint32Array,
  packed: Uint32Array,
  shift: number,
): void {
  if (known === undefined) {
    for (let index = 0; index < selected.length; index++)
      packed[index]! |= (plane[selected[index]!]! + 1) << shift
    return
  }
  for (let index = 0; index < selected.length; index++) {
    const row = selected[index]!
    packed[index]! |= known[row] === 0 ? 0 : (plane[row]! + 1) << shift
  }
}

function packKnown(
  known: Uint8Array | undefined,
  selected: Uint32Array,
  packed: Uint32Array,
  shift: number,
): void {
  // The first of its word: nothing else is there yet.
  if (known === undefined && shift === 0) packed.fill(1, 0, selected.length)
  else if (known === undefined)
    for (let index = 0; index < selected.length; index++) packed[index]! |= 1 << shift
  else
    for (let index = 0; index < selected.length; index++) packed[index]! |= known[selected[index]!]! << shift
}

function copyKnown(
  plane: Plane,
  known: Uint8Array | undefined,
  selected: Uint32Array,
  word: Uint32Array,
  mask: number,
): void {
  if (known === undefined) {
    if (mask === -1 && selected.length === plane.length) word.set(plane)
    else for (let index = 0; index < selected.length; index++) word[index] = plane[selected[index]!]! & mask
    return
  }
  for (let index = 0; index < selected.length; index++) {
    const row = selected[index]!
    word[index] = known[row] === 0 ? 0 : plane[row]! & mask
  }
}

function encodeExporters(block: Block, selected: Uint32Array, word: Uint32Array, texts: TextNumbers): void {
  const numbers = block.header.exporters.map(({ address }) => texts.numberOf(formatAddress(address)))
  const plane = block.column(EXPORTER_COLUMN)![0]!
  for (let index = 0; index < selected.length; index++) word[index] = numbers[plane[selected[index]!]!]!
}

function encodeTime(block: Block, selected: Uint32Array, word: Uint32Array, bucket: number): void {
  const received = block.column(RECEIVED_COLUMN)![0]!
  for (let index = 0; index < selected.length; index++)
    word[index] = Math.floor(received[selected[index]!]! / bucket)
}

function encodeTexts(
  block: Block,
  selected: Uint32Array,
  word: Uint32Array,
  texts: TextNumbers,
  column: string,
): void {
  const present = presentColumn(block, column)
  if (present === undefined) return
  const { planes, known } = present
  const [plane] = planes as [Plane]
  const strings = block.strings(columnNamed(block.header.stream, column)!)
  // Only texts of selected rows are numbered, each once for the block.
  const numbers = new Uint32Array(strings.length)
  for (let index = 0; index < selected.length; index++) {
    const row = selected[index]!
    const local = plane[row]!
    if ((known !== undefined && known[row] === 0) || local >= numbers.length) continue
    if (numbers[local] === 0) numbers[local] = texts.numberOf(strings[local]!)
    word[index] = numbers[local]!
  }
}

/** Counts what an archive holds, record by record: blocks and their rows, what is damaged, which sequences are missing. */
import { Block } from '../../blocks/block.js'
import { streams } from '../../records/columns.js'
import { findGaps, type SequenceRange } from '../holes.js'
import type { DatabaseName } from './format.js'
import { type SequenceRun, sequenceRuns } from './runs.js'

export type InventoryTotals = {
  readonly documents: number
  readonly blocks: number
  readonly rows: number
  readonly damagedBlocks: readonly string[]
  readonly holes: readonly SequenceRange[]
  /** Octets of values. */
  readonly octets: number
}

export type Inventory = {
  /** `isDeep` checks each piece of a block too. Returns what is wrong with the record itself, if anything. */
  add(database: DatabaseName, key: Uint8Array, value: Uint8Array, isDeep: boolean): string | undefined
  totals(completeFromSequence: number, nextSequence: number): InventoryTotals
}

const BLOCK_KEY_OCTETS = 9
const decoder = new TextDecoder('utf-8', { fatal: true })

export function createInventory(): Inventory {
  let documents = 0
  let blocks = 0
  let rows = 0
  let octets = 0
  const damagedBlocks: string[] = []
  const runs: SequenceRun[] = []

  return {
    add(database, key, value, isDeep) {
      octets += value.length
      if (database === 'documents') {
        documents++
        return isDeep ? documentFault(key, value) : undefined
      }
      const place = placeOf(key)
      if (place === undefined) return undefined
      blocks++
      const name = `${place.stream.name}/${place.firstSequence}`
      try {
        const block = new Block(value)
        if (isDeep) block.verify()
        const { header } = block
        if (header.stream !== place.stream || header.firstSequence !== place.firstSequence)
          throw new Error(`holds ${header.stream.name}/${header.firstSequence}`)
        rows += header.rows
        runs.push(...sequenceRuns(header))
      } catch (error) {
        damagedBlocks.push(name)
        // How many rows it has is not known: what follows it at once is not counted as missing.
        runs.push({ first: place.firstSequence, end: place.firstSequence + 1 })
        return `block ${name}: ${(error as Error).message}`
      }
      return undefined
    },
    totals(completeFromSequence, nextSequence) {
      const holes = findGaps(runs, completeFromSequence, nextSequence)
      return { documents, blocks, rows, octets, damagedBlocks, holes }
    },
  }
}

/** Undefined for keys of the blocks database that are no block's. */
function placeOf(key: Uint8Array) {
  const stream = streams[key[0]!]
  if (stream === undefined || key.length !== BLOCK_KEY_OCTETS) return undefined
  const firstSequence = Number(new DataView(key.buffer, key.byteOffset, key.length).getBigUint64(1))
  return { stream, firstSequence }
}

function documentFault(key: Uint8Array, value: Uint8Array): string | undefined {
  try {
    decoder.decode(key)
    JSON.parse(decoder.decode(value))
    return undefined
  } catch (error) {
    return `document ${JSON.stringify(Buffer.from(key).toString('latin1'))}: ${(error as Error).message}`
  }
}

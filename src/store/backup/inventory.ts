/** Counts what an archive holds, record by record: blocks and their rows, what is damaged, which sequences are missing. */

import { findGaps, type SequenceRange } from '../holes.js'
import { openBlock } from '../index-entry.js'
import { nameOfBlock, readBlockKey } from '../keys.js'
import type { DatabaseName } from './format.js'
import { rowsOfRuns, type SequenceRun, sequenceRuns } from './runs.js'

export type InventoryTotals = {
  readonly documents: number
  readonly blocks: number
  readonly rows: number
  readonly damagedBlocks: readonly string[]
  readonly holes: readonly SequenceRange[]
  /** One more than the highest number of a row. */
  readonly endSequence: number
  /** Octets of values. */
  readonly octets: number
}

export type Inventory = {
  /** `isDeep` checks each piece of a block too. Returns what is wrong with the record itself, if anything. */
  add(database: DatabaseName, key: Uint8Array, value: Uint8Array, isDeep: boolean): string | undefined
  totals(completeFromSequence: number, nextSequence: number): InventoryTotals
}

const decoder = new TextDecoder('utf-8', { fatal: true })

export function createInventory(): Inventory {
  let documents = 0
  let blocks = 0
  let octets = 0
  const damagedBlocks: string[] = []
  /** Of blocks that can be read. */
  const readable: SequenceRun[] = []
  /** Of all whose header can be read: the rows of others count as missing, as those of a block that is gone. */
  const runs: SequenceRun[] = []

  return {
    add(database, key, value, isDeep) {
      octets += value.length
      if (database === 'documents') {
        documents++
        return isDeep ? documentFault(key, value) : undefined
      }
      const place = readBlockKey(key)
      if (place === undefined) return undefined
      blocks++
      const name = nameOfBlock(place)
      try {
        const block = openBlock(place, value)
        const own = sequenceRuns(block.header)
        runs.push(...own)
        if (isDeep) block.verify()
        readable.push(...own)
      } catch (error) {
        damagedBlocks.push(name)
        return `block ${name}: ${(error as Error).message}`
      }
      return undefined
    },
    totals(completeFromSequence, nextSequence) {
      const holes = findGaps(runs, completeFromSequence, nextSequence)
      // Of a merged block and those that it was made of, until they are dropped, rows count once.
      const endSequence = runs.reduce((most, { end }) => Math.max(most, end), 1)
      return { documents, blocks, rows: rowsOfRuns(readable), octets, damagedBlocks, holes, endSequence }
    },
  }
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

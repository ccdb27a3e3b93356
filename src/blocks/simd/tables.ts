/** Tables in the kernels' memory, at its begin: their addresses are constants. */
import { crcTables } from '../crc-tables.js'

const MASKS = 256
const ROWS = 8
/** A place that no vector has: it gives 0. */
const NO_PLACE = 0x80

export const CHECKSUM_TABLES = 0
/** By a mask of eight rows: the places of those that are set, one after the other. */
export const GATHER_TABLE = CHECKSUM_TABLES + crcTables.byteLength
/** By a mask of eight rows: of each that is set, how many are before it. */
export const SPREAD_TABLE = GATHER_TABLE + MASKS * ROWS
export const TABLES_OCTETS = SPREAD_TABLE + MASKS * ROWS

export function writeTables(memory: Uint8Array): void {
  memory.set(new Uint8Array(crcTables.buffer), CHECKSUM_TABLES)
  for (let mask = 0; mask < MASKS; mask++) {
    let before = 0
    for (let row = 0; row < ROWS; row++) {
      const isSet = ((mask >>> row) & 1) === 1
      memory[SPREAD_TABLE + mask * ROWS + row] = isSet ? before : NO_PLACE
      if (isSet) memory[GATHER_TABLE + mask * ROWS + before++] = row
    }
  }
}

/** Checks the archive of a backup as far as can be: hashes, blocks to the last piece, documents, the tiling of sequences. */
import type { SequenceRange } from '../holes.js'
import type { DatabaseName, Manifest } from './format.js'
import { createInventory, type InventoryTotals } from './inventory.js'
import { readArchive } from './read.js'

export type ArchiveReport = Omit<InventoryTotals, 'damagedBlocks' | 'holes' | 'endSequence'> &
  Pick<Manifest, 'culvertVersion' | 'createdMilliseconds' | 'nextSequence'> & {
    /** Of what was backed up, not of the archive: blocks and documents that cannot be read, missing rows. */
    readonly damage: readonly string[]
    readonly damagedBlocks: number
    readonly lostRows: number
    /** Blocks of sums, and their rows. */
    readonly rollupBlocks: number
    readonly rollupRows: number
  }

/** So many are named. */
const MAX_NAMED = 100

/** Reads an archive to its end. Throws BACKUP_DAMAGED when the archive itself is not whole. */
export async function verifyArchive(archive: AsyncIterable<Uint8Array>): Promise<ArchiveReport> {
  const checker = createChecker()
  for await (const part of readArchive(archive)) {
    if (part.kind === 'manifest') checker.end(part.manifest)
    else for (const [key, value] of part.records) checker.record(part.database, key, value)
  }
  return checker.report()
}

/** Checks records as they pass. */
export function createChecker() {
  const inventory = createInventory()
  const inventoryOfRollups = createInventory()
  const damage: string[] = []
  let faults = 0
  let manifest: Manifest | undefined
  const note = (text: string) => {
    faults++
    if (damage.length < MAX_NAMED) damage.push(text)
  }

  return {
    record(database: DatabaseName, key: Uint8Array, value: Uint8Array): void {
      const own = database === 'rollups' ? inventoryOfRollups : inventory
      const fault = own.add(database, key, value, true)
      if (fault !== undefined) note(fault)
    },
    end(read: Manifest): void {
      manifest = read
    },
    report(): ArchiveReport {
      if (manifest === undefined) throw new Error('the archive has not been read to its end')
      const { completeFromSequence, nextSequence, culvertVersion, createdMilliseconds, unreadable } = manifest
      const {
        damagedBlocks,
        holes,
        endSequence: _end,
        ...totals
      } = inventory.totals(completeFromSequence, nextSequence)
      const { rollups = { completeFromSequence: 1, nextSequence: 1, blocks: 0, rows: 0 } } = manifest
      const sums = inventoryOfRollups.totals(rollups.completeFromSequence, rollups.nextSequence)
      for (const key of ['documents', 'blocks'] as const) {
        if (totals[key] !== manifest[key])
          note(`the manifest says ${manifest[key]} ${key}, there are ${totals[key]}`)
      }
      if (sums.blocks !== rollups.blocks)
        note(`the manifest says ${rollups.blocks} blocks of rollups, there are ${sums.blocks}`)
      for (const text of unreadable) note(`could not be read when the backup was made: ${text}`)
      for (const hole of holes) note(describeHole(hole))
      for (const hole of sums.holes) note(`rollups: ${describeHole(hole)}`)
      if (faults > damage.length) damage.push(`and ${faults - damage.length} more`)
      return {
        ...totals,
        culvertVersion,
        createdMilliseconds,
        nextSequence,
        damage,
        octets: totals.octets + sums.octets,
        damagedBlocks: damagedBlocks.length + sums.damagedBlocks.length,
        rollupBlocks: sums.blocks,
        rollupRows: sums.rows,
        lostRows: holes.reduce((sum, { fromSequence, toSequence }) => sum + toSequence - fromSequence, 0),
      }
    },
  }
}

function describeHole({ fromSequence, toSequence }: SequenceRange): string {
  return `${toSequence - fromSequence} rows are missing from sequence ${fromSequence} on`
}

/** What is missing of what was stored, looked for now and then. */
import type { BlockStore } from '../store/block-store.js'
import { findHoles, type StoreDamage } from '../store/holes.js'

/** A look at all blocks costs time where there are many. */
const LOOK_EVERY_MILLISECONDS = 300_000

export type DamageWatch = {
  /** What is missing now; looked for anew after a while, and when further rows could not be written. */
  look(droppedRows: number): Promise<StoreDamage>
}

export function createDamageWatch(store: BlockStore, onChange: (damage: StoreDamage) => void): DamageWatch {
  let damage: StoreDamage | undefined
  let lookedAt = 0
  let dropped = 0
  return {
    async look(droppedRows) {
      const isFresh = droppedRows === dropped && performance.now() - lookedAt < LOOK_EVERY_MILLISECONDS
      if (damage !== undefined && isFresh) return damage
      lookedAt = performance.now()
      dropped = droppedRows
      const before = damage
      damage = await findHoles(store, store.sequence.watermark())
      if (before !== undefined && JSON.stringify(before) !== JSON.stringify(damage)) onChange(damage)
      return damage
    },
  }
}

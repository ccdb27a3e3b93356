/** Maps that are kept small: the entries that were put in first go, some at a time. */

/** Part of a full map that goes at once: to find its first entry after every single deletion would take longer and longer. */
const DROPPED_SHARE = 1 / 16

/** Makes room in a map that has reached its limit; returns how many entries went. */
export function makeRoom<Key>(map: Map<Key, unknown>, most: number): number {
  if (map.size < most) return 0
  let left = Math.max(1, Math.ceil(most * DROPPED_SHARE))
  const dropped = left
  for (const key of map.keys()) {
    map.delete(key)
    if (--left === 0) break
  }
  return dropped - left
}

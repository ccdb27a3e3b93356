/** Values of a block's rows as detectors take them. */
import type { Plane } from '../blocks/builder.js'
import { formatIPv4, formatIPv6 } from '../records/address.js'

/** An unsigned 64-bit counter as a double; 0 where the block lacks the column. */
export function counterAt(planes: readonly Plane[] | undefined, row: number): number {
  return planes === undefined ? 0 : planes[0]![row]! + planes[1]![row]! * 0x1_0000_0000
}

/** The address of a row as text. */
export function textOf(planes: readonly Plane[], row: number): string {
  return planes.length === 1
    ? formatIPv4(planes[0]![row]!)
    : formatIPv6(planes[0]![row]!, planes[1]![row]!, planes[2]![row]!, planes[3]![row]!)
}

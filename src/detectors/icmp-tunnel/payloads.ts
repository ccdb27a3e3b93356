/**
 * What a sampled payload says. n octets have an entropy of log2(min(n, 256)) at most, so only its share of that tells
 * anything: of 56 octets no encryption reaches 6 bits. The ping of Linux and macOS counts up, and that of Windows runs
 * through the alphabet; both would look like noise by entropy alone, and are told by it. fping, mtr and routers
 * send zeros or one pattern of two octets again and again. (Measured: captures of these tools, and of tunnels.)
 */
import type { Block } from '../../blocks/block.js'
import { FlowColumnIndex } from '../../records/columns.js'

/** Percent of counting octets from which a payload is a ping's: Windows has 47, Linux and macOS 70 and more. */
const PATTERN_COUNTING = 30

/** A share from 0 to 1 of the entropy that so many octets can have; `entropy` in bits an octet. */
export function relativeEntropy(entropy: number, octets: number): number {
  return octets < 2 ? 0 : entropy / Math.log2(Math.min(octets, 256))
}

/** Reads a block's rows; undefined for rows without a payload. */
export function payloadsOf(block: Block): (row: number) => number | undefined {
  const octets = block.column(FlowColumnIndex.payloadOctets)?.[0]
  const entropy = block.column(FlowColumnIndex.payloadEntropy)?.[0]
  const counting = block.column(FlowColumnIndex.payloadCounting)?.[0]
  if (octets === undefined || entropy === undefined || counting === undefined) return () => undefined
  return (row) => {
    if (octets[row] === 0) return undefined
    return counting[row]! >= PATTERN_COUNTING ? 0 : relativeEntropy(entropy[row]! / 1000, octets[row]!)
  }
}

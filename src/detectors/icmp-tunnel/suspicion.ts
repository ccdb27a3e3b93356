/** Guard 5: exporters that sample, or see one direction in part, whatever they say. */
import type { Point } from './points.js'
import { unexplainedReplies } from './session.js'

/** Pairs of equal packet sizes whose replies exceed their requests, beyond which an exporter is not believed. */
const SUSPECT_PAIRS = 3
const SUSPECT_SHARE = 0.1
/** Pairs of equal sizes that mirrored, from which an exporter is believed at first sight. */
const TRUSTED_PAIRS = 3

/**
 * An exporter that samples, or sees one direction only in part, shows more replies than requests on pings that
 * carry nothing (equal sizes both ways). One such pair is a duplicate or a drop; many are the exporter.
 */
export function seemsSampled(point: Point): boolean {
  const { judged, odd } = plainPairs(point)
  return odd >= SUSPECT_PAIRS && odd > judged * SUSPECT_SHARE
}

/** Enough pings that carry nothing were seen whole, so that a pair that does not is the pair and not the exporter. */
export function isTrusted(point: Point): boolean {
  const { judged, odd } = plainPairs(point)
  return judged >= TRUSTED_PAIRS && odd === 0
}

function plainPairs(point: Point): { judged: number; odd: number } {
  let judged = 0
  let odd = 0
  for (const { session } of point.pairs.values()) {
    const { requests, replies } = session
    if (requests.records === 0 || replies.records === 0 || requests.size !== replies.size) continue
    judged++
    if (unexplainedReplies(session) > Math.max(2, replies.packets * 0.02)) odd++
  }
  return { judged, odd }
}

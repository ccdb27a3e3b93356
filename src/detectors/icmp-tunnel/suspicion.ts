/** Guard 5: exporters that sample, or see one direction in part, whatever they say. */
import type { Point } from './points.js'

/** Pairs of equal packet sizes whose replies exceed their requests, beyond which an exporter is not believed. */
const SUSPECT_PAIRS = 3
const SUSPECT_SHARE = 0.1
/** Pairs of equal sizes that mirrored, from which an exporter is believed at first sight. */
const TRUSTED_PAIRS = 3

/**
 * An exporter that samples, or sees one direction only in part, shows more replies than requests on pings that
 * carry nothing (equal sizes both ways). One such pair is a duplicate or a drop; many are the exporter.
 */
export function seemsSampled({ tally: { plain, odd } }: Point): boolean {
  return odd >= SUSPECT_PAIRS && odd > plain * SUSPECT_SHARE
}

/** Pings whose replies come when no request is seen, of those that were there for long: sampling spares none. */
const STRAY_SHARE = 0.5

/** Whether counts look sampled on most pings. It is only told: what is judged exactly is judged by what a pair shows. */
export function looksSampledThroughout({ tally: { long, stray } }: Point): boolean {
  return stray >= SUSPECT_PAIRS && stray > long * STRAY_SHARE
}

/** Enough pings that carry nothing were seen whole, so that a pair that does not is the pair and not the exporter. */
export function isTrusted({ tally: { plain, odd } }: Point): boolean {
  return plain >= TRUSTED_PAIRS && odd === 0
}

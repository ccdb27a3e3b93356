/**
 * How often a device sends its templates over UDP, as its repetitions show. The lifetime of RFC 7011 §8.4 is derived
 * from it; nothing is dropped at its end, since a template that is kept loses no data, and one that changed overrides it.
 */
import type { StoredTemplate } from './template-store.js'

/** Repetitions closer together are bursts, one for each line card or process, and tell no interval. */
const SHORTEST_REFRESH_MILLISECONDS = 1000
/** A template that was not sent again within this many of its intervals is stale. RFC 7011 §8.4. */
const STALE_INTERVALS = 3

/** Notes that a template came again. The interval follows a longer one at once and a shorter one slowly, so that a lost datagram makes nothing stale. */
export function observeRefresh(stored: StoredTemplate, nowMilliseconds: number): void {
  const { lastReceivedMilliseconds: last, refreshMilliseconds: known } = stored
  const interval = nowMilliseconds - last
  if (last > 0 && interval < SHORTEST_REFRESH_MILLISECONDS) return
  stored.lastReceivedMilliseconds = nowMilliseconds
  if (last === 0) return
  stored.refreshMilliseconds = Math.max(interval, known === 0 ? 0 : known + (interval - known) / 8)
}

/** Whether a device has ceased to send a template that it used to repeat; it is used nevertheless. */
export function isStale(stored: StoredTemplate, nowMilliseconds: number): boolean {
  const { lastReceivedMilliseconds, refreshMilliseconds } = stored
  if (refreshMilliseconds === 0) return false
  return nowMilliseconds - lastReceivedMilliseconds > STALE_INTERVALS * refreshMilliseconds
}

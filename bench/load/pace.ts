/** A steady rate out of a timer that wakes each millisecond. */

export type Pace = {
  readonly total: number
  readonly perSecond: number
  /** Of one call. */
  readonly most: number
  readonly send: (count: number) => void | Promise<void>
  readonly isStopped: () => boolean
  /** Milliseconds, of any beginning; absent: the process's clock. */
  readonly now?: () => number
}

const WAKE_MILLISECONDS = 1
/**
 * A sender that could not run for longer forgets what it is behind: a burst at full speed would measure receive buffers
 * instead of a rate. It takes longer then.
 */
const MOST_BEHIND_MILLISECONDS = 20

/** Sends `total` in portions, never faster than the rate but for what a late wake-up must catch up with. */
export async function pace({
  total,
  perSecond,
  most,
  send,
  isStopped,
  now = performance.now.bind(performance),
}: Pace) {
  const mostBehind = Math.max(most, Math.floor((perSecond * MOST_BEHIND_MILLISECONDS) / 1000))
  let began = now()
  for (let sent = 0; sent < total && !isStopped(); ) {
    const due = Math.min(total, Math.floor(((now() - began) * perSecond) / 1000))
    const behind = due - sent - mostBehind
    if (behind > 0) began += (behind * 1000) / perSecond
    const until = Math.min(due, sent + mostBehind)
    while (sent < until) {
      const count = Math.min(most, until - sent)
      await send(count)
      sent += count
    }
    if (sent < total) await new Promise((resolve) => setTimeout(resolve, WAKE_MILLISECONDS))
  }
}

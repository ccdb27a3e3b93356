/**
 * The appliance's clock. It is the system's, but for a demonstration: there it begins in the past and runs faster until
 * it has caught up, so that an hour of simulated telemetry is received, stored and judged in a minute of ours.
 */

export const DAY_MILLISECONDS = 86_400_000

/** Plain data, so that it can be handed to another thread. */
export type ClockSetup = {
  /** What the clock showed at `realOriginMilliseconds`. */
  readonly originMilliseconds: number
  readonly realOriginMilliseconds: number
  /** At least 1. */
  readonly speed: number
}

export type Clock = {
  /** Milliseconds since 1970 UTC. */
  now(): number
  /** How long a span of this clock takes in truth while it runs fast; at least 10 ms, for timers. */
  timer(milliseconds: number): number
  /** How far this clock goes in a span of true time, now. */
  span(realMilliseconds: number): number
}

/** The system's clock when no setup is given. */
export function createClock(setup?: ClockSetup): Clock {
  if (setup === undefined) {
    return {
      now: () => Date.now(),
      timer: (milliseconds) => milliseconds,
      span: (milliseconds) => milliseconds,
    }
  }
  const { originMilliseconds, realOriginMilliseconds, speed } = setup
  const ahead = () => Math.floor(originMilliseconds + (Date.now() - realOriginMilliseconds) * speed)
  return {
    now: () => Math.min(Date.now(), ahead()),
    timer: (milliseconds) => Math.max(10, milliseconds / speed),
    span: (realMilliseconds) => (ahead() < Date.now() ? realMilliseconds * speed : realMilliseconds),
  }
}

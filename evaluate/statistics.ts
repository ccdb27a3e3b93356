/** Exact 95 % intervals: Clopper and Pearson's of a share, Garwood's of a Poisson rate; both by bisection. */

/** Ends of an interval. */
export type Interval = { readonly low: number; readonly high: number }

const TAIL = 0.025
const STEPS = 60

/** The x in [low, high] at which a falling function passes `target`. */
function bisect(low: number, high: number, target: number, falling: (x: number) => number): number {
  let [from, to] = [low, high]
  for (let step = 0; step < STEPS; step++) {
    const middle = (from + to) / 2
    if (falling(middle) > target) from = middle
    else to = middle
  }
  return (from + to) / 2
}

/** P(X <= count) of n trials with probability p. */
function binomialBelow(count: number, trials: number, p: number): number {
  if (p <= 0) return 1
  if (p >= 1) return count >= trials ? 1 : 0
  let term = trials * Math.log1p(-p)
  let sum = Math.exp(term)
  for (let k = 1; k <= count; k++) {
    term += Math.log(((trials - k + 1) * p) / (k * (1 - p)))
    sum += Math.exp(term)
  }
  return Math.min(1, sum)
}

/** P(X <= count) of a Poisson variable. */
function poissonBelow(count: number, mean: number): number {
  let term = -mean
  let sum = Math.exp(term)
  for (let k = 1; k <= count; k++) {
    term += Math.log(mean / k)
    sum += Math.exp(term)
  }
  return Math.min(1, sum)
}

/** Of a share of `hits` in `trials`. Clopper and Pearson, Biometrika 26 (1934). */
export function shareInterval(hits: number, trials: number): Interval {
  if (trials === 0) return { low: 0, high: 1 }
  const low = hits === 0 ? 0 : bisect(0, 1, 1 - TAIL, (p) => binomialBelow(hits - 1, trials, p))
  const high = hits === trials ? 1 : bisect(0, 1, TAIL, (p) => binomialBelow(hits, trials, p))
  return { low, high }
}

/** Of the expected number of which `count` were seen. Garwood, Biometrika 28 (1936). */
export function countInterval(count: number): Interval {
  const most = count + 10 + 10 * Math.sqrt(count + 1)
  const low = count === 0 ? 0 : bisect(0, most, 1 - TAIL, (mean) => poissonBelow(count - 1, mean))
  return { low, high: bisect(0, most, TAIL, (mean) => poissonBelow(count, mean)) }
}

/** The value below which a share of the sorted numbers lies; undefined for none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}

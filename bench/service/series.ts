/** Sums over measured values. */

export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5)
}

/** The value below which the given share lies, between neighbours in proportion; NaN of none. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((one, other) => one - other)
  const place = (sorted.length - 1) * share
  const low = sorted[Math.floor(place)] ?? Number.NaN
  const high = sorted[Math.ceil(place)] ?? low
  return low + (high - low) * (place - Math.floor(place))
}

/** How fast values grow per unit of time, by least squares; 0 of fewer than two. */
export function slope(points: readonly (readonly [time: number, value: number])[]): number {
  const count = points.length
  if (count < 2) return 0
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / count
  const [time, value] = [mean(0), mean(1)]
  let covariance = 0
  let variance = 0
  for (const [x, y] of points) {
    covariance += (x - time) * (y - value)
    variance += (x - time) ** 2
  }
  return variance === 0 ? 0 : covariance / variance
}

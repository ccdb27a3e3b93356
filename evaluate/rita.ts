/**
 * RITA v5's beacon score, restated from its published description: a quarter each for regular gaps, equal sizes, an even
 * histogram over the day and long presence. Unit: all records of a pair within 24 hours,
 * or within what there is of them.
 */

const LEAST_TIMES = 4
const BINS = 24
const BIMODAL_BINS = 11
const PRESENT_BINS = 6
const LONG_RUN_HOURS = 12

function quartiles(sorted: readonly number[]): [number, number, number] {
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
  return [at(0.25), at(0.5), at(0.75)]
}

const ascending = (values: readonly number[]) => [...values].sort((one, other) => one - other)

/** Mean of one less Bowley's skewness and of one less the median deviation over the median. */
function evenness(values: readonly number[], leastSpread: number): number {
  const [first, median, third] = quartiles(ascending(values))
  const spread = third - first
  const isFlat = spread < leastSpread || median === first || median === third
  const skew = isFlat ? 0 : (first + third - 2 * median) / spread
  const deviation = quartiles(ascending(values.map((value) => Math.abs(value - median))))[1]
  const mad = median < 1 ? 1 : Math.max(0, (median - deviation) / median)
  return (1 - Math.abs(skew) + mad) / 2
}

function histogramScore(bins: readonly number[]): number {
  const mean = bins.reduce((sum, count) => sum + count, 0) / BINS
  const deviation = Math.sqrt(bins.reduce((sum, count) => sum + (count - mean) ** 2, 0) / BINS)
  const variation = deviation / mean
  const even = variation > 1 ? 0 : 1 - variation
  const used = bins.filter((count) => count > 0)
  if (used.length < BIMODAL_BINS) return even
  const width = Math.ceil(0.05 * Math.max(...used))
  const bars = new Map<number, number>()
  for (const count of used) {
    const bar = Math.floor(count / width)
    bars.set(bar, (bars.get(bar) ?? 0) + 1)
  }
  const [largest = 0, second = 0] = ascending([...bars.values()]).reverse()
  return Math.max(even, (largest + second) / Math.max(1, used.length - 1))
}

function durationScore(starts: readonly number[], bins: readonly number[], windowLength: number): number {
  if (bins.filter((count) => count > 0).length < PRESENT_BINS) return 0
  let [run, longest] = [0, 0]
  for (const count of bins) {
    run = count > 0 ? run + 1 : 0
    longest = Math.max(longest, run)
  }
  return Math.min(1, Math.max((starts.at(-1)! - starts[0]!) / windowLength, longest / LONG_RUN_HOURS))
}

/** 0 to 1 for records of one pair within a window in ms; octets are those of each record. */
export function ritaScore(
  startMilliseconds: readonly number[],
  octets: readonly number[],
  window: { readonly from: number; readonly length: number },
): number {
  const starts = ascending(startMilliseconds)
  if (new Set(starts).size < LEAST_TIMES) return 0
  const gaps = starts.slice(1).map((start, index) => (start - starts[index]!) / 1000)
  const positive = gaps.filter((gap) => gap > 0)
  const bins = new Array<number>(BINS).fill(0)
  for (const start of starts) {
    const bin = Math.floor(((start - window.from) / window.length) * BINS)
    bins[Math.min(BINS - 1, Math.max(0, bin))]!++
  }
  const parts = [
    positive.length < LEAST_TIMES - 1 ? 0 : evenness(positive, 10),
    evenness(octets, 10),
    histogramScore(bins),
    durationScore(starts, bins, window.length),
  ]
  return parts.reduce((sum, part) => sum + Math.min(1, Math.max(0, part)), 0) / parts.length
}

// A small seeded pseudo-random generator (xoshiro128**, seeded through splitmix32), with the few distributions
// that the simulator draws from. The same seed gives the same sequence on every machine: only 32-bit integer
// arithmetic decides which values are drawn.

/** A seeded source of random numbers; every draw advances it. */
export interface Random {
  /** A 32-bit unsigned integer. */
  uint32(): number
  /** Uniform in [0, 1). */
  uniform(): number
  /** A uniform number in [low, high). */
  between(low: number, high: number): number
  /** A uniform integer in [low, high], both included. */
  integer(low: number, high: number): number
  /** True with the given probability. */
  chance(probability: number): boolean
  /** Exponentially distributed with the given mean. */
  exponential(mean: number): number
  /** Normally distributed (Box-Muller). */
  normal(mean: number, deviation: number): number
  /** Log-normal with the given median and the deviation of its natural logarithm. */
  logNormal(median: number, deviation: number): number
  /** One element of a non-empty list. */
  choice<T>(list: readonly T[]): T
  /** An index in [0, size) by Zipf's law with exponent 1: low indices are drawn most. */
  zipf(size: number): number
  /** How many of `count` independent trials of the given probability succeed. */
  binomial(count: number, probability: number): number
  /** An independent generator derived from this one's seed and a label, without advancing this one. */
  fork(label: string): Random
}

const MAX_EXACT_BINOMIAL = 64

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function splitmix32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) | 0
  }
}

/** FNV-1a over UTF-16 code units: a 32-bit hash of a label. */
export function hashText(text: string, seed = 0x811c9dc5): number {
  let hash = seed | 0
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

/** Creates a generator from a 32-bit seed. */
export function createRandom(seed: number): Random {
  const next = splitmix32(seed)
  let a = next()
  let b = next()
  let c = next()
  let d = next()

  function uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotateLeft(d, 11)
    return result
  }
  const uniform = () => uint32() / 0x1_0000_0000
  const exponential = (mean: number) => -mean * Math.log(1 - uniform())
  function normal(mean: number, deviation: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
    return mean + deviation * radius * Math.cos(2 * Math.PI * uniform())
  }
  function binomial(count: number, probability: number): number {
    if (count <= 0 || probability <= 0) return 0
    if (probability >= 1) return count
    if (count > MAX_EXACT_BINOMIAL) {
      const mean = count * probability
      const drawn = Math.round(normal(mean, Math.sqrt(mean * (1 - probability))))
      return Math.min(count, Math.max(0, drawn))
    }
    let successes = 0
    for (let trial = 0; trial < count; trial += 1) if (uniform() < probability) successes += 1
    return successes
  }
  return {
    uint32,
    uniform,
    between: (low, high) => low + (high - low) * uniform(),
    integer: (low, high) => low + Math.floor(uniform() * (high - low + 1)),
    chance: (probability) => probability > 0 && uniform() < probability,
    exponential,
    normal,
    logNormal: (median, deviation) => median * Math.exp(normal(0, deviation)),
    choice(list) {
      const chosen = list[Math.floor(uniform() * list.length)]
      if (chosen === undefined) throw new RangeError('choice from an empty list')
      return chosen
    },
    // The inverse of the continuous form: P(index < k) = log(k + 1) / log(size + 1).
    zipf: (size) => Math.min(size - 1, Math.floor((size + 1) ** uniform()) - 1),
    binomial,
    fork: (label) => createRandom(hashText(label, seed ^ 0x5bd1e995)),
  }
}

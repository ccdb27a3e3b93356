/** What the benches share: the best of some rounds, and a line of output. */

/** Rounds of each measurement; the best counts. */
export const ROUNDS = 5

/** The best of some rounds, in units per second. */
export function best(units: number, work: () => void): number {
  let fastest = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    work()
    fastest = Math.min(fastest, performance.now() - began)
  }
  return (units * 1000) / fastest
}

/** Prints a figure; a ratio to a peer of the same run may follow. */
export function print(what: string, value: number, unit: string, more = ''): void {
  const figure = value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 })
  process.stdout.write(`${what.padEnd(44)} ${figure.padStart(14)} ${unit}${more === '' ? '' : `  ${more}`}\n`)
}

/** What docs/operations.md promises of a killed process, held against a run of kills. */
import type { KillResult } from './run.js'

/** Rows are sealed each second; the timer and the encoding may be late on a busy machine. */
export const PROMISED_MILLISECONDS = 1000
const LATE_MILLISECONDS = 1000

/** What was broken; empty when all was kept. */
export function faultsOf(result: KillResult): string[] {
  const faults: [boolean, string][] = [
    [result.sent === 0 || result.stored === 0, 'nothing was sent or stored'],
    [
      result.oldestGoneMilliseconds > PROMISED_MILLISECONDS + LATE_MILLISECONDS,
      `a record that was sent ${result.oldestGoneMilliseconds} ms before a kill is gone`,
    ],
    [result.twice > 0, `${result.twice} records are there twice`],
    [result.blocksFailed > 0, `${result.blocksFailed} blocks cannot be read`],
    [
      result.toldAtStart !== result.missing,
      `${result.missing} rows are missing, the last start told of ${result.toldAtStart}`,
    ],
    [!result.shownInHealth, 'health does not show what is missing'],
    [result.wasForgotten, 'a later start told of fewer missing rows than an earlier one'],
  ]
  return faults.filter(([isBroken]) => isBroken).map(([, text]) => text)
}

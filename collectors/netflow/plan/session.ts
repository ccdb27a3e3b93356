/** Where in its life a firewall session is. */
import { FlowColumnIndex } from '#core/records/columns.js'
import type { RowDraft, RowStep } from './draft.js'

const Column = FlowColumnIndex

/** firewallEvent (IE 233) → phase and outcome, as places in phaseNames and outcomeNames; 0 is none. */
const SESSION_PHASES = [0, 1, 3, 0, 0, 2]
const SESSION_OUTCOMES = [0, 1, 1, 2, 0, 1]

/**
 * The life of a firewall session: created, deleted, denied, updated. Updates count what came since the one before, the
 * end counts all, so whoever sums takes one or the other.
 */
const fillSession: RowStep = (_context, builder, row, count) => {
  const events = builder.planes[Column.firewallEvent]![0]!
  const phases = builder.planes[Column.phase]![0]!
  const outcomes = builder.planes[Column.outcome]![0]!
  for (let index = row; index < row + count; index++) {
    phases[index] = SESSION_PHASES[events[index]!] ?? 0
    outcomes[index] = SESSION_OUTCOMES[events[index]!] ?? 0
  }
}

/** Phase and outcome of a record that has a firewall event. */
export function addSession({ columns, rowSteps }: RowDraft): void {
  if (!columns.has(Column.firewallEvent)) return
  columns.add(Column.phase)
  columns.add(Column.outcome)
  rowSteps.push(fillSession)
}

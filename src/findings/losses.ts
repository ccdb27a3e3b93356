/**
 * What people say of stored rows that are gone or cannot be read: that they know. Such a loss stays on record, with who
 * acknowledged it, when and why, and is no fault any more; one that comes later is. What detectors and queries say of the
 * time of a loss does not change by it.
 */
import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { ApplianceError } from '../errors.js'
import type { Documents } from '../store/documents.js'
import { findGaps, rowsOfHoles, type StoreDamage } from '../store/holes.js'
import type { ScrubState } from '../store/scrub.js'
import type { Audit } from './audit.js'
import { canonicalJson } from './canonical.js'
import { LOSS_BY_NUMBER, sortable } from './keys.js'
import { createSerial } from './serial.js'

const ID_PREFIX = 'loss-'

const closed = { additionalProperties: false } as const

/** Rows that are gone, and blocks that are damaged. */
export const Losses = Type.Object(
  {
    holes: Type.Array(
      Type.Object(
        {
          fromSequence: Type.Integer({ description: 'number of the first row that is gone' }),
          toSequence: Type.Integer({ description: 'one more than that of the last' }),
          fromMilliseconds: Type.Number({ description: 'they were received at this time or later' }),
          toMilliseconds: Type.Number({ description: 'and at this time or earlier' }),
        },
        closed,
      ),
    ),
    blocks: Type.Array(Type.Object({ name: Type.String(), reason: Type.String() }, closed)),
    unnamedRows: Type.Integer({ description: 'rows of further holes, older than those that are named' }),
    unnamedBlocks: Type.Integer({ description: 'further damaged blocks' }),
  },
  closed,
)
export type Losses = Static<typeof Losses>

/** What is missing of what is kept, and how much of it nobody has acknowledged. */
export const LossReport = Type.Object(
  {
    lostRows: Type.Integer({ description: 'rows that are gone, acknowledged or not' }),
    damagedBlocks: Type.Integer({ description: 'blocks that are damaged, acknowledged or not' }),
    open: Losses,
  },
  closed,
)
export type LossReport = Static<typeof LossReport>

/** What a person gives. */
export const LossNote = Type.Object(
  {
    note: Type.String({
      minLength: 1,
      maxLength: 1000,
      pattern: '\\S',
      description: 'what happened, or where it stands',
    }),
  },
  closed,
)
export type LossNote = Static<typeof LossNote>

/** That a person has read of losses; it is never changed. */
export const LossAcknowledgement = Type.Object(
  {
    id: Type.String(),
    atMilliseconds: Type.Number(),
    by: Type.String({ description: 'name of the token' }),
    note: Type.String(),
    losses: Losses,
  },
  closed,
)
export type LossAcknowledgement = Static<typeof LossAcknowledgement>

export type LossRepository = {
  report(): LossReport
  /** The oldest first. */
  acknowledgements(): readonly LossAcknowledgement[]
  /**
   * Acknowledges all that is open. Throws CONFLICT when `expects` refuses what is open now, INVALID when nothing is.
   */
  acknowledge(
    note: LossNote,
    change: { readonly by: string; readonly expects: (open: Losses) => boolean },
  ): Promise<LossAcknowledgement>
}

/** What is missing now, by what was found in the index and what scrubbing has read. */
export function lossesOf(damage: StoreDamage | undefined, scrub: ScrubState | undefined): Losses {
  const { lostRows = 0, damagedBlocks = 0, holes = [], damaged = [] } = damage ?? {}
  const blocks = new Map(damaged.map(({ name, reason }) => [name, reason]))
  for (const { name, reason } of scrub?.damaged ?? []) if (!blocks.has(name)) blocks.set(name, reason)
  return {
    holes: [...holes],
    blocks: [...blocks].map(([name, reason]) => ({ name, reason })),
    unnamedRows: lostRows - rowsOfHoles(holes),
    unnamedBlocks: damagedBlocks - damaged.length,
  }
}

/** What of the losses nobody has acknowledged. Of those that are not named only the most that were is known. */
export function openOf(losses: Losses, acknowledged: readonly LossAcknowledgement[]): Losses {
  const known = acknowledged.map((each) => each.losses)
  const runs = known.flatMap(({ holes }) =>
    holes.map(({ fromSequence, toSequence }) => ({ first: fromSequence, end: toSequence })),
  )
  const names = new Set(known.flatMap(({ blocks }) => blocks.map(({ name }) => name)))
  const beyond = (key: 'unnamedRows' | 'unnamedBlocks') => {
    const most = known.reduce((most, each) => Math.max(most, each[key]), 0)
    return losses[key] > most ? losses[key] : 0
  }
  return {
    holes: losses.holes.flatMap((hole) => {
      const { fromSequence: from, toSequence: to } = hole
      const near = runs.filter(({ first, end }) => first < to && end > from)
      return findGaps(near, from, to).map((gap) => ({ ...hole, ...gap }))
    }),
    blocks: losses.blocks.filter(({ name }) => !names.has(name)),
    unnamedRows: beyond('unnamedRows'),
    unnamedBlocks: beyond('unnamedBlocks'),
  }
}

/** Order of acknowledging, for paging. */
export function numberOfLoss(id: string): number {
  return Number(id.slice(ID_PREFIX.length))
}

/** How many rows and blocks losses are. */
export function sizeOf({ holes, blocks, unnamedRows, unnamedBlocks }: Losses): {
  rows: number
  blocks: number
} {
  return { rows: rowsOfHoles(holes) + unnamedRows, blocks: blocks.length + unnamedBlocks }
}

/** Changes with whatever is open, for who acknowledges what they have read. */
export function versionOf(open: Losses): string {
  return createHash('sha256').update(canonicalJson(open)).digest('hex').slice(0, 16)
}

/** Reads what was acknowledged. `current` gives what is missing now. */
export async function openLosses(options: {
  documents: Documents
  audit: Audit
  now: () => number
  current: () => Losses
}): Promise<LossRepository> {
  const { documents, audit, now, current } = options
  const serial = createSerial()
  const acknowledged: LossAcknowledgement[] = []
  for await (const [, each] of documents.list<LossAcknowledgement>(LOSS_BY_NUMBER)) acknowledged.push(each)

  return {
    report() {
      const losses = current()
      const { rows, blocks } = sizeOf(losses)
      return { lostRows: rows, damagedBlocks: blocks, open: openOf(losses, acknowledged) }
    },
    acknowledgements: () => acknowledged,
    acknowledge: ({ note }, { by, expects }) =>
      serial(async () => {
        const losses = openOf(current(), acknowledged)
        if (!expects(losses))
          throw new ApplianceError('CONFLICT', 'other losses are open than those that were read')
        const { rows, blocks } = sizeOf(losses)
        if (rows + blocks === 0) throw new ApplianceError('INVALID', 'there is no loss to acknowledge')
        const number = acknowledged.length + 1
        const made = { id: `${ID_PREFIX}${number}`, atMilliseconds: now(), by, note, losses }
        const event = { actor: by, action: 'loss.acknowledge', subject: made.id, after: made } as const
        await audit.record(event, [{ type: 'put', key: LOSS_BY_NUMBER + sortable(number), value: made }])
        acknowledged.push(made)
        return made
      }),
  }
}

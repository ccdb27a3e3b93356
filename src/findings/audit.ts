/**
 * The audit: who changed an exception, a disposition, a token or the context, and how; who took a backup or acknowledged a loss. Entries are only appended. Each carries the
 * hash of the one before it, so that an entry that was changed, removed or put in shows; a head record shows a cut tail.
 * Who can rewrite the whole database can rewrite the whole chain: keep the head's hash elsewhere to notice that.
 */
import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { DocumentOperation, Documents } from '../store/documents.js'
import { canonicalJson } from './canonical.js'
import { AUDIT_BY_SEQUENCE, AUDIT_HEAD, sortable } from './keys.js'
import { createSerial } from './serial.js'

/** What can be in the audit. */
export const auditActions = [
  'exception.create',
  'exception.update',
  'exception.approve',
  'exception.delete',
  'finding.disposition',
  'token.create',
  'token.revoke',
  'backup.create',
  'baseline.freeze',
  'baseline.unfreeze',
  'baseline.reset',
  'baseline.import',
  'settings.change',
  'loss.acknowledge',
  'context.create',
  'context.update',
  'context.delete',
  'context.import',
] as const
export type AuditAction = (typeof auditActions)[number]

/** One link of the chain. */
export const AuditEntry = Type.Object(
  {
    sequence: Type.Integer({ description: 'from 1, without gaps' }),
    atMilliseconds: Type.Number(),
    actor: Type.String({ description: 'name of the token, or "system"' }),
    action: Type.Enum([...auditActions]),
    subject: Type.String({ description: 'id of what was changed' }),
    before: Type.Optional(Type.Unknown({ description: 'as it was' })),
    after: Type.Optional(Type.Unknown({ description: 'as it is now' })),
    previousHash: Type.String({ description: '64 zeros in the first entry' }),
    hash: Type.String({
      description:
        'SHA-256 in hex of previousHash, a line feed, and the entry without hash as canonical JSON',
    }),
  },
  { additionalProperties: false },
)
export type AuditEntry = Static<typeof AuditEntry>

/** What a writer says of a change; the audit adds order and hashes. */
export type AuditEvent = {
  readonly actor: string
  readonly action: AuditAction
  readonly subject: string
  readonly before?: unknown
  readonly after?: unknown
}

/** Whether the chain holds; if not, the first entry where it does not. */
export const AuditVerdict = Type.Object(
  {
    intact: Type.Boolean(),
    entries: Type.Integer(),
    headHash: Type.String(),
    brokenAtSequence: Type.Optional(Type.Integer()),
    problem: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
export type AuditVerdict = Static<typeof AuditVerdict>

type Head = { sequence: number; hash: string }

/** Appends to the chain, reads it and tests it. */
export type Audit = {
  /** Appends an entry, in one batch with the writes that it tells of. */
  record(event: AuditEvent, operations?: readonly DocumentOperation[]): Promise<AuditEntry>
  /** Entries in order from after `after`; with `reverse`, the newest first. */
  page(options: { after?: number; limit: number; reverse?: boolean }): Promise<AuditEntry[]>
  /** Reads the whole chain and tests every link. */
  verify(): Promise<AuditVerdict>
}

const FIRST_HASH = '0'.repeat(64)

/** Makes the audit over a documents database; one may write to it. */
export function createAudit(options: { documents: Documents; now: () => number }): Audit {
  const { documents, now } = options
  const serial = createSerial()
  const entryKey = (sequence: number) => AUDIT_BY_SEQUENCE + sortable(sequence)

  async function readHead(): Promise<Head> {
    const head = (await documents.get<Head>(AUDIT_HEAD)) ?? { sequence: 0, hash: FIRST_HASH }
    // A repaired database may have an older head than entries: none of them may be written over.
    const newest = documents.list<AuditEntry>(AUDIT_BY_SEQUENCE, { reverse: true, limit: 1 })
    for await (const [, entry] of newest) {
      if (entry.sequence > head.sequence) return { sequence: entry.sequence, hash: entry.hash }
    }
    return head
  }

  return {
    record(event, operations = []) {
      return serial(async () => {
        const head = await readHead()
        const unhashed = {
          ...event,
          sequence: head.sequence + 1,
          atMilliseconds: now(),
          previousHash: head.hash,
        }
        const entry: AuditEntry = { ...unhashed, hash: hashOf(unhashed) }
        await documents.batch([
          ...operations,
          { type: 'put', key: entryKey(entry.sequence), value: entry },
          { type: 'put', key: AUDIT_HEAD, value: { sequence: entry.sequence, hash: entry.hash } },
        ])
        return entry
      })
    },

    async page({ after, limit, reverse = false }) {
      const entries: AuditEntry[] = []
      const bounds = after === undefined ? {} : { after: entryKey(after) }
      const listing = documents.list<AuditEntry>(AUDIT_BY_SEQUENCE, { ...bounds, limit, reverse })
      for await (const [, entry] of listing) entries.push(entry)
      return entries
    },

    verify() {
      return serial(async () => {
        const head = await documents.get<Head>(AUDIT_HEAD)
        let sequence = 0
        let hash = FIRST_HASH
        const broken = (problem: string): AuditVerdict => ({
          intact: false,
          entries: sequence,
          headHash: head?.hash ?? hash,
          brokenAtSequence: sequence + 1,
          problem,
        })
        for await (const [key, entry] of documents.list<AuditEntry>(AUDIT_BY_SEQUENCE)) {
          const { hash: claimed, ...unhashed } = entry
          if (key !== entryKey(sequence + 1)) return broken('an entry is missing')
          if (entry.sequence !== sequence + 1) return broken('an entry carries the number of another')
          if (entry.previousHash !== hash) return broken('an entry does not follow the one before it')
          if (claimed !== hashOf(unhashed)) return broken('an entry was changed after it was written')
          sequence = entry.sequence
          hash = claimed
        }
        if (sequence === 0 && head === undefined) return { intact: true, entries: 0, headHash: FIRST_HASH }
        if (head === undefined) return broken('the head of the chain is missing')
        if (head.sequence !== sequence || head.hash !== hash) return broken('the end of the chain is missing')
        return { intact: true, entries: sequence, headHash: hash }
      })
    },
  }
}

function hashOf(unhashed: Omit<AuditEntry, 'hash'>): string {
  return createHash('sha256')
    .update(`${unhashed.previousHash}\n${canonicalJson(unhashed)}`)
    .digest('hex')
}

/**
 * Sessions of firewalls: the rows that one of them wrote about a connection (opened, still there, closed), joined by
 * exporter, host, session id and the two ends. Rows stay as they are; joining is done here, when somebody asks.
 */
import type { BlockStore } from './block-store.js'
import { allEffort, type Effort, type PartialReason, stopReason } from './query/effort.js'
import { queryRows, type RowQuery } from './query/rows.js'

/** Whether the closing row was seen. */
export type SessionState = 'open' | 'closed'

/** One session: what its rows say together, the later row winning, with counters added up over closing and interim rows. */
export type Session = Record<string, unknown> & {
  state: SessionState
  /** The rows that were joined, the newest first. */
  rows: number[]
  firstReceivedMilliseconds: number
  lastReceivedMilliseconds: number
}

/** A search for sessions; the filters are those of rows. */
export type SessionQuery = RowQuery & { readonly state?: SessionState }

/** Sessions found, the one with the latest row first. `partial`: older rows of some may be missing. */
export type SessionPage = {
  readonly sessions: readonly Session[]
  readonly nextCursor: string | undefined
  readonly partial: boolean
  readonly partialReasons: readonly PartialReason[]
  readonly blocksFailed: number
}

type Row = Record<string, unknown> & { row: number }

/** Rows read at a time. */
const PAGE = 1000
/** Sessions held while their earlier rows are looked for. */
const MAX_SESSIONS = 20_000
/** A search ends after so much work and says so. */
const MAX_MILLISECONDS = 2000
/** An opening row that is missing is looked for until so long before it must have been written. */
const SLACK_MILLISECONDS = 60_000
/** Counters whose parts add up to the session's: interim rows carry what came since the row before. */
const counters = ['octets', 'reverseOctets', 'octetsTotal', 'packets', 'reversePackets', 'packetsTotal']

/** Joins rows that come newest first. */
export class SessionJoiner {
  /** In the order of their latest row. */
  readonly sessions: Session[] = []
  /** There was no room for one more: earlier sessions than these are not known. */
  isFull = false
  readonly #current = new Map<string, Session>()
  readonly #incomplete = new Set<Session>()

  add(row: Row): void {
    const { sessionId } = row
    if (typeof sessionId !== 'string') return
    const key = keyOf(row, sessionId)
    const phase = row['phase']
    const known = this.#current.get(key)
    // Ids are used again: a closing row above which a session stands already belongs to an earlier one.
    if (known !== undefined && phase !== 'end') {
      merge(known, row)
      if (phase === 'start') this.#complete(key, known)
      return
    }
    if (known !== undefined) this.#complete(key, known)
    if (this.sessions.length >= MAX_SESSIONS) {
      this.isFull = true
      return
    }
    const session = begin(row, phase === 'end' || phase === undefined ? 'closed' : 'open')
    this.sessions.push(session)
    if (phase === 'start') return
    this.#current.set(key, session)
    this.#incomplete.add(session)
  }

  /** When the earliest row that is still missing can have been received; Infinity when none is. */
  earliestMissing(): number {
    let earliest = Number.POSITIVE_INFINITY
    for (const session of this.#incomplete) {
      const duration = session['durationMilliseconds']
      const since = typeof duration === 'number' ? duration : 0
      earliest = Math.min(earliest, session.lastReceivedMilliseconds - since - SLACK_MILLISECONDS)
    }
    return earliest
  }

  #complete(key: string, session: Session): void {
    this.#current.delete(key)
    this.#incomplete.delete(session)
  }
}

function keyOf(row: Row, sessionId: string): string {
  const one = `${String(row['sourceAddress'])}/${String(row['sourceTransportPort'])}`
  const other = `${String(row['destinationAddress'])}/${String(row['destinationTransportPort'])}`
  const ends = one < other ? `${one} ${other}` : `${other} ${one}`
  return `${String(row['exporterAddress'])} ${String(row['host'])} ${sessionId} ${String(row['protocolIdentifier'])} ${ends}`
}

function begin(row: Row, state: SessionState): Session {
  const { row: number, phase: _phase, message: _message, receivedMilliseconds: _received, ...values } = row
  const received = Number(row['receivedMilliseconds'])
  return {
    ...values,
    state,
    rows: [number],
    firstReceivedMilliseconds: received,
    lastReceivedMilliseconds: received,
  }
}

/** Adds an earlier row: what the later ones do not say is taken from it. */
function merge(session: Session, row: Row): void {
  session.rows.push(row.row)
  session.firstReceivedMilliseconds = Number(row['receivedMilliseconds'])
  for (const [name, value] of Object.entries(row)) {
    if (name === 'row' || name === 'phase' || name === 'message' || name === 'receivedMilliseconds') continue
    if (session[name] === undefined) session[name] = value
    else if (counters.includes(name) && typeof value === 'number' && typeof session[name] === 'number') {
      session[name] = session[name] + value
    }
  }
  const start = row['startMilliseconds']
  if (row['phase'] === 'start' && typeof start === 'number') session['startMilliseconds'] = start
}

/** Searches sessions, page by page, by their latest row. Each page reads from the newest row on, so that none is torn. */
export async function querySessions(
  store: BlockStore,
  { limit, cursor, state, ...filters }: SessionQuery,
  effort: Effort = allEffort,
): Promise<SessionPage> {
  const before = cursor === undefined ? Number.POSITIVE_INFINITY : Number(cursor)
  const joiner = new SessionJoiner()
  const ends = Math.min(effort.deadlineMilliseconds, effort.now() + MAX_MILLISECONDS)
  let blocksFailed = 0
  let isRemoved = false
  let position: string | undefined
  for (;;) {
    const page = await queryRows(
      store,
      {
        ...filters,
        // Rows before the window may open a session that ends in it.
        fromMilliseconds: 0,
        limit: PAGE,
        ...(position === undefined ? {} : { cursor: position }),
      },
      effort,
    )
    blocksFailed += page.blocksFailed
    isRemoved ||= page.partialReasons.includes('removed')
    const rows = page.rows as Row[]
    for (const row of rows) joiner.add(row)
    position = page.nextCursor
    const reached = Number(rows.at(-1)?.['receivedMilliseconds'] ?? Number.NaN)
    const found = wanted()
    const isEnough = found.length > limit || joiner.isFull || reached < (filters.fromMilliseconds ?? 0)
    if (position === undefined || (isEnough && reached < joiner.earliestMissing()))
      return answer(found, joiner.isFull && found.length <= limit ? 'sessions' : undefined)
    const stopped = stopReason({ ...effort, deadlineMilliseconds: ends })
    if (stopped !== undefined) return answer(found, stopped)
  }

  function wanted(): Session[] {
    return joiner.sessions.filter(
      (session) =>
        session.rows[0]! < before &&
        session.lastReceivedMilliseconds >= (filters.fromMilliseconds ?? 0) &&
        (state === undefined || session.state === state),
    )
  }

  function answer(found: Session[], stopped?: PartialReason): SessionPage {
    const partialReasons: PartialReason[] = blocksFailed > 0 ? ['blocks'] : []
    if (isRemoved) partialReasons.push('removed')
    if (stopped !== undefined) partialReasons.push(stopped)
    const sessions = found.slice(0, limit)
    const last = sessions.at(-1)?.rows[0]
    const hasMore = found.length > limit || (stopped !== undefined && last !== undefined)
    return {
      sessions,
      nextCursor: hasMore ? String(last) : undefined,
      partial: partialReasons.length > 0,
      partialReasons,
      blocksFailed,
    }
  }
}

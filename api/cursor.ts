/**
 * Opaque cursors: where a list goes on. A cursor names its list and its filters, so that one from elsewhere is refused
 * and a forgotten filter on the second page is noticed. The check digits find damage, not malice: a cursor grants
 * nothing that its query does not.
 */
import { createHash } from 'node:crypto'
import { canonicalJson } from '#core/findings/canonical.js'
import { invalid } from './errors.js'

/** A place in a list: a number or a text, by what the list is ordered. */
export type Position = number | string

/** The list that a cursor belongs to. */
export type ListIdentity = {
  readonly list: string
  readonly order?: string | undefined
  /** What restricts the list; all pages must agree. */
  readonly filters: object
}

const VERSION = 1
const MAX_LENGTH = 4096

type Content = { v: number; l: string; o: string; f: string; p: Position; c: string }

/** The cursor of a place in a list. */
export function encodeCursor(identity: ListIdentity, position: Position): string {
  const content = {
    v: VERSION,
    l: identity.list,
    o: identity.order ?? '',
    f: digest(canonicalJson(identity.filters)),
    p: position,
  }
  const text = canonicalJson({ ...content, c: digest(canonicalJson(content)) })
  return Buffer.from(text).toString('base64url')
}

/** The place that a cursor stands for; a 400 when it is damaged or another list's. */
export function decodeCursor(identity: ListIdentity, cursor: string): Position {
  const content = read(cursor)
  if (content.l !== identity.list) throw invalid('/cursor', 'this cursor belongs to another list')
  if (content.o !== (identity.order ?? '')) throw invalid('/cursor', 'this cursor belongs to another order')
  if (content.f !== digest(canonicalJson(identity.filters))) {
    throw invalid('/cursor', 'this cursor belongs to other filters: repeat those of the first page')
  }
  return content.p
}

/** The order that a cursor was made for. */
export function orderOfCursor(cursor: string): string {
  return read(cursor).o
}

function read(cursor: string): Content {
  const problem = invalid('/cursor', 'not a cursor of this appliance')
  if (cursor.length > MAX_LENGTH || !/^[A-Za-z0-9_-]+$/.test(cursor)) throw problem
  let content: Content
  try {
    content = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw problem
  }
  if (typeof content !== 'object' || content === null || content.v !== VERSION) throw problem
  const { c, ...rest } = content
  if (c !== digest(canonicalJson(rest))) throw problem
  const { p } = content
  const isNumber = typeof p === 'number' && Number.isSafeInteger(p) && p >= 0
  if (!isNumber && typeof p !== 'string') throw problem
  return content
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 11)
}

/** One page of a short list that is held in memory, in the order of a key that never changes. */
export function pageOf<T, K extends Position>(
  identity: ListIdentity,
  items: readonly T[],
  keyOf: (item: T) => K,
  query: { readonly cursor?: string; readonly limit: number },
): { items: T[]; nextCursor?: string; hasMore: boolean } {
  const after = query.cursor === undefined ? undefined : decodeCursor(identity, query.cursor)
  const rest = items
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || key > after)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const page = rest.slice(0, query.limit)
  const last = page.at(-1)
  const hasMore = rest.length > page.length
  const next = hasMore && last !== undefined ? { nextCursor: encodeCursor(identity, last.key) } : {}
  return { items: page.map(({ item }) => item), ...next, hasMore }
}

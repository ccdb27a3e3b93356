/**
 * JSON with its keys in one order, so that equal values give equal text: for ids, for the audit chain, and to tell
 * whether something changed.
 */

/** JSON text with sorted keys and no white space; undefined members are left out, as JSON.stringify does. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    const entries = Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return Object.fromEntries(entries)
  })
}

/**
 * Keys of the documents database that belong to findings, exceptions, audit, runs and tokens. Numbers are written with
 * 16 decimal digits, so that keys sort as the numbers do.
 */

export const FINDING_BY_ID = 'finding/id/'
export const FINDING_BY_SEQUENCE = 'finding/sequence/'
export const FINDING_BY_REVISION = 'finding/revision/'
export const FINDING_COUNTERS = 'finding/counters'
export const EXCEPTION_BY_NUMBER = 'exception/number/'
export const EXCEPTION_COUNTER = 'exception/counter'
export const EXCEPTIONS_SETTLED = 'exception/settled'
export const AUDIT_BY_SEQUENCE = 'audit/sequence/'
export const AUDIT_HEAD = 'audit/head'
export const LOSS_BY_NUMBER = 'loss/number/'
export const RUN_BY_TIME = 'run/time/'
export const TOKEN_BY_ID = 'token/id/'

/** A number from 0 to 2^53 − 1 as sortable text. */
export function sortable(value: number): string {
  return String(value).padStart(16, '0')
}

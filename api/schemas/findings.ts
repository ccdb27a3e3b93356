/**
 * Findings: what a list can be restricted by, and what a person may change.
 */
import { type Static, Type } from 'typebox'
import { DispositionState, Finding, Severity } from '#core/findings/finding.js'
import { Explanation } from '#core/findings/visibility.js'
import { Paging, Query, QueryPrefix, QueryTime } from '../query.js'
import { Page } from './common.js'

/** The query of the list of findings. */
export const FindingQuery = Query({
  ...Paging,
  detector: Type.Optional(Type.String({ maxLength: 64 })),
  kind: Type.Optional(Type.Enum(['finding', 'coverage'])),
  severity: Type.Optional(Severity),
  minimumSeverity: Type.Optional(Severity),
  sourceAddress: Type.Optional(QueryPrefix('any source address is in it')),
  destinationAddress: Type.Optional(QueryPrefix('any destination address is in it')),
  address: Type.Optional(QueryPrefix('any address on either side is in it')),
  from: Type.Optional(QueryTime('last seen at or after')),
  to: Type.Optional(QueryTime('first seen before')),
  hidden: Type.Optional(
    Type.Enum(['false', 'true', 'only'], { description: 'false (default): not what exceptions hide' }),
  ),
  disposition: Type.Optional(DispositionState),
  updatedSince: Type.Optional(QueryTime('written at or after; implies order=updated')),
  order: Type.Optional(
    Type.Enum(['newest', 'oldest', 'updated'], {
      description: 'newest (default) or oldest created first, or oldest write first',
    }),
  ),
  format: Type.Optional(Type.Enum(['json', 'csv'])),
})
export type FindingQuery = Static<typeof FindingQuery>

export const FindingPage = Page(Finding)

/** What a person may change of a finding. */
export const DispositionInput = Type.Object(
  { state: DispositionState, comment: Type.Optional(Type.String({ maxLength: 4000 })) },
  { additionalProperties: false },
)

/** Every exception with its answer for one finding. */
export const Explanations = Type.Object(
  { findingId: Type.String(), hidden: Type.Boolean(), exceptions: Type.Array(Explanation) },
  { additionalProperties: false },
)

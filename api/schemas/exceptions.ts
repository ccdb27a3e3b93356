/**
 * Exceptions: what a list can be restricted by, and what a preview asks.
 */
import { type Static, Type } from 'typebox'
import { Exception, ExceptionInput, exceptionStates } from '#core/findings/exception.js'
import { Paging, Query } from '../query.js'
import { Page } from './common.js'

/** The query of the list of exceptions. */
export const ExceptionQuery = Query({
  ...Paging,
  state: Type.Optional(Type.Enum([...exceptionStates])),
  owner: Type.Optional(Type.String({ maxLength: 200 })),
  unusedDays: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 3650, description: 'matched nothing that was seen in so many days' }),
  ),
})

export const ExceptionPage = Page(Exception)

const { match, ...others } = ExceptionInput.properties

/** An exception that is not saved yet, and how far back to look. Only its conditions matter here. */
export const PreviewInput = Type.Object(
  {
    exception: Type.Object(
      { match, ...Type.Partial(Type.Object(others)).properties },
      { additionalProperties: false },
    ),
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650, description: '30 when absent' })),
  },
  { additionalProperties: false },
)
export type PreviewInput = Static<typeof PreviewInput>

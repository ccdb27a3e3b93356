/**
 * Shapes that several resources share.
 */
import { type TSchema, Type } from 'typebox'
import { ErrorBody } from '../errors.js'

/** A page of a list. */
export function Page<Item extends TSchema>(item: Item) {
  return Type.Object(
    {
      items: Type.Array(item),
      nextCursor: Type.Optional(Type.String({ description: 'send it as cursor to go on' })),
      hasMore: Type.Boolean({ description: 'whether there was more when this page was made' }),
    },
    { additionalProperties: false },
  )
}

/** Errors that any route may answer. */
export const errorResponses = { '4xx': ErrorBody, '5xx': ErrorBody }

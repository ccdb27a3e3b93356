/** What is wrong with a value, by the schema that it should fit: one line a fault, with its place. */
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'

export type Fault = { readonly path: readonly string[]; readonly message: string }

/** Faults told at a time; the rest follows when these are mended. */
const MOST_FAULTS = 10

/** The faults of a value; none when it fits. */
export function faultsOf(schema: TSchema, value: unknown): Fault[] {
  return (
    Value.Errors(schema, value)
      // An unknown key is also told as a value that fits no schema.
      .filter(({ message }) => message !== 'schema is false')
      .slice(0, MOST_FAULTS)
      .map(({ instancePath, message, params }) => {
        const path = instancePath.split('/').slice(1)
        const { additionalProperties, allowedValues } = params as {
          additionalProperties?: string[]
          allowedValues?: unknown[]
        }
        if (allowedValues !== undefined)
          return { path, message: `must be one of ${allowedValues.join(', ')}` }
        const [unknown] = additionalProperties ?? []
        return unknown === undefined
          ? { path, message }
          : { path: [...path, unknown], message: 'is not a known key' }
      })
  )
}

/**
 * Context: what its lists can be restricted by, and the whole as one document.
 */
import { type TProperties, type TSchema, Type } from 'typebox'
import { ContextData } from '#core/context/data.js'
import { StoredAsset, StoredMonitor, StoredService, StoredZone } from '#core/context/kinds.js'
import { Paging, Query, QueryPrefix } from '../query.js'

const text = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 200, description }))
const address = Type.Optional(QueryPrefix('whose prefix has it, or lies in it'))
const owner = text('who answers for it')
const expired = Type.Optional(Type.Enum(['true', 'false'], { description: 'whether its time is over' }))

/** Queries of the lists, by kind. */
export const contextQueries = {
  zones: Query({ ...Paging, address, name: text('a part of the name') }),
  assets: Query({ ...Paging, address, name: text('a part of the name'), role: text('the role'), owner }),
  services: Query({
    ...Paging,
    owner,
    expired,
    protocol: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
    port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
  }),
  monitors: Query({ ...Paging, owner, expired }),
} as const

const warnings = Type.Optional(
  Type.Array(Type.String(), { description: 'what may be a mistake: zones and roles that nothing has' }),
)

function Shown<Properties extends TProperties>(properties: Properties) {
  return Type.Object({ ...properties, warnings }, { additionalProperties: false })
}

/** Entries as they are answered. */
export const shownEntries = {
  zones: Shown(StoredZone.properties),
  assets: Shown(StoredAsset.properties),
  services: Shown(StoredService.properties),
  monitors: Shown(StoredMonitor.properties),
} as const satisfies Record<string, TSchema>

/** The whole; import takes it as it is. */
export const WholeContext = Type.Object(
  {
    version: Type.Integer({ description: 'changes with every change' }),
    ...ContextData.properties,
  },
  { additionalProperties: false },
)

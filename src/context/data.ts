/**
 * The entries of which context is made, declared once: types, validation, import and the API page follow. All but zones
 * may be absent; what is not said decides nothing.
 */
import { type Static, Type } from 'typebox'
import { MOST_MILLISECONDS } from '../records/time.js'

const closed = { additionalProperties: false } as const
const name = (description: string, maxLength = 128) => Type.String({ minLength: 1, maxLength, description })
const expiry = Type.Optional(
  Type.Number({
    minimum: 0,
    maximum: MOST_MILLISECONDS,
    description: 'no longer holds from then, ms since 1970 UTC',
  }),
)
const Prefix = Type.String({ minLength: 2, maxLength: 49, description: 'an address or a prefix' })
const selector = (whom: string) =>
  Type.Optional(
    Type.String({
      minLength: 2,
      maxLength: 160,
      description: `${whom}: an address, a prefix, zone:NAME or role:NAME; any when absent`,
    }),
  )

/** Roles that detectors know; others may be given and are told back. */
export const knownRoles = [
  'workstation',
  'server',
  'printer',
  'camera',
  'phone',
  'ot',
  'monitor',
  'loadBalancer',
  'resolver',
  'proxy',
  'gateway',
  'firewall',
  'vpn',
] as const

/** A prefix and the zone that it belongs to; the longest prefix that has an address decides. */
export const Zone = Type.Object(
  {
    prefix: Prefix,
    name: name('name of the zone'),
    isOutside: Type.Optional(Type.Boolean({ description: 'not of this network, such as a partner' })),
  },
  closed,
)
export type Zone = Static<typeof Zone>

/** A host, or a prefix of hosts of one kind. */
export const Asset = Type.Object(
  {
    prefix: Prefix,
    name: Type.Optional(name('name of the host')),
    role: Type.Optional(name(`DeviceRole: ${knownRoles.join(', ')}, or one of your own`, 64)),
    owner: Type.Optional(name('who answers for it')),
  },
  closed,
)
export type Asset = Static<typeof Asset>

/** Who may speak what to whom. */
export const SanctionedService = Type.Object(
  {
    client: selector('who opens'),
    server: selector('who is asked'),
    protocolIdentifier: Type.Integer({ minimum: 0, maximum: 255, description: '6 TCP, 17 UDP' }),
    port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, description: 'any when absent' })),
    application: Type.Optional(name('as a device names it; any when absent', 64)),
    owner: name('who answers for it'),
    reason: Type.Optional(name('why it is right', 2000)),
    expiresMilliseconds: expiry,
  },
  closed,
)
export type SanctionedService = Static<typeof SanctionedService>

/** Who may ping whom for as long as it likes. What carries data is told of all the same. */
export const SanctionedMonitor = Type.Object(
  {
    source: selector('who pings'),
    target: selector('who is pinged'),
    octets: Type.Optional(
      Type.Integer({
        minimum: 28,
        maximum: 65_535,
        description: 'IP length of its requests; any when absent',
      }),
    ),
    owner: name('who answers for it'),
    reason: Type.Optional(name('why it is right', 2000)),
    expiresMilliseconds: expiry,
  },
  closed,
)
export type SanctionedMonitor = Static<typeof SanctionedMonitor>

/** Everything, as detectors take it. */
export const ContextData = Type.Object(
  {
    zones: Type.Array(Zone),
    assets: Type.Array(Asset),
    services: Type.Array(SanctionedService),
    monitors: Type.Array(SanctionedMonitor),
  },
  closed,
)
export type ContextData = Static<typeof ContextData>

export const emptyContext: ContextData = { zones: [], assets: [], services: [], monitors: [] }

/**
 * Holds what somebody answers for against what is used: allowed but unused, used but not allowed. Pure. It knows what
 * the port/protocol detector has learned: hosts inside as clients, each pairing with the server that was asked last.
 */
import { type Static, Type } from 'typebox'
import { DAY_MILLISECONDS } from '../clock.js'
import { type Address, parseAddress } from '../records/address.js'
import type { Context } from './context.js'
import { SanctionedService } from './data.js'

const closed = { additionalProperties: false } as const

/** One host's use of a pairing. */
export type Use = {
  readonly client: string
  /** That of the last time, and the port. */
  readonly server: string
  readonly port: number
  /** Such as `zone:office` or `role:printer`. */
  readonly clientGroup: string
  readonly serverZone: string
  /** '' where no device names one. */
  readonly application: string
  readonly protocolIdentifier: number
  /** Days since 1970. */
  readonly lastDay: number
}

const seen = {
  hosts: Type.Integer({ description: 'distinct clients' }),
  lastSeenDay: Type.String({ description: 'the last day, UTC' }),
}

export const UsedService = Type.Object(
  {
    clientGroup: Type.String({ description: 'role or zone of the clients' }),
    serverZone: Type.String(),
    protocolIdentifier: Type.Integer(),
    port: Type.Integer({ description: 'of the server; 0 where the protocol has none' }),
    application: Type.Optional(Type.String()),
    exampleClient: Type.String({ description: 'the client seen last' }),
    exampleServer: Type.String({ description: 'and the server that it asked' }),
    ...seen,
  },
  closed,
)
export type UsedService = Static<typeof UsedService>

export const AllowedService = Type.Object({ service: SanctionedService, ...seen }, closed)
export type AllowedService = Static<typeof AllowedService>

export const PolicyReview = Type.Object(
  {
    sinceDay: Type.String({ description: 'what was last used before this day, UTC, counts as unused' }),
    allowedUnused: Type.Array(SanctionedService),
    allowedUsed: Type.Array(AllowedService),
    usedNotAllowed: Type.Array(UsedService, { description: 'most hosts first' }),
    usedNotAllowedTotal: Type.Integer({ description: 'how many there are; the rest is left out' }),
  },
  closed,
)
export type PolicyReview = Static<typeof PolicyReview>

export type PolicyQuestion = {
  readonly atMilliseconds: number
  /** How far back use counts. */
  readonly days: number
  /** Pairings told of at most. */
  readonly limit: number
}

type Sum = { readonly clients: Set<string>; last: Use }

export function policyReview(
  context: Context,
  uses: Iterable<Use>,
  { atMilliseconds, days, limit }: PolicyQuestion,
): PolicyReview {
  const sinceDay = Math.floor(atMilliseconds / DAY_MILLISECONDS) - days + 1
  const addresses = new Map<string, Address | undefined>()
  const addressOf = (text: string) => {
    if (!addresses.has(text)) addresses.set(text, parseAddress(text))
    return addresses.get(text)
  }
  const allowed = new Map<SanctionedService, Sum>()
  const others = new Map<string, Sum>()
  for (const use of uses) {
    const [client, server] = [addressOf(use.client), addressOf(use.server)]
    if (use.lastDay < sinceDay || client === undefined || server === undefined) continue
    const { protocolIdentifier, port } = use
    const application = use.application === '' ? undefined : use.application
    const entries = context.servicesFor(
      { client, server, protocolIdentifier, port, application },
      atMilliseconds,
    )
    for (const entry of entries) note(allowed, entry, use)
    if (entries.length === 0) note(others, keyOf(use), use)
  }
  const used = [...others.values()].map(usedService).sort(byHosts)
  const { services } = context.data
  return {
    sinceDay: dayText(sinceDay),
    allowedUnused: services.filter((service) => !allowed.has(service)),
    allowedUsed: services.flatMap((service) => {
      const sum = allowed.get(service)
      return sum === undefined ? [] : [{ service, ...seenOf(sum) }]
    }),
    usedNotAllowed: used.slice(0, limit),
    usedNotAllowedTotal: used.length,
  }
}

function note<Key>(sums: Map<Key, Sum>, key: Key, use: Use): void {
  const sum = sums.get(key)
  if (sum === undefined) {
    sums.set(key, { clients: new Set([use.client]), last: use })
    return
  }
  sum.clients.add(use.client)
  if (use.lastDay >= sum.last.lastDay) sum.last = use
}

function keyOf({ clientGroup, serverZone, protocolIdentifier, port, application }: Use): string {
  return JSON.stringify([clientGroup, serverZone, protocolIdentifier, port, application])
}

function seenOf({ clients, last }: Sum) {
  return { hosts: clients.size, lastSeenDay: dayText(last.lastDay) }
}

function usedService(sum: Sum): UsedService {
  const { clientGroup, serverZone, protocolIdentifier, port, application, client, server } = sum.last
  return {
    clientGroup,
    serverZone,
    protocolIdentifier,
    port,
    ...(application === '' ? {} : { application }),
    exampleClient: client,
    exampleServer: server,
    ...seenOf(sum),
  }
}

function byHosts(one: UsedService, other: UsedService): number {
  return other.hosts - one.hosts || (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)
}

function dayText(day: number): string {
  return new Date(Math.max(0, day) * DAY_MILLISECONDS).toISOString().slice(0, 10)
}

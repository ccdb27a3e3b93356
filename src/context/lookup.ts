/** What is known of an address: its zone and asset, and who answers for what it does. Pure. */
import { type Static, Type } from 'typebox'
import { type Address, formatAddress } from '../records/address.js'
import { isCurrent, selectorOf } from './context.js'
import { Asset, SanctionedMonitor, SanctionedService } from './data.js'
import type { ContextView } from './held.js'

export const AddressLookup = Type.Object(
  {
    address: Type.String(),
    zone: Type.String({ description: 'inside or outside where no entry has it' }),
    isInside: Type.Boolean(),
    asset: Type.Optional(Asset),
    role: Type.Optional(Type.String()),
    isGateway: Type.Boolean({ description: 'ICMP errors and tunnelled protocols are its business' }),
    mayPing: Type.Array(SanctionedMonitor, { description: 'monitors of which it is a source' }),
    mayBePingedBy: Type.Array(SanctionedMonitor, { description: 'monitors of which it is a target' }),
    mayAsk: Type.Array(SanctionedService, { description: 'services of which it is a client' }),
    mayServe: Type.Array(SanctionedService, { description: 'services of which it is a server' }),
  },
  { additionalProperties: false },
)
export type AddressLookup = Static<typeof AddressLookup>

/** Entries that have expired are left out. */
export function lookUp(
  { context, data }: Pick<ContextView, 'context' | 'data'>,
  address: Address,
  atMilliseconds: number,
): AddressLookup {
  const asset = context.assetOf(address)
  const role = context.roleOf(address)
  const has = (selector: string | undefined) => selectorOf(selector, context)(address)
  const monitors = data.monitors.filter((entry) => isCurrent(entry, atMilliseconds))
  const services = data.services.filter((entry) => isCurrent(entry, atMilliseconds))
  return {
    address: formatAddress(address),
    zone: context.zoneOf(address),
    isInside: context.isInside(address),
    ...(asset === undefined ? {} : { asset }),
    ...(role === undefined ? {} : { role }),
    isGateway: context.isGateway(address),
    mayPing: monitors.filter(({ source }) => has(source)),
    mayBePingedBy: monitors.filter(({ target }) => has(target)),
    mayAsk: services.filter(({ client }) => has(client)),
    mayServe: services.filter(({ server }) => has(server)),
  }
}

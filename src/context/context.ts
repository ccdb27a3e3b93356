/**
 * What the people who run a network know of it, for detectors to look up: zones, assets with their roles, which services
 * and which monitors somebody answers for. Pure; repository.ts keeps it, and every change is a new version.
 */
import {
  type Address,
  isPrivateAddress,
  type Prefix,
  parsePrefix,
  prefixContains,
} from '../records/address.js'
import type { Asset, ContextData, SanctionedMonitor, SanctionedService, Zone } from './data.js'
import { PrefixTable } from './prefix-table.js'

/** Zones of addresses that no entry names: private addresses, and all others. */
export const DEFAULT_ZONES = { inside: 'inside', outside: 'outside' } as const

/** Roles of devices that forward for others: tunnelled protocols and ICMP errors are their business. */
const GATEWAY_ROLES: ReadonlySet<string> = new Set(['gateway', 'firewall', 'vpn'])

/** The key of a pairing: who speaks what to whom. */
export type Pairing = {
  readonly client: Address
  readonly server: Address
  readonly protocolIdentifier: number
  readonly port: number
  /** Name of the application where a device says it. */
  readonly application?: string | undefined
}

export type Context = {
  readonly data: ContextData
  /** The zone of the longest prefix that has the address, else one of DEFAULT_ZONES. */
  zoneOf(address: Address): string
  /** Whether the address is of this network: its zone is not marked as outside. */
  isInside(address: Address): boolean
  assetOf(address: Address): Asset | undefined
  /** DeviceRole (AN1451); undefined where no asset says. */
  roleOf(address: Address): string | undefined
  isGateway(address: Address): boolean
  /** The entry that lets one host ping another at a time, with packets of this many octets. */
  monitorFor(
    requester: Address,
    responder: Address,
    octets: number,
    atMilliseconds: number,
  ): SanctionedMonitor | undefined
  /** The first entry that lets one host speak to another. */
  serviceFor(pairing: Pairing, atMilliseconds: number): SanctionedService | undefined
  /** All of them. */
  servicesFor(pairing: Pairing, atMilliseconds: number): SanctionedService[]
}

type Selector = (address: Address) => boolean

type Service = {
  readonly entry: SanctionedService
  readonly clients: Selector
  readonly servers: Selector
}

/** Throws when an entry cannot be read; what people send is checked before it gets here. */
export function createContext(data: ContextData): Context {
  const zones = new PrefixTable<Zone>()
  for (const zone of data.zones) zones.add(requirePrefix(zone.prefix), zone)
  const assets = new PrefixTable<Asset>()
  for (const asset of data.assets) assets.add(requirePrefix(asset.prefix), asset)

  const zoneOf = (address: Address) =>
    zones.find(address)?.name ?? (isPrivateAddress(address) ? DEFAULT_ZONES.inside : DEFAULT_ZONES.outside)
  const roleOf = (address: Address) => assets.find(address)?.role
  const context: Context = {
    data,
    zoneOf,
    isInside: (address) => {
      const zone = zones.find(address)
      return zone === undefined ? isPrivateAddress(address) : zone.isOutside !== true
    },
    assetOf: (address) => assets.find(address),
    roleOf,
    isGateway: (address) => GATEWAY_ROLES.has(roleOf(address) ?? ''),
    monitorFor: (requester, responder, octets, atMilliseconds) =>
      monitors.find(
        ({ entry, source, target }) =>
          isCurrent(entry, atMilliseconds) &&
          (entry.octets === undefined || entry.octets === octets) &&
          source(requester) &&
          target(responder),
      )?.entry,
    serviceFor: (pairing, atMilliseconds) =>
      services.get(pairing.protocolIdentifier)?.find(allows(pairing, atMilliseconds))?.entry,
    servicesFor: (pairing, atMilliseconds) =>
      (services.get(pairing.protocolIdentifier) ?? [])
        .filter(allows(pairing, atMilliseconds))
        .map(({ entry }) => entry),
  }
  const monitors = data.monitors.map((entry) => ({
    entry,
    source: selectorOf(entry.source, context),
    target: selectorOf(entry.target, context),
  }))
  const services = new Map<number, Service[]>()
  for (const entry of data.services) {
    const clients = selectorOf(entry.client, context)
    const service = { entry, clients, servers: selectorOf(entry.server, context) }
    const ofProtocol = services.get(entry.protocolIdentifier)
    if (ofProtocol === undefined) services.set(entry.protocolIdentifier, [service])
    else ofProtocol.push(service)
  }
  return context
}

/** Whether an entry of the pairing's protocol lets it be. */
function allows(
  { client, server, port, application }: Pairing,
  atMilliseconds: number,
): (service: Service) => boolean {
  return ({ entry, clients, servers }) =>
    (entry.port === undefined || entry.port === port) &&
    (entry.application === undefined || entry.application.toLowerCase() === application?.toLowerCase()) &&
    isCurrent(entry, atMilliseconds) &&
    clients(client) &&
    servers(server)
}

export function isCurrent(entry: { readonly expiresMilliseconds?: number | undefined }, at: number): boolean {
  return entry.expiresMilliseconds === undefined || at < entry.expiresMilliseconds
}

/** A host, a prefix, `zone:office` or `role:printer`; absent is every address. */
export function selectorOf(text: string | undefined, context: Pick<Context, 'zoneOf' | 'roleOf'>): Selector {
  if (text === undefined) return () => true
  if (text.startsWith('zone:')) return (address) => context.zoneOf(address) === text.slice(5)
  if (text.startsWith('role:')) return (address) => context.roleOf(address) === text.slice(5)
  const prefix = requirePrefix(text)
  return (address) => prefixContains(prefix, address)
}

function requirePrefix(text: string): Prefix {
  const prefix = parsePrefix(text)
  if (prefix === undefined) throw new Error(`${text} is no address and no prefix`)
  return prefix
}

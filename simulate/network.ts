// The simulated network: zones, hosts with roles, and the devices that watch: flow exporters and firewalls.
// A device sees a packet when both ends lie behind different interfaces of it and one end is in its home zones.
import { type Address, createAddressBook } from './address.js'
import type { SyslogHeader } from './encode/syslog.js'
import type { ExporterFaults } from './faults.js'

/** What a host is for; behaviours are chosen by role. */
export type Role =
  | 'workstation'
  | 'server'
  | 'printer'
  | 'camera'
  | 'monitor'
  | 'router'
  | 'firewall'
  | 'loadBalancer'
  | 'internet'

/** One address of one machine; a dual-stack machine has a second one under `ipv6`. */
export interface Host {
  readonly id: number
  readonly name: string
  readonly role: Role
  readonly zone: string
  readonly address: Address
  readonly ipv6: Host | undefined
}

/** How ICMP type and code are exported: IE 32/139, the destination port as type*256+code, or IE 176-179. */
export type IcmpStyle = 'icmpTypeCode' | 'destinationPort' | 'separate'

/** Which information elements carry a flow's start and end. */
export type TimeStyle =
  | 'sysUpTime' // IE 22/21
  | 'seconds' // IE 150/151
  | 'milliseconds' // IE 152/153
  | 'microseconds' // IE 154/155, NTP format
  | 'nanoseconds' // IE 156/157, NTP format
  | 'deltaMicroseconds' // IE 158/159, before the export time

/** A flow exporter and its settings. */
export interface ExporterSettings {
  readonly name: string
  readonly address: string
  readonly listenerPort: number
  readonly version: 5 | 9 | 10
  readonly observationDomainId: number
  readonly activeTimeoutMilliseconds: number
  readonly idleTimeoutMilliseconds: number
  /** Some meters look for flows that are due only so often, and count on until they do; 0: at once. */
  readonly sweepMilliseconds: number
  /** 1 when every packet is metered. */
  readonly samplingInterval: number
  readonly templateRefreshMilliseconds: number
  readonly templateRefreshDatagrams: number
  readonly icmpStyle: IcmpStyle
  readonly timeStyle: TimeStyle
  /** RFC 5103 biflows; IPFIX only. */
  readonly biflow: boolean
  /** Application ids (IE 95) with an options table to names (IE 96). */
  readonly applications: boolean
  /** Entries of the flow cache, beyond which the oldest flow is expired for lack of resources. */
  readonly maximumFlows: number
  readonly home: readonly string[]
  /** SNMP interface index by zone. */
  readonly interfaces: Readonly<Record<string, number>>
  readonly faults: ExporterFaults
}

/** Products whose log lines the simulator writes. */
export type FirewallVendor = 'cisco-asa' | 'fortigate' | 'paloalto' | 'netfilter'

/** A firewall that reports by syslog. */
export interface FirewallSettings {
  readonly name: string
  readonly address: string
  readonly listenerPort: number
  readonly vendor: FirewallVendor
  readonly header: SyslogHeader
  readonly home: readonly string[]
  /** Interface name by zone. */
  readonly interfaces: Readonly<Record<string, string>>
  /** Public address that inside hosts get towards zone `internet`; undefined without translation. */
  readonly natAddress: string | undefined
}

/** A network under construction or in use. */
export interface Network {
  readonly hosts: Host[]
  readonly exporters: ExporterSettings[]
  readonly firewalls: FirewallSettings[]
  /** Adds a host; `ipv6` gives the machine a second address. */
  addHost(name: string, role: Role, zone: string, address: string, ipv6?: string): Host
  /** Hosts of one role, in order of creation, optionally of one zone. */
  withRole(role: Role, zone?: string): Host[]
}

/** Creates an empty network. */
export function createNetwork(): Network {
  const book = createAddressBook()
  const hosts: Host[] = []
  return {
    hosts,
    exporters: [],
    firewalls: [],
    addHost(name, role, zone, text, ipv6Text) {
      const base = { name, role, zone }
      let ipv6: Host | undefined
      if (ipv6Text !== undefined) {
        const address = book.get(ipv6Text)
        ipv6 = { ...base, id: address.id, address, ipv6: undefined }
      }
      const address = book.get(text)
      const host: Host = { ...base, id: address.id, address, ipv6 }
      hosts.push(host)
      return host
    },
    withRole: (role, zone) =>
      hosts.filter((host) => host.role === role && (zone === undefined || host.zone === zone)),
  }
}

interface Watcher<Interface> {
  readonly home: readonly string[]
  readonly interfaces: Readonly<Record<string, Interface>>
}

/** A device on the path of a packet, with the interfaces by which the packet enters and leaves it. */
export interface Sighting<Interface> {
  readonly index: number
  readonly ingress: Interface
  readonly egress: Interface
}

/** Builds a lookup from (source zone, destination zone) to the devices on that path; answers are cached. */
export function createPaths<Interface>(watchers: readonly Watcher<Interface>[]) {
  const cache = new Map<string, Map<string, readonly Sighting<Interface>[]>>()
  function compute(from: string, to: string): Sighting<Interface>[] {
    const sightings: Sighting<Interface>[] = []
    for (const [index, watcher] of watchers.entries()) {
      const ingress = watcher.interfaces[from]
      const egress = watcher.interfaces[to]
      if (ingress === undefined || egress === undefined || ingress === egress) continue
      if (watcher.home.includes(from) || watcher.home.includes(to)) sightings.push({ index, ingress, egress })
    }
    return sightings
  }
  return (from: string, to: string): readonly Sighting<Interface>[] => {
    let row = cache.get(from)
    if (row === undefined) {
      row = new Map()
      cache.set(from, row)
    }
    let sightings = row.get(to)
    if (sightings === undefined) {
      sightings = compute(from, to)
      row.set(to, sightings)
    }
    return sightings
  }
}

/** An exporter with common settings: 60 s active, 15 s idle, unsampled, IPFIX on port 4739; override as needed. */
export function exporterDefaults(
  settings: Pick<ExporterSettings, 'name' | 'address' | 'home' | 'interfaces'> & Partial<ExporterSettings>,
): ExporterSettings {
  return {
    listenerPort: 4739,
    version: 10,
    observationDomainId: 1,
    activeTimeoutMilliseconds: 60_000,
    idleTimeoutMilliseconds: 15_000,
    sweepMilliseconds: 0,
    samplingInterval: 1,
    templateRefreshMilliseconds: 600_000,
    templateRefreshDatagrams: 1000,
    icmpStyle: 'icmpTypeCode',
    timeStyle: 'milliseconds',
    biflow: false,
    applications: false,
    maximumFlows: 65_536,
    faults: {},
    ...settings,
  }
}

// A network of any size for evaluations: sites of 200 hosts behind routers of rotating versions, timeouts and
// ICMP styles, a data centre, firewalls of all products, monitors, and a few channels hidden among the hosts.
import { addHidden, injectedPerRound, injectHidden, tunnelShapes } from './enterprise-hidden.js'
import { addTrapHosts, addTraps } from './enterprise-traps.js'
import {
  createNetwork,
  exporterDefaults,
  type FirewallVendor,
  type Host,
  type IcmpStyle,
  type Network,
} from './network.js'
import { createRandom } from './random.js'
import { type Simulation, simulate, type TrafficPlan } from './scenario.js'
import { DEFAULT_START_MILLISECONDS, type ReadyMadeOptions } from './small-company.js'
import { healthChecks, pingSeries, smokeping, steadyPing, traceroute } from './traffic/monitors.js'
import { browsing, clientServer } from './traffic/office.js'
import { cameraStream, recursion, snmpPolling, timeSync } from './traffic/services.js'

const HOSTS_PER_SITE = 200
const WEB_SITES = 200
const HOSTS_PER_TUNNEL = 500
const LEAN_TIME_MILLISECONDS = 3_600_000
const LEAN_CAMERA_MILLISECONDS = 64_800_000

/** Settings of the enterprise. */
export interface EnterpriseOptions extends ReadyMadeOptions {
  /** Mean pause between web pages of one person in working hours; the main cost of a simulation. */
  readonly webPauseMilliseconds?: number
  /** Hidden ICMP channels; by default one for 500 hosts and at least seven, one of each shape. */
  readonly tunnels?: number
  /** Sampling interval of every exporter. Default 1. */
  readonly samplingInterval?: number
  /** Everything that resembles a hidden channel: see enterprise-traps.ts. Default false. */
  readonly traps?: boolean
  /** Channels are injected at random from so long after the start on, instead of `tunnels` from early on. */
  readonly injectAfterMilliseconds?: number
  /** How many of each shape are injected. Default 3. */
  readonly injectionRounds?: number
  /** The steady traffic at a slower pace, so that weeks can be simulated: time, cameras, pings of the routers. */
  readonly isLean?: boolean
}

interface Site {
  readonly zone: string
  readonly router: Host
  readonly hosts: Host[]
}

const versions = [9, 10, 10, 5] as const
const activeTimeouts = [60_000, 120_000, 300_000, 1_800_000] as const
const icmpStyles: readonly IcmpStyle[] = ['icmpTypeCode', 'destinationPort', 'separate']
const vendors: readonly FirewallVendor[] = ['cisco-asa', 'fortigate', 'paloalto', 'netfilter']

function addSite(network: Network, index: number, hosts: number): Site {
  const zone = `site-${index + 1}`
  const [high, low] = [20 + Math.floor(index / 256), index % 256]
  const router = network.addHost(`router-${index + 1}`, 'router', zone, `10.${high}.${low}.1`)
  const site: Site = { zone, router, hosts: [] }
  for (let number = 0; number < hosts; number += 1) {
    const role = number % 20 === 7 ? 'printer' : number % 25 === 11 ? 'camera' : 'workstation'
    const address = `10.${high}.${low}.${20 + number}`
    site.hosts.push(network.addHost(`${role}-${index + 1}-${number + 1}`, role, zone, address))
  }
  return site
}

function addDevices(network: Network, sites: readonly Site[], samplingInterval: number): void {
  for (const [index, site] of sites.entries()) {
    const address = site.router.address.text
    const version = versions[index % versions.length]!
    const others = sites.filter((other) => other !== site).map((other) => [other.zone, 2] as const)
    network.exporters.push(
      exporterDefaults({
        name: site.router.name,
        address,
        listenerPort: version === 10 ? 4739 : 2055,
        version,
        observationDomainId: version === 5 ? 0 : index + 1,
        activeTimeoutMilliseconds: activeTimeouts[index % activeTimeouts.length]!,
        icmpStyle: version === 5 ? 'destinationPort' : icmpStyles[index % icmpStyles.length]!,
        timeStyle: version === 10 ? 'milliseconds' : 'sysUpTime',
        applications: index % 3 === 1,
        biflow: version === 10 && index % 4 === 2,
        samplingInterval,
        home: [site.zone],
        interfaces: { ...Object.fromEntries(others), [site.zone]: 1, 'data-centre': 2, internet: 3 },
      }),
    )
    const vendor = vendors[index % vendors.length]!
    network.firewalls.push({
      name: `fw-${index + 1}`,
      address: address.replace(/\.1$/, '.254'),
      listenerPort: 5514,
      vendor,
      header: vendor === 'fortigate' ? 'bare' : vendor === 'paloalto' ? 'rfc5424' : 'rfc3164',
      home: [site.zone],
      interfaces: { [site.zone]: 'inside', internet: 'outside' },
      natAddress: `198.51.100.${index % 250}`,
    })
  }
  network.exporters.push(
    exporterDefaults({
      name: 'core',
      address: '10.1.0.1',
      listenerPort: 2055,
      version: 9,
      observationDomainId: 1,
      timeStyle: 'sysUpTime',
      samplingInterval,
      maximumFlows: 1_000_000,
      home: ['data-centre'],
      interfaces: {
        ...Object.fromEntries(sites.map(({ zone }) => [zone, 2])),
        'data-centre': 1,
        internet: 3,
      },
    }),
  )
}

function buildNetwork(hosts: number, samplingInterval: number, strangerCount: number) {
  const network = createNetwork()
  const count = Math.max(2, Math.ceil(hosts / HOSTS_PER_SITE))
  const sites: Site[] = []
  for (let index = 0, left = hosts; index < count; index += 1) {
    const share = Math.ceil(left / (count - index))
    sites.push(addSite(network, index, share))
    left -= share
  }
  const server = (name: string, last: number) =>
    network.addHost(name, 'server', 'data-centre', `10.1.1.${last}`)
  const servers = { resolver: server('resolver', 10), files: server('files', 11), mail: server('mail', 12) }
  const monitor = network.addHost('noc', 'monitor', 'data-centre', '10.1.1.20')
  const balancer = network.addHost('balancer', 'loadBalancer', 'data-centre', '10.1.1.30')
  const web = Array.from({ length: WEB_SITES }, (_, index) =>
    network.addHost(`web-${index + 1}`, 'internet', 'internet', `203.0.113.${index + 1}`),
  )
  // The far ends of tunnels and of misplaced services.
  const strangers = Array.from({ length: strangerCount }, (_, index) => {
    const address = `192.0.${2 + Math.floor(index / 200)}.${1 + (index % 200)}`
    return network.addHost(`stranger-${index + 1}`, 'internet', 'internet', address)
  })
  addDevices(network, sites, samplingInterval)
  return { network, sites, servers, monitor, balancer, web, strangers }
}

type Enterprise = ReturnType<typeof buildNetwork>

function addTraffic(
  plan: TrafficPlan,
  enterprise: Enterprise,
  webPauseMilliseconds: number,
  isLean: boolean,
): void {
  const { sites, servers, monitor, balancer, web } = enterprise
  const routers = sites.map(({ router }) => router)
  const labelled = (shape: string, source: Host, destinations: Host | readonly Host[]) =>
    ({ label: 'icmp_benign', shape, source, destinations, protocolIdentifier: 1 }) as const
  for (const { hosts, router } of sites) {
    for (const host of hosts) {
      const context = (name: string) => plan.context(`${name} ${host.name}`)
      plan.add(timeSync(context('time'), host, servers.resolver, isLean ? LEAN_TIME_MILLISECONDS : undefined))
      if (host.role === 'camera')
        plan.add(
          cameraStream(context('stream'), host, servers.files, isLean ? LEAN_CAMERA_MILLISECONDS : undefined),
        )
      if (host.role !== 'workstation') continue
      plan.add(browsing(context('web'), host, servers.resolver, web, webPauseMilliseconds))
      plan.add(
        clientServer(context('files'), host, servers.files, 445, 'smb', webPauseMilliseconds * 2, 40_000),
      )
    }
    const quiet = hosts.filter(({ role }) => role !== 'workstation').slice(0, isLean ? 4 : undefined)
    plan.add(
      smokeping(plan.context(`smokeping ${router.name}`), monitor, quiet),
      labelled('smokeping', monitor, quiet),
    )
    const ping = steadyPing(plan.context(`ping ${router.name}`), monitor, router, isLean ? 10_000 : 1000, {
      lossProbability: 0.001,
    })
    plan.add(ping, labelled('ping', monitor, router))
    const [user, checked] = [hosts[0]!, hosts.slice(1, 4)]
    const target = web[0]!
    plan.add(
      pingSeries(plan.context(`windows ${user.name}`), user, target),
      labelled('windows-ping', user, target),
    )
    // Larger than any MTU: its later fragments show no ICMP type.
    const large = steadyPing(plan.context(`large ${router.name}`), monitor, hosts[4]!, 30_000, {
      octets: 5028,
    })
    plan.add(large, labelled('large-ping', monitor, hosts[4]!))
    const path = [router, target]
    plan.add(traceroute(plan.context(`route ${user.name}`), user, path), labelled('traceroute', user, target))
    const checks = healthChecks(
      plan.context(`checks ${router.name}`),
      balancer,
      checked,
      isLean ? 30_000 : 10_000,
    )
    plan.add(checks, labelled('health-check', balancer, checked))
  }
  plan.add(snmpPolling(plan.context('snmp'), monitor, routers))
  plan.add(recursion(plan.context('recursion'), servers.resolver, web.slice(0, 5)))
}

/** An enterprise of `hosts` machines; a day from a Monday morning unless told otherwise. */
export function enterprise(seed: number, hosts: number, options: EnterpriseOptions = {}): Simulation {
  const {
    startMilliseconds = DEFAULT_START_MILLISECONDS,
    durationMilliseconds = 86_400_000,
    faults,
    flush,
  } = options
  const tunnels = options.tunnels ?? Math.max(tunnelShapes.length, Math.floor(hosts / HOSTS_PER_TUNNEL))
  const { injectAfterMilliseconds, injectionRounds = 3 } = options
  const isInjected = injectAfterMilliseconds !== undefined
  const strangers = isInjected ? injectionRounds * injectedPerRound : 2 * tunnels
  const built = buildNetwork(hosts, options.samplingInterval ?? 1, strangers)
  const trapHosts = options.traps === true ? addTrapHosts(built) : undefined
  const random = createRandom(seed)
  return simulate({
    seed: random.uint32(),
    startMilliseconds,
    durationMilliseconds,
    network: built.network,
    populate(plan) {
      addTraffic(plan, built, options.webPauseMilliseconds ?? 600_000, options.isLean ?? false)
      if (trapHosts !== undefined) addTraps(plan, built, trapHosts)
      if (options.hidden === false) return
      if (isInjected)
        injectHidden(plan, built, random.fork('injected'), startMilliseconds + injectAfterMilliseconds)
      else addHidden(plan, built, random.fork('hidden'))
    },
    ...(faults === undefined ? {} : { faults }),
    ...(flush === undefined ? {} : { flush }),
  })
}

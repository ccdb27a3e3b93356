// A company of about forty machines at two sites, with a lab: three flow exporters (versions 5, 9 and IPFIX), a
// firewall of each product that the simulator knows, sanctioned monitors, and what hides among them.
import type { ExporterFaults } from './faults.js'
import { createNetwork, exporterDefaults, type Host } from './network.js'
import { createRandom } from './random.js'
import { type Simulation, simulate, type TrafficPlan } from './scenario.js'
import { addHiddenServices, addHiddenTunnels } from './small-company-hidden.js'
import {
  healthChecks,
  mtr,
  pathMtuSweep,
  pingFlood,
  pingSeries,
  smokeping,
  steadyPing,
  traceroute,
  unreachableErrors,
} from './traffic/monitors.js'
import { browsing, bulkCopy, clientServer, interactiveShell } from './traffic/office.js'
import {
  cameraStream,
  deniedProbes,
  logLines,
  mailRelay,
  proxyClient,
  recursion,
  snmpPolling,
  timeSync,
} from './traffic/services.js'

/** Monday 2026-01-05 09:00 UTC. */
export const DEFAULT_START_MILLISECONDS = Date.UTC(2026, 0, 5, 9)

/** Settings common to the ready-made networks. */
export interface ReadyMadeOptions {
  readonly startMilliseconds?: number
  readonly durationMilliseconds?: number
  readonly faults?: Readonly<Record<string, ExporterFaults>>
  readonly flush?: boolean
  /** False leaves out everything that hides. */
  readonly hidden?: boolean
}

function buildNetwork() {
  const network = createNetwork()
  const add = network.addHost
  const many = (count: number, make: (index: number) => Host) =>
    Array.from({ length: count }, (_, index) => make(index))
  const users = many(14, (n) => add(`ws-hq-${n + 1}`, 'workstation', 'hq-users', `10.10.1.${11 + n}`))
  const printers = many(2, (n) => add(`printer-hq-${n + 1}`, 'printer', 'hq-users', `10.10.1.${201 + n}`))
  const server = (name: string, last: number) =>
    add(name, 'server', 'hq-servers', `10.10.2.${last}`, `2001:db8:10:2::${last}`)
  const servers = {
    resolver: server('resolver', 10),
    mail: server('mail', 11),
    files: server('files', 12),
    web: server('web', 13),
    backup: server('backup', 14),
    proxy: server('proxy', 15),
    logs: server('logs', 16),
  }
  const monitor = add('noc', 'monitor', 'hq-servers', '10.10.2.20', '2001:db8:10:2::20')
  const balancer = add('balancer', 'loadBalancer', 'hq-servers', '10.10.2.30')
  const branch = many(9, (n) => add(`ws-branch-${n + 1}`, 'workstation', 'branch', `10.20.1.${11 + n}`))
  const cameras = many(2, (n) => add(`camera-${n + 1}`, 'camera', 'branch', `10.20.1.${211 + n}`))
  const lab = many(3, (n) =>
    add(`lab-${n + 1}`, 'workstation', 'lab', `10.30.1.${11 + n}`, `2001:db8:30:1::${11 + n}`),
  )
  const routers = {
    core: add('hq-core', 'router', 'hq-servers', '10.10.0.1'),
    branch: add('branch-router', 'router', 'branch', '10.20.0.1'),
    provider: add('provider', 'router', 'internet', '198.51.100.1', '2001:db8:ffff::1'),
  }
  const internet = (name: string, address: string, ipv6?: string) =>
    add(name, 'internet', 'internet', address, ipv6)
  const sites = many(30, (n) => internet(`site-${n + 1}`, `203.0.113.${11 + n}`))
  const upstream = many(3, (n) =>
    internet(`upstream-${n + 1}`, `198.51.100.${51 + n}`, `2001:db8:ffff::${51 + n}`),
  )
  const exchangers = many(3, (n) => internet(`mx-${n + 1}`, `198.51.100.${25 + n * 10}`))
  const strangers = many(12, (n) =>
    internet(`stranger-${n + 1}`, `192.0.2.${101 + n}`, `2001:db8:bad::${101 + n}`),
  )

  network.exporters.push(
    exporterDefaults({
      name: 'branch-router',
      address: '10.20.0.1',
      listenerPort: 2055,
      version: 5,
      observationDomainId: 0,
      icmpStyle: 'destinationPort',
      timeStyle: 'sysUpTime',
      home: ['branch'],
      interfaces: { branch: 1, 'hq-users': 2, 'hq-servers': 2, lab: 2, internet: 3 },
    }),
    exporterDefaults({
      name: 'hq-core',
      address: '10.10.0.1',
      listenerPort: 2055,
      version: 9,
      observationDomainId: 256,
      icmpStyle: 'destinationPort',
      timeStyle: 'sysUpTime',
      home: ['hq-users', 'hq-servers', 'lab'],
      interfaces: { 'hq-users': 1, 'hq-servers': 2, lab: 3, branch: 4, internet: 5 },
    }),
    exporterDefaults({
      name: 'hq-edge',
      address: '10.10.0.2',
      observationDomainId: 7,
      activeTimeoutMilliseconds: 120_000,
      applications: true,
      home: ['hq-users', 'hq-servers'],
      interfaces: { 'hq-users': 1, 'hq-servers': 1, internet: 2 },
    }),
  )
  const firewall = { listenerPort: 5514, header: 'rfc3164' } as const
  network.firewalls.push(
    {
      ...firewall,
      name: 'fw-hq',
      address: '10.10.0.254',
      vendor: 'cisco-asa',
      home: ['hq-users'],
      interfaces: { 'hq-users': 'inside', internet: 'outside' },
      natAddress: '198.51.100.2',
    },
    {
      ...firewall,
      name: 'fw-dc',
      address: '10.10.0.253',
      vendor: 'paloalto',
      header: 'rfc5424',
      home: ['hq-servers'],
      interfaces: { 'hq-servers': 'ethernet1/2', internet: 'ethernet1/1' },
      natAddress: '198.51.100.3',
    },
    {
      ...firewall,
      name: 'fw-branch',
      address: '10.20.0.254',
      vendor: 'fortigate',
      header: 'bare',
      home: ['branch'],
      interfaces: { branch: 'internal', internet: 'wan1' },
      natAddress: '198.51.100.4',
    },
    {
      ...firewall,
      name: 'gw-lab',
      address: '10.30.0.1',
      vendor: 'netfilter',
      home: ['lab'],
      interfaces: { lab: 'eth1', internet: 'eth0', 'hq-users': 'eth0', 'hq-servers': 'eth0', branch: 'eth0' },
      natAddress: undefined,
    },
  )
  return {
    network,
    users,
    printers,
    servers,
    monitor,
    balancer,
    branch,
    cameras,
    lab,
    routers,
    sites,
    upstream,
    exchangers,
    strangers,
  }
}

/** The hosts of the small company. */
export type SmallCompany = ReturnType<typeof buildNetwork>

function addOffice(plan: TrafficPlan, company: SmallCompany): void {
  const { users, printers, servers, branch, cameras, lab, sites, upstream, exchangers, routers, strangers } =
    company
  for (const host of [...users, ...branch, ...lab]) {
    const context = (name: string) => plan.context(`${name} ${host.name}`)
    plan.add(browsing(context('web'), host, servers.resolver, sites))
    plan.add(timeSync(context('time'), host, servers.resolver))
    plan.add(clientServer(context('files'), host, servers.files, 445, 'smb', 120_000, 40_000))
    plan.add(clientServer(context('mail'), host, servers.mail, 443, 'ssl', 180_000, 20_000))
    const isProxied = branch.includes(host)
    if (isProxied) {
      plan.add(proxyClient(context('proxy'), host, servers.proxy), {
        label: 'benign',
        shape: 'proxy',
        source: host,
        destinations: servers.proxy,
        protocolIdentifier: 6,
        destinationTransportPort: 3128,
      })
    }
  }
  for (const printer of printers)
    plan.add(logLines(plan.context(`log ${printer.name}`), printer, servers.logs))
  for (const user of users.slice(0, 6)) {
    plan.add(clientServer(plan.context(`print ${user.name}`), user, printers[0]!, 631, 'ipp', 600_000, 2000))
  }
  for (const camera of cameras) plan.add(cameraStream(plan.context(camera.name), camera, servers.files))
  plan.add(recursion(plan.context('recursion'), servers.resolver, upstream))
  plan.add(timeSync(plan.context('time upstream'), servers.resolver, upstream[0]!))
  plan.add(mailRelay(plan.context('relay'), servers.mail, exchangers))
  plan.add(clientServer(plan.context('inbound web'), strangers[11]!, servers.web, 443, 'ssl', 20_000, 15_000))
  const nightly = plan.context('backup')
  plan.add(bulkCopy(nightly, branch[8]!, servers.backup, 873, 'rsync', 1_800_000, 30_000_000))
  plan.add(interactiveShell(plan.context('administrator'), users[0]!, servers.web))
  plan.add(deniedProbes(plan.context('probes'), users[5]!, sites))
  plan.add(deniedProbes(plan.context('probes of a server'), servers.web, sites))
  plan.add(deniedProbes(plan.context('probes at the branch'), branch[5]!, sites))
  plan.add(deniedProbes(plan.context('probes in the lab'), lab[2]!, sites))
  plan.add(snmpPolling(plan.context('snmp'), company.monitor, [routers.branch, ...printers, ...cameras]))
}

function addMonitors(plan: TrafficPlan, company: SmallCompany): void {
  const { users, printers, servers, monitor, balancer, branch, cameras, lab, sites, upstream, routers } =
    company
  const benign = (
    shape: string,
    source: Host,
    destinations: Host | readonly Host[],
    protocolIdentifier = 1,
  ) => ({ label: 'icmp_benign', shape, source, destinations, protocolIdentifier }) as const
  const context = plan.context
  const watched = [routers.branch, ...printers, ...cameras]
  for (const target of [routers.branch, upstream[0]!, upstream[1]!]) {
    const ping = steadyPing(context(`ping ${target.name}`), monitor, target, 1000, { lossProbability: 0.002 })
    plan.add(ping, benign('ping', monitor, target))
  }
  plan.add(
    smokeping(context('smokeping'), monitor, watched.slice(1)),
    benign('smokeping', monitor, watched.slice(1)),
  )
  const checked = [...users.slice(0, 4), ...branch.slice(0, 2)]
  plan.add(healthChecks(context('health'), balancer, checked), benign('health-check', balancer, checked))
  const large = { octets: 528 }
  plan.add(steadyPing(context('nms'), monitor, branch[0]!, 10_000, large), benign('nms', monitor, branch[0]!))
  const windows = pingSeries(context('windows'), users[2]!, upstream[2]!)
  plan.add(windows, benign('windows-ping', users[2]!, upstream[2]!))
  const path = [routers.core, routers.provider, sites[3]!]
  plan.add(mtr(context('mtr'), users[3]!, path), benign('mtr', users[3]!, sites[3]!))
  plan.add(traceroute(context('tracert'), branch[1]!, [routers.branch, routers.provider, sites[4]!], 92), {
    ...benign('traceroute', branch[1]!, sites[4]!),
  })
  const sweep = pathMtuSweep(context('sweep'), users[4]!, sites[5]!, routers.provider)
  plan.add(sweep, benign('path-mtu-sweep', users[4]!, sites[5]!))
  plan.add(pingFlood(context('flood'), users[0]!, servers.web), benign('ping-flood', users[0]!, servers.web))
  const truncated = steadyPing(context('truncated'), users[6]!, sites[0]!, 2000, {
    octets: 109,
    replyOctets: 96,
  })
  plan.add(truncated, benign('truncating-responder', users[6]!, sites[0]!))
  const [probe, target] = [monitor.ipv6!, upstream[0]!.ipv6!]
  plan.add(steadyPing(context('ping6'), probe, target, 5000), benign('ping', probe, target, 58))
  plan.add(
    steadyPing(context('lab ping'), lab[0]!, upstream[1]!, 15_000),
    benign('ping', lab[0]!, upstream[1]!),
  )
  plan.add(unreachableErrors(context('errors'), users[1]!, cameras, routers.branch))
}

/** A small company, simulated for an hour from a Monday morning unless told otherwise. */
export function smallCompany(
  seed: number,
  options: ReadyMadeOptions = {},
): Simulation & { company: SmallCompany } {
  const company = buildNetwork()
  const {
    startMilliseconds = DEFAULT_START_MILLISECONDS,
    durationMilliseconds = 3_600_000,
    faults,
    flush,
  } = options
  const simulation = simulate({
    seed: createRandom(seed).uint32(),
    startMilliseconds,
    durationMilliseconds,
    network: company.network,
    populate(plan) {
      addOffice(plan, company)
      addMonitors(plan, company)
      if (options.hidden === false) return
      addHiddenTunnels(plan, company)
      addHiddenServices(plan, company)
    },
    ...(faults === undefined ? {} : { faults }),
    ...(flush === undefined ? {} : { flush }),
  })
  return { ...simulation, company }
}

// Whom the traps of an enterprise are about: hosts that only they use, and the form of a trap's row.
import type { Behaviour } from './activity.js'
import type { Host, Network, Role } from './network.js'
import type { TrafficContext } from './traffic/packets.js'

/** When what is new in the company arrives, as a share of the time simulated: after a week of fifteen days. */
export const NEWS_SHARE = 0.62

export interface TrapSite {
  readonly zone: string
  readonly router: Host
  readonly hosts: readonly Host[]
}

/** What traps need of an enterprise under construction. */
export interface TrapGround {
  readonly network: Network
  readonly sites: readonly TrapSite[]
  readonly web: readonly Host[]
  readonly servers: { readonly resolver: Host; readonly files: Host; readonly mail: Host }
  readonly monitor: Host
  readonly balancer: Host
}

/** Hosts that only traps use; they must exist before a simulation begins. */
export function addTrapHosts({ network, sites }: Pick<TrapGround, 'network' | 'sites'>) {
  const inside = (name: string, role: Role, last: number) =>
    network.addHost(name, role, 'data-centre', `10.1.1.${last}`)
  const outside = (name: string, last: number) =>
    network.addHost(name, 'internet', 'internet', `198.18.0.${last}`)
  const outsiders = (name: string, count: number, from: number) =>
    Array.from({ length: count }, (_, index) => outside(`${name}-${index + 1}`, from + index))
  const bySite = sites.map(({ zone, router: { address } }) => {
    const at = (last: number) => address.text.replace(/\.1$/, `.${last}`)
    return {
      broadcast: network.addHost(`broadcast ${zone}`, 'workstation', zone, at(255)),
      pool: network.addHost(`nat pool ${zone}`, 'router', zone, at(251)),
      candidates: Array.from({ length: 9 }, (_, index) =>
        network.addHost(`free ${zone} ${index}`, 'workstation', zone, at(230 + index)),
      ),
    }
  })
  const group = (name: string, address: string) => network.addHost(name, 'router', 'data-centre', address)
  return {
    bySite,
    dhcp: inside('dhcp', 'server', 40),
    scada: inside('scada', 'server', 41),
    scanner: inside('scanner', 'server', 42),
    ups: inside('ups-manager', 'server', 43),
    newMonitor: inside('new-monitor', 'monitor', 44),
    nms: inside('nms', 'monitor', 45),
    finder: inside('finder', 'monitor', 52),
    backup: inside('backup', 'server', 46),
    replica: inside('replica', 'server', 47),
    proxy: inside('proxy', 'server', 48),
    apps: inside('apps', 'server', 49),
    jump: inside('jump', 'server', 50),
    gateway: inside('dc-gateway', 'router', 1),
    mortal: inside('mortal', 'server', 51),
    groups: {
      ospf: group('all OSPF routers', '224.0.0.5'),
      eigrp: group('all EIGRP routers', '224.0.0.10'),
      pim: group('all PIM routers', '224.0.0.13'),
      vrrp: group('all VRRP routers', '224.0.0.18'),
      hsrp: group('all HSRP routers', '224.0.0.102'),
    },
    anycast: outside('anycast', 1),
    gone: outside('gone', 2),
    partner: outside('partner gateway', 3),
    wireguard: outside('vpn', 4),
    meshVpn: outside('mesh vpn', 5),
    warp: outside('private relay', 6),
    bank: outside('bank', 7),
    quicTest: outside('quic test', 8),
    resolvers: outsiders('dot', 2, 10),
    push: outsiders('push', 4, 20),
    media: outsiders('media', 12, 30),
    iotCloud: outsiders('iot cloud', 2, 50),
    carriers: outsiders('carrier', 4, 60),
  }
}

export type TrapHosts = ReturnType<typeof addTrapHosts>
/** A kind of trap: its name, its behaviour, and whom it is about (ICMP unless a protocol is named). */
export type TrapRow = readonly [
  shape: string,
  make: (context: TrafficContext) => Behaviour,
  label: readonly [source: Host, destinations: Host | readonly Host[], protocol?: number, port?: number],
]

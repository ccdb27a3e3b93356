// Traps of ports and protocols: what static tables take for odd.
import { NEWS_SHARE, type TrapGround, type TrapHosts, type TrapRow } from './enterprise-trap-hosts.js'
import type { TrafficPlan } from './scenario.js'
import { bulkCopy, clientServer, interactiveShell } from './traffic/office.js'
import {
  calls,
  gatewayProtocol,
  hellos,
  keptOpen,
  keptTunnel,
  netbiosNames,
  quicOn,
  ROUTED_PROTOCOL,
  visits,
} from './traffic/ordinary.js'
import { PROTOCOL } from './traffic/packets.js'

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000]

/** Traps of ports and protocols that each site has. */
export function siteServiceTraps(ground: TrapGround, hosts: TrapHosts, index: number): TrapRow[] {
  const { sites, servers } = ground
  const { hosts: people, router } = sites[index]!
  const workstations = people.filter(({ role }) => role === 'workstation')
  const cameras = people.filter(({ role }) => role === 'camera')
  const user = (number: number) => workstations[number % workstations.length]!
  const users = (from: number, count: number) => Array.from({ length: count }, (_, n) => user(from + n))
  const other = sites[(index + 1) % sites.length]!.router
  const talkers = users(40, 10)
  return [
    [
      'quic-4433',
      (c) => quicOn(c, user(26), hosts.quicTest, 4433),
      [user(26), hosts.quicTest, PROTOCOL.udp, 4433],
    ],
    ...users(27, 3).map((host, n): TrapRow => {
      const server = hosts.resolvers[n % 2]!
      return [`dot-853`, (c) => visits(c, host, [server], 853, 'ssl', 20 * MINUTE), [host, server, 6, 853]]
    }),
    ...talkers.map((host): TrapRow => ['calls', (c) => calls(c, host, hosts.media), [host, hosts.media, 17]]),
    [
      'turn-443',
      (c) => keptTunnel(c, user(50), hosts.media[0]!, 443, SECOND * 20, [140, 140]),
      [user(50), hosts.media[0]!, 17, 443],
    ],
    ...users(51, 3).flatMap((host, n): TrapRow[] => [
      [
        'push-5223',
        (c) => keptOpen(c, host, hosts.push[n % 2]!, 5223, 'ssl', 10 * MINUTE),
        [host, hosts.push[n % 2]!, 6, 5223],
      ],
      [
        'push-5228',
        (c) => keptOpen(c, host, hosts.push[2 + (n % 2)]!, 5228, 'ssl', 15 * MINUTE),
        [host, hosts.push[2 + (n % 2)]!, 6, 5228],
      ],
    ]),
    [
      'wireguard',
      (c) => keptTunnel(c, user(54), hosts.wireguard, 51_820, 25 * SECOND, [176, 176]),
      [user(54), hosts.wireguard, 17, 51_820],
    ],
    [
      'mesh-vpn',
      (c) => keptTunnel(c, user(55), hosts.meshVpn, 41_641, 25 * SECOND, [60, 60], 41_641),
      [user(55), hosts.meshVpn, 17, 41_641],
    ],
    [
      'private-relay',
      (c) => keptTunnel(c, user(56), hosts.warp, 2408, 20 * SECOND, [400, 900]),
      [user(56), hosts.warp, 17, 2408],
    ],
    [
      'esp',
      (c) => gatewayProtocol(c, router, hosts.partner, ROUTED_PROTOCOL.esp, 20_000, 900),
      [router, hosts.partner, 50],
    ],
    [
      'ike',
      (c) => keptTunnel(c, router, hosts.partner, 500, 600 * SECOND, [120, 120], 500),
      [router, hosts.partner, 17, 500],
    ],
    [
      'nat-t',
      (c) => keptTunnel(c, user(57), hosts.wireguard, 4500, 20 * SECOND, [130, 130], 4500),
      [user(57), hosts.wireguard, 17, 4500],
    ],
    ['gre', (c) => gatewayProtocol(c, router, other, ROUTED_PROTOCOL.gre, 20_000, 700), [router, other, 47]],
    [
      'ipip',
      (c) => gatewayProtocol(c, router, hosts.gateway, ROUTED_PROTOCOL.ipip, 20_000, 700),
      [router, hosts.gateway, 4],
    ],
    [
      'vxlan',
      (c) => keptTunnel(c, router, hosts.gateway, 4789, 20_000, [600, 600]),
      [router, hosts.gateway, 17, 4789],
    ],
    [
      'vrrp',
      (c) => hellos(c, router, hosts.groups.vrrp, ROUTED_PROTOCOL.vrrp, 0, 20_000, 40),
      [router, hosts.groups.vrrp, 112],
    ],
    [
      'hsrp',
      (c) => hellos(c, router, hosts.groups.hsrp, PROTOCOL.udp, 1985, 20_000, 48),
      [router, hosts.groups.hsrp, 17, 1985],
    ],
    [
      'ospf',
      (c) => hellos(c, router, hosts.groups.ospf, ROUTED_PROTOCOL.ospf, 0, 20_000, 64),
      [router, hosts.groups.ospf, 89],
    ],
    [
      'eigrp',
      (c) => hellos(c, router, hosts.groups.eigrp, ROUTED_PROTOCOL.eigrp, 0, 20_000, 60),
      [router, hosts.groups.eigrp, 88],
    ],
    [
      'pim',
      (c) => hellos(c, router, hosts.groups.pim, ROUTED_PROTOCOL.pim, 0, 30_000, 54),
      [router, hosts.groups.pim, 103],
    ],
    [
      'bgp',
      (c) => keptOpen(c, router, hosts.gateway, 179, '', 30 * SECOND, [71, 71]),
      [router, hosts.gateway, 6, 179],
    ],
    [
      'backup-9387',
      (c) => bulkCopy(c, user(58), hosts.backup, 9387, '', 4 * HOUR, 20_000_000),
      [user(58), hosts.backup, 6, 9387],
    ],
    [
      'proxy-3128',
      (c) => clientServer(c, user(59), hosts.proxy, 3128, 'ssl', 5 * MINUTE, 8000),
      [user(59), hosts.proxy, 6, 3128],
    ],
    [
      'proxy-8080',
      (c) => clientServer(c, user(60), hosts.proxy, 8080, 'ssl', 5 * MINUTE, 8000),
      [user(60), hosts.proxy, 6, 8080],
    ],
    ['netbios-137', (c) => netbiosNames(c, user(61), servers.files), [user(61), servers.files, 17, 137]],
    ...users(62, 4).map(
      (host): TrapRow => [
        'app-9099',
        (c) => visits(c, host, [hosts.apps], 9099, 'http', 30 * MINUTE),
        [host, hosts.apps, 6, 9099],
      ],
    ),
    ...cameras.slice(0, 4).map((camera, n): TrapRow => {
      const server = hosts.iotCloud[n % 2]!
      return [
        'iot-cloud-8883',
        (c) => keptOpen(c, camera, server, 8883, '', 60 * SECOND),
        [camera, server, 6, 8883],
      ]
    }),
  ]
}

/** Traps of ports of the company as a whole. */
export function companyServiceTraps(plan: TrafficPlan, ground: TrapGround, hosts: TrapHosts): TrapRow[] {
  const { sites, servers } = ground
  const duration = plan.endMilliseconds - plan.startMilliseconds
  const at = (share: number) => plan.startMilliseconds + Math.round(duration * share)
  const everyone = sites.flatMap(({ hosts: people }) => people)
  const one = everyone[9]!
  return [
    [
      'replication-50010',
      (c) => keptOpen(c, hosts.replica, sites[0]!.hosts[8]!, 50_010, '', 10_000, [900, 60]),
      [hosts.replica, sites[0]!.hosts[8]!, 6, 50_010],
    ],
    ['ssh-2222', (c) => interactiveShell(c, one, hosts.jump, 2222), [one, hosts.jump, 6, 2222]],
    [
      'partner-service-10443',
      (c) => visits(c, everyone[10]!, [hosts.bank], 10_443, 'ssl', 20 * MINUTE),
      [everyone[10]!, hosts.bank, 6, 10_443],
    ],
    [
      'new-service-8444',
      (c) =>
        visits(
          { ...c, startMilliseconds: at(NEWS_SHARE) },
          everyone[11]!,
          [servers.mail],
          8444,
          'ssl',
          10 * MINUTE,
        ),
      [everyone[11]!, servers.mail, 6, 8444],
    ],
  ]
}

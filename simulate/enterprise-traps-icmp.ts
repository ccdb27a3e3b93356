// Traps of ICMP: monitors, people who look for faults, devices that ask whether their server is there, errors.
import { NEWS_SHARE, type TrapGround, type TrapHosts, type TrapRow } from './enterprise-trap-hosts.js'
import type { TrafficPlan } from './scenario.js'
import {
  healthChecks,
  mtr,
  pathMtuSweep,
  pingFlood,
  pingSeries,
  smokeping,
  steadyPing,
  traceroute,
} from './traffic/monitors.js'
import {
  adminSessions,
  blockedQuic,
  broadcastPing,
  dyingTarget,
  fpingSize,
  heartbeat,
  lateMedia,
  lineTest,
  offerProbes,
  routingLoop,
  sharedAddress,
  udpScan,
} from './traffic/traps.js'

const MINUTE = 60_000
const HOUR = 3_600_000
/** When a monitored target stops answering and comes back, as shares of the time simulated. */
const DEATH_SHARES = [0.66, 0.8] as const

/** Traps of ICMP that each site has. */
export function siteIcmpTraps(ground: TrapGround, hosts: TrapHosts, index: number): TrapRow[] {
  const { sites, web, monitor, servers } = ground
  const { hosts: people, router } = sites[index]!
  const local = hosts.bySite[index]!
  const workstations = people.filter(({ role }) => role === 'workstation')
  const cameras = people.filter(({ role }) => role === 'camera')
  const printers = people.filter(({ role }) => role === 'printer')
  const user = (number: number) => workstations[number % workstations.length]!
  const users = (from: number, count: number) => Array.from({ length: count }, (_, n) => user(from + n))
  const [site, other] = [web[index % web.length]!, sites[(index + 1) % sites.length]!.router]
  const path = [router, web[3]!]
  return [
    ['smokeping-5000', (c) => smokeping(c, monitor, users(10, 1), 5028), [monitor, users(10, 1)]],
    ['fping-b', (c) => fpingSize(c, hosts.nms, users(12, 3), 1028, 5 * MINUTE), [hosts.nms, users(12, 3)]],
    ['mtr', (c) => mtr(c, user(15), path), [user(15), path]],
    ['traceroute-I', (c) => traceroute(c, user(17), path), [user(17), path]],
    ['tracert-92', (c) => traceroute(c, user(18), path, 92), [user(18), path]],
    ['pmtu-sweep', (c) => pathMtuSweep(c, user(19), site, router), [user(19), [site, router]]],
    [
      'truncating-responder',
      (c) => steadyPing(c, user(20), web[5]!, 10_000, { octets: 107, replyOctets: 96 }),
      [user(20), web[5]!],
    ],
    [
      'duplicate-replies',
      (c) => steadyPing(c, user(21), web[6]!, 10_000, { duplicateProbability: 0.004 }),
      [user(21), web[6]!],
    ],
    [
      'anycast-duplicates',
      (c) => pingSeries(c, user(22), hosts.anycast, 300_000, 10, 1000, { duplicateProbability: 1 }),
      [user(22), hosts.anycast],
    ],
    [
      'broadcast-ping',
      (c) => broadcastPing(c, hosts.finder, local.broadcast, users(60, 12), 30 * MINUTE, 60),
      [hosts.finder, [local.broadcast, ...users(60, 12)]],
    ],
    ['ping-flood', (c) => pingFlood(c, user(23), servers.files, 0.01, 18 * HOUR), [user(23), servers.files]],
    ['ip-sla', (c) => heartbeat(c, router, other, 64, 10_000), [router, other]],
    [
      'sd-wan-probe',
      (c) => steadyPing(c, router, hosts.partner, 10_000, { octets: 92 }),
      [router, hosts.partner],
    ],
    ['dhcp-offer-probe', (c) => offerProbes(c, hosts.dhcp, local.candidates), [hosts.dhcp, local.candidates]],
    ['ups-heartbeat', (c) => heartbeat(c, printers[0]!, hosts.ups, 60, 30_000), [printers[0]!, hosts.ups]],
    ['printer-heartbeat', (c) => heartbeat(c, printers[1]!, monitor, 84, 60_000), [printers[1]!, monitor]],
    [
      'camera-heartbeat',
      (c) => heartbeat(c, cameras[0]!, servers.files, 92, 15_000),
      [cameras[0]!, servers.files],
    ],
    ['ot-scan-list', (c) => healthChecks(c, hosts.scada, cameras, 60_000), [hosts.scada, cameras]],
    ['udp-scan', (c) => udpScan(c, hosts.scanner, users(70, 10)), [hosts.scanner, users(70, 10)]],
    [
      'blocked-quic',
      (c) => blockedQuic(c, user(24), web.slice(0, 20), router),
      [user(24), [...web.slice(0, 20), router]],
    ],
    ['late-media', (c) => lateMedia(c, user(25), hosts.media), [user(25), hosts.media]],
    [
      'time-exceeded-stream',
      (c) => routingLoop(c, servers.mail, hosts.gone, router, 20_000),
      [servers.mail, router],
    ],
    ['shared-address', (c) => sharedAddress(c, local.pool, web.slice(8, 14)), [local.pool, web.slice(8, 14)]],
    ['line-test', (c) => lineTest(c, router, hosts.carriers[0]!), [router, hosts.carriers[0]!]],
  ]
}

/** Traps of ICMP of the company as a whole. */
export function companyIcmpTraps(plan: TrafficPlan, ground: TrapGround, hosts: TrapHosts): TrapRow[] {
  const { sites, web } = ground
  const duration = plan.endMilliseconds - plan.startMilliseconds
  const at = (share: number) => plan.startMilliseconds + Math.round(duration * share)
  const everyone = sites.flatMap(({ hosts: people }) => people)
  const some = (step: number, count: number) =>
    Array.from({ length: count }, (_, n) => everyone[(5 + n * step) % everyone.length]!)
  const admins = sites.map(({ hosts: people }) => people[3]!)
  const asked = [...some(37, 20), ...web.slice(20, 40)]
  const monitored = some(29, 30)
  const printer = everyone.find(({ role }) => role === 'printer')!
  return [
    ...admins.map((admin, n): TrapRow => {
      const { router } = sites[n]!
      return [
        'admin-session',
        (c) => adminSessions(c, admin, asked, router, 6 * HOUR),
        [admin, [...asked, router]],
      ]
    }),
    [
      'mtr-endless',
      (c) => mtr(c, ground.monitor, [sites[0]!.router, everyone[16]!], 1e9),
      [ground.monitor, [sites[0]!.router, everyone[16]!]],
    ],
    [
      'nms-target-dies',
      (c) => dyingTarget(c, hosts.nms, sites[0]!.hosts.at(-1)!, at(DEATH_SHARES[0]), at(DEATH_SHARES[1])),
      [hosts.nms, sites[0]!.hosts.at(-1)!],
    ],
    [
      'new-monitor',
      (c) =>
        healthChecks({ ...c, startMilliseconds: at(NEWS_SHARE) }, hosts.newMonitor, monitored, 60_000, {
          octets: 92,
        }),
      [hosts.newMonitor, monitored],
    ],
    [
      'new-device-heartbeat',
      (c) => heartbeat({ ...c, startMilliseconds: at(NEWS_SHARE) }, printer, hosts.ups, 60, 30_000),
      [printer, hosts.ups],
    ],
  ]
}

// Channels hidden among an enterprise's hosts: tunnels and beacons over ICMP, and services on ports that are not theirs.

import type { Behaviour } from './activity.js'
import { carriesFrom } from './carrying.js'
import type { Host } from './network.js'
import type { Random } from './random.js'
import type { TrafficPlan } from './scenario.js'
import {
  balancedTunnel,
  bulkTunnel,
  idleTunnel,
  interactiveTunnel,
  mirroredBeacon,
  oneWayExfiltration,
  pollingShell,
  type TunnelEnds,
} from './traffic/icmp-tunnels.js'
import { datagramsOnPort, shortOnPort, socks, sshOn443 } from './traffic/mispairs.js'
import { interactiveShell } from './traffic/office.js'
import { during, type TrafficContext } from './traffic/packets.js'

const BALANCED_PHASE_MILLISECONDS = 1_800_000
const BULK_OCTETS = 20_000_000
const HOUR = 3_600_000

/** Whom channels are hidden among. */
export interface HidingPlaces {
  readonly sites: readonly { readonly hosts: readonly Host[] }[]
  readonly strangers: readonly Host[]
}

type Shape = (context: TrafficContext, ends: TunnelEnds) => Behaviour

export const tunnelShapes: readonly (readonly [name: string, shape: Shape])[] = [
  ['interactive-tunnel', interactiveTunnel],
  ['idle-tunnel', idleTunnel],
  ['bulk-tunnel', (context, ends) => bulkTunnel(context, ends, BULK_OCTETS)],
  ['balanced-tunnel', (context, ends) => balancedTunnel(context, ends, BALANCED_PHASE_MILLISECONDS)],
  ['polling-shell', pollingShell],
  ['mirrored-beacon', (context, ends) => mirroredBeacon(context, ends, 60, 20_000, 0.25)],
  ['one-way-exfiltration', oneWayExfiltration],
]

/** Adds channels of every shape in turn, one tunnel and one service for two strangers, from early on to the end. */
export function addHidden(plan: TrafficPlan, places: HidingPlaces, random: Random): void {
  const { sites, strangers } = places
  const tunnels = strangers.length / 2
  const hosts = sites.flatMap((site) => site.hosts)
  const duration = plan.endMilliseconds - plan.startMilliseconds
  for (let index = 0; index < tunnels; index += 1) {
    const [shape, create] = tunnelShapes[index % tunnelShapes.length]!
    const client = random.choice(hosts)
    const server = strangers[index]!
    const start = plan.startMilliseconds + Math.round(duration * random.between(0.1, 0.6))
    plan.add(create(plan.context(`tunnel ${index}`, start), { client, server }), {
      label: 'icmp_tunnel',
      shape,
      source: client,
      destinations: server,
      protocolIdentifier: 1,
      startMilliseconds: start,
    })
    const context = plan.context(`service ${index}`, start)
    const [user, other] = [random.choice(hosts), strangers[tunnels + index]!]
    const services = [
      ['ssh-443', 6, 443, () => sshOn443(context, user, other)],
      ['socks-4444', 6, 4444, () => socks(context, user, other, 4444)],
      ['http-53-tcp', 6, 53, () => shortOnPort(context, user, other, 53, 'http', 60_000)],
      ['datagrams-53-udp', 17, 53, () => datagramsOnPort(context, user, other, 53)],
      ['datagrams-6000-udp', 17, 6000, () => datagramsOnPort(context, user, other, 6000, 5000, 300)],
    ] as const
    const [name, protocolIdentifier, destinationTransportPort, make] = services[index % services.length]!
    plan.add(make(), {
      label: 'port_mismatch',
      shape: name,
      source: user,
      destinations: other,
      protocolIdentifier,
      destinationTransportPort,
      startMilliseconds: start,
    })
  }
}

/** Shapes that are injected: their life in hours (to the end when absent). */
const injectedTunnels: readonly (readonly [name: string, shape: Shape, hours?: number])[] = [
  ['interactive-tunnel', interactiveTunnel, 4],
  ['idle-tunnel', idleTunnel, 24],
  ['bulk-tunnel', (context, ends) => bulkTunnel(context, ends, BULK_OCTETS)],
  ['balanced-tunnel', (context, ends) => balancedTunnel(context, ends, BALANCED_PHASE_MILLISECONDS)],
  ['polling-shell', pollingShell, 8],
  ['slow-polling-shell', (context, ends) => pollingShell(context, ends, 30_000), 24],
  ['mirrored-beacon-60-20s-25%', (context, ends) => mirroredBeacon(context, ends, 60, 20_000, 0.25)],
  ['mirrored-beacon-84-60s', (context, ends) => mirroredBeacon(context, ends, 84, 60_000)],
  ['mirrored-beacon-84-300s-10%', (context, ends) => mirroredBeacon(context, ends, 84, 300_000, 0.1)],
  ['mirrored-beacon-148-1s', (context, ends) => mirroredBeacon(context, ends, 148, 1000), 12],
  ['mirrored-beacon-540-120s', (context, ends) => mirroredBeacon(context, ends, 540, 120_000, 0.1)],
  ['one-way-816-5s', oneWayExfiltration, 12],
  ['one-way-1028-60s', (context, ends) => oneWayExfiltration(context, ends, 1028, 60_000)],
]

type Make = (context: TrafficContext, client: Host, server: Host) => Behaviour

const injectedServices: readonly (readonly [
  name: string,
  protocolIdentifier: number,
  port: number,
  make: Make,
])[] = [
  ['ssh-443', 6, 443, sshOn443],
  ['socks-4444', 6, 4444, (context, client, server) => socks(context, client, server, 4444)],
  [
    'http-53-tcp',
    6,
    53,
    (context, client, server) => shortOnPort(context, client, server, 53, 'http', 60_000),
  ],
  [
    'tls-4444',
    6,
    4444,
    (context, client, server) => shortOnPort(context, client, server, 4444, 'ssl', 45_000),
  ],
  ['ssh-53-tcp', 6, 53, (context, client, server) => interactiveShell(context, client, server, 53, HOUR)],
  ['datagrams-53-udp', 17, 53, (context, client, server) => datagramsOnPort(context, client, server, 53)],
  [
    'datagrams-123-udp',
    17,
    123,
    (context, client, server) => datagramsOnPort(context, client, server, 123, 15_000, 200),
  ],
  [
    'datagrams-6000-udp',
    17,
    6000,
    (context, client, server) => datagramsOnPort(context, client, server, 6000, 5000, 300),
  ],
]

/** Channels that one round of injection needs strangers for. */
export const injectedPerRound = injectedTunnels.length + injectedServices.length

/**
 * Injects rounds of every shape, each at a random host and a random time from `fromMilliseconds` to the last day and a
 * half, so that what is slow has the time to be noticed.
 */
export function injectHidden(
  plan: TrafficPlan,
  { sites, strangers }: HidingPlaces,
  random: Random,
  fromMilliseconds: number,
): void {
  const hosts = sites.flatMap((site) => site.hosts)
  const latest = Math.max(fromMilliseconds, plan.endMilliseconds - 36 * HOUR)
  const start = () => Math.round(random.between(fromMilliseconds, latest))
  let next = 0
  const rounds = Math.floor(strangers.length / injectedPerRound)
  for (let round = 0; round < rounds; round += 1) {
    for (const [shape, makeOf, hours] of injectedTunnels) {
      const [client, server, startMilliseconds] = [random.choice(hosts), strangers[next++]!, start()]
      const endMilliseconds = hours === undefined ? plan.endMilliseconds : startMilliseconds + hours * HOUR
      const make = () =>
        during(
          makeOf(plan.context(`injected ${shape} ${round}`, startMilliseconds), { client, server }),
          startMilliseconds,
          endMilliseconds,
        )
      plan.add(make(), {
        label: 'icmp_tunnel',
        shape,
        source: client,
        destinations: server,
        protocolIdentifier: 1,
        startMilliseconds,
        endMilliseconds,
        carriesFromMilliseconds: carriesFrom(make(), plan.endMilliseconds),
      })
    }
    for (const [shape, protocolIdentifier, destinationTransportPort, make] of injectedServices) {
      const [client, server, startMilliseconds] = [random.choice(hosts), strangers[next++]!, start()]
      const context = plan.context(`injected ${shape} ${round}`, startMilliseconds)
      plan.add(make(context, client, server), {
        label: 'port_mismatch',
        shape,
        source: client,
        destinations: server,
        protocolIdentifier,
        destinationTransportPort,
        startMilliseconds,
      })
    }
  }
}

// Legitimate traffic on ports and protocols that static tables take for odd: push, relays, overlays, routing.
import type { Activity, Behaviour } from '../activity.js'
import type { Host } from '../network.js'
import {
  burst,
  ephemeralPort,
  humanPace,
  machinePace,
  PROTOCOL,
  roundTrip,
  type Session,
  shortConnection,
  type TrafficContext,
} from './packets.js'

/** IANA protocol numbers of what is neither TCP, UDP nor ICMP. */
export const ROUTED_PROTOCOL = {
  ipip: 4,
  gre: 47,
  esp: 50,
  eigrp: 88,
  ospf: 89,
  pim: 103,
  vrrp: 112,
} as const

/** A TCP connection that stays open for days and says little: push services, MQTT, BGP. */
export function keptOpen(
  context: TrafficContext,
  client: Host,
  server: Host,
  serverPort: number,
  application: string,
  periodMilliseconds: number,
  octets: readonly [up: number, down: number] = [85, 52],
): Behaviour {
  const session = { client, server, clientPort: ephemeralPort(context.random), serverPort, application }
  return exchanges(context, session, periodMilliseconds, octets)
}

/** A UDP flow of one 5-tuple that lives as long as the simulation: WireGuard, relays, IPsec over UDP. */
export function keptTunnel(
  context: TrafficContext,
  client: Host,
  server: Host,
  serverPort: number,
  periodMilliseconds: number,
  octets: readonly [up: number, down: number],
  clientPort = ephemeralPort(context.random),
): Behaviour {
  const session = {
    client,
    server,
    clientPort,
    serverPort,
    application: '',
    protocolIdentifier: PROTOCOL.udp,
  }
  return exchanges(context, session, periodMilliseconds, octets)
}

function exchanges(
  context: TrafficContext,
  session: Session,
  periodMilliseconds: number,
  [up, down]: readonly [number, number],
): Behaviour {
  const { random } = context
  return machinePace(context, periodMilliseconds, periodMilliseconds / 20, (time): Activity[] => {
    const size = (octets: number) => Math.max(46, Math.round(octets * random.between(0.9, 1.1)))
    const trip = roundTrip(random, session.client, session.server)
    return [burst(session, 0, time, 0, 1, size(up)), burst(session, 1, time + trip, 0, 1, size(down))]
  })
}

/** A protocol without ports between two gateways, both ways. */
export function gatewayProtocol(
  context: TrafficContext,
  one: Host,
  other: Host,
  protocolIdentifier: number,
  periodMilliseconds: number,
  octets: number,
): Behaviour {
  const { random } = context
  const session = {
    client: one,
    server: other,
    clientPort: 0,
    serverPort: 0,
    application: '',
    protocolIdentifier,
  }
  return machinePace(context, periodMilliseconds, periodMilliseconds / 10, (time) => {
    const packets = random.integer(1, 20)
    const sum = () => packets * Math.max(40, Math.round(octets * random.between(0.5, 1)))
    return [burst(session, 0, time, 900, packets, sum()), burst(session, 1, time + 5, 900, packets, sum())]
  })
}

/** Hellos of a router to a group address: OSPF, EIGRP, PIM, VRRP, and HSRP over UDP/1985. */
export function hellos(
  context: TrafficContext,
  router: Host,
  group: Host,
  protocolIdentifier: number,
  port: number,
  periodMilliseconds: number,
  octets: number,
): Behaviour {
  const session = {
    client: router,
    server: group,
    clientPort: port,
    serverPort: port,
    application: '',
    protocolIdentifier,
  }
  return machinePace(context, periodMilliseconds, 100, (time) => [burst(session, 0, time, 0, 1, octets)])
}

/** Voice and video: packets by the hundred over ports that the call's two ends chose. */
export function calls(context: TrafficContext, caller: Host, relays: readonly Host[]): Behaviour {
  const { random } = context
  return humanPace(context, 10_800_000, (time) => {
    const server = random.choice(relays)
    const serverPort = random.choice([3478, 3479, 3480, 8801, 19_302, random.integer(20_000, 60_000)])
    const common = { client: caller, server, clientPort: random.integer(50_000, 50_059), serverPort }
    const session = { ...common, application: '', protocolIdentifier: PROTOCOL.udp }
    const slices = random.integer(24, 360)
    return Array.from({ length: slices }, (_, index) => time + index * 5000).flatMap((at) => [
      burst(session, 0, at, 4900, 250, random.integer(40_000, 250_000)),
      burst(session, 1, at + 30, 4900, 250, random.integer(40_000, 400_000)),
    ])
  })
}

/** Name service of old Windows: a question to one server of UDP/137 and its answer. */
export function netbiosNames(context: TrafficContext, client: Host, server: Host): Behaviour {
  const session = {
    client,
    server,
    clientPort: 137,
    serverPort: 137,
    application: '',
    protocolIdentifier: PROTOCOL.udp,
  }
  return humanPace(context, 900_000, (time) => [
    burst(session, 0, time, 0, 1, 78),
    burst(session, 1, time + 1, 0, 1, 90),
  ])
}

/** Short connections to any of several servers on one port at a person's pace. */
export function visits(
  context: TrafficContext,
  client: Host,
  servers: readonly Host[],
  serverPort: number,
  application: string,
  meanPauseMilliseconds: number,
): Behaviour {
  const { random } = context
  return humanPace(context, meanPauseMilliseconds, (time) => {
    const server = random.choice(servers)
    const session = { client, server, clientPort: ephemeralPort(random), serverPort, application }
    const octets = Math.min(5_000_000, Math.round(random.logNormal(20_000, 1)))
    return shortConnection(
      session,
      time,
      random.integer(300, 2000),
      octets,
      400,
      roundTrip(random, client, server),
    )
  })
}

/** A new protocol's test server: QUIC on a port of its own, now and then. */
export function quicOn(context: TrafficContext, client: Host, server: Host, serverPort: number): Behaviour {
  const { random } = context
  return humanPace(context, 3_600_000, (time) => {
    const common = { client, server, clientPort: ephemeralPort(random), serverPort, application: 'quic' }
    const session = { ...common, protocolIdentifier: PROTOCOL.udp }
    return shortConnection(session, time, 1200, random.integer(5000, 200_000), 900, 20)
  })
}

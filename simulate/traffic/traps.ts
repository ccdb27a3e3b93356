// Legitimate ICMP that resembles a tunnel: what detectors raise false alarms about. Octets are IP total lengths.
import type { Activity, Behaviour } from '../activity.js'
import type { Host } from '../network.js'
import { echo } from './monitors.js'
import { ECHO, humanPace, icmp, machinePace, PROTOCOL, type TrafficContext } from './packets.js'

const UNREACHABLE = 3
const TIME_EXCEEDED = 11
const PORT_UNREACHABLE = 3
/** An error that quotes no more than RFC 792 asks for, and one that quotes as much as RFC 1812 §4.3.2.3 allows. */
const SHORT_ERROR_OCTETS = 56
const LONG_ERROR_OCTETS = 576

/** `fping -b`: a few pings of one odd size to each target, every period. */
export function fpingSize(
  context: TrafficContext,
  client: Host,
  targets: readonly Host[],
  octets = 1028,
  periodMilliseconds = 60_000,
): Behaviour {
  return machinePace(context, periodMilliseconds, 20, (time) =>
    targets.flatMap((target, index) =>
      [0, 1, 2].flatMap((count) =>
        echo(context, time + index * 10 + count * 500, client, target, 31, { octets }),
      ),
    ),
  )
}

/** A directed broadcast: one request, and a reply of each host of the network, to whom nobody wrote. */
export function broadcastPing(
  context: TrafficContext,
  client: Host,
  broadcast: Host,
  responders: readonly Host[],
  periodMilliseconds: number,
  requests: number,
): Behaviour {
  return machinePace(context, periodMilliseconds, 50, (time) => {
    const batch: Activity[] = []
    for (let index = 0; index < requests; index += 1) {
      const sent = time + index * 1000
      batch.push(icmp(sent, client, broadcast, ECHO[4].request, 0, 84, 0, 5))
      for (const [order, responder] of responders.entries())
        batch.push(icmp(sent + 1 + order * 0.2, responder, client, ECHO[4].reply, 0, 84, 1, 5))
    }
    return batch
  })
}

/** A DHCP server pings an address before it offers it (RFC 2131 §2.2): one request, and no reply as a rule. */
export function offerProbes(context: TrafficContext, server: Host, candidates: readonly Host[]): Behaviour {
  const { random } = context
  return humanPace(context, 60_000, (time) => [
    icmp(time, server, random.choice(candidates), ECHO[4].request, 0, 48, 0, 9),
  ])
}

/** A device that pings its server to see whether it is there, for ever. */
export function heartbeat(
  context: TrafficContext,
  device: Host,
  server: Host,
  octets: number,
  periodMilliseconds: number,
): Behaviour {
  return machinePace(context, periodMilliseconds, 100, (time) =>
    echo(context, time, device, server, 77, { octets }),
  )
}

/** A scanner's UDP probes to one host after another, and the hosts' refusals, one a second at most. */
export function udpScan(
  context: TrafficContext,
  scanner: Host,
  targets: readonly Host[],
  periodMilliseconds = 86_400_000,
  probes = 600,
): Behaviour {
  const { random } = context
  return machinePace(context, periodMilliseconds, 3_600_000, (time) => {
    const batch: Activity[] = []
    for (const [order, target] of targets.entries()) {
      for (let index = 0; index < probes; index += 1) {
        const sent = time + order * probes * 200 + index * 200
        batch.push(datagram(sent, scanner, target, 40_000, random.integer(1, 65_535), 46, 0))
        if (index % 5 === 0) batch.push(icmp(sent + 1, target, scanner, UNREACHABLE, PORT_UNREACHABLE, 74, 1))
      }
    }
    return batch
  })
}

function datagram(
  time: number,
  source: Host,
  destination: Host,
  from: number,
  to: number,
  octets: number,
  direction: 0 | 1,
): Activity {
  return {
    ...icmp(time, source, destination, 0, 0, octets, direction),
    protocolIdentifier: PROTOCOL.udp,
    sourceTransportPort: from,
    destinationTransportPort: to,
    application: '',
  }
}

/** QUIC that a policy refuses: long first packets, and errors of the router that quote them (codes 10 and 13). */
export function blockedQuic(
  context: TrafficContext,
  client: Host,
  sites: readonly Host[],
  router: Host,
): Behaviour {
  const { random } = context
  return humanPace(context, 120_000, (time) => {
    const server = random.choice(sites)
    const port = random.integer(32_768, 60_999)
    return [0, 300, 900, 2100].flatMap((after) => [
      { ...datagram(time + after, client, server, port, 443, 1278, 0), denied: true },
      icmp(time + after + 1, router, client, UNREACHABLE, random.choice([10, 13]), LONG_ERROR_OCTETS, 1),
    ])
  })
}

/** After a call the relay goes on sending for a while, and the caller's closed port refuses each packet. */
export function lateMedia(context: TrafficContext, caller: Host, relays: readonly Host[]): Behaviour {
  const { random } = context
  return humanPace(context, 7_200_000, (time) => {
    const relay = random.choice(relays)
    const port = random.integer(49_152, 65_535)
    return Array.from({ length: 120 }, (_, index) => index * 100).flatMap((after) => [
      datagram(time + after, relay, caller, 3478, port, random.integer(100, 1100), 1),
      icmp(time + after + 1, caller, relay, UNREACHABLE, PORT_UNREACHABLE, 590, 0),
    ])
  })
}

/** A loop in the routes: what a host sends to a network that is gone comes back as "time exceeded", for hours. */
export function routingLoop(
  context: TrafficContext,
  client: Host,
  gone: Host,
  router: Host,
  periodMilliseconds = 2000,
): Behaviour {
  return machinePace(context, periodMilliseconds, 200, (time) => [
    datagram(time, client, gone, 33_000, 514, 300, 0),
    icmp(time + 4, router, client, TIME_EXCEEDED, 0, SHORT_ERROR_OCTETS, 1),
  ])
}

/** A person pings, or traces, a host of the moment for ten to fifty minutes. */
export function* adminSessions(
  context: TrafficContext,
  client: Host,
  targets: readonly Host[],
  router: Host,
  meanPauseMilliseconds: number,
): Generator<Activity[], void> {
  const { random } = context
  let time = context.startMilliseconds + random.exponential(meanPauseMilliseconds)
  for (;;) {
    const target = random.choice(targets)
    const end = time + random.between(600_000, 3_000_000)
    const isMtr = random.chance(0.4)
    const octets = isMtr ? 64 : random.choice([84, 84, 60, 60, 128, 1028, 1500])
    const identifier = random.integer(1, 65_535)
    for (; time < end; time += 1000 + random.between(0, 3)) {
      const batch: Activity[] = []
      if (isMtr) {
        batch.push(icmp(time, client, target, ECHO[4].request, 0, octets, 0, identifier))
        batch.push(icmp(time + 2, router, client, TIME_EXCEEDED, 0, SHORT_ERROR_OCTETS, 1))
      }
      batch.push(...echo(context, time + 50, client, target, identifier, { octets, lossProbability: 0.005 }))
      yield batch
    }
    time += random.exponential(meanPauseMilliseconds)
  }
}

/** Many hosts behind one address ping the same targets, each with its own system's size. */
export function sharedAddress(context: TrafficContext, gateway: Host, targets: readonly Host[]): Behaviour {
  const { random } = context
  return humanPace(context, 60_000, (time) => {
    const target = random.choice(targets)
    const octets = random.choice([60, 60, 84, 64, 1028])
    const count = random.integer(4, 20)
    return Array.from({ length: count }, (_, index) => index * 1000).flatMap((after) =>
      echo(context, time + after, gateway, target, octets, { octets, lossProbability: 0.01 }),
    )
  })
}

/** A test of a line: series of pings of one size after another, as a provider asks for. */
export function lineTest(context: TrafficContext, client: Host, target: Host): Behaviour {
  return humanPace(context, 43_200_000, (time) =>
    [128, 528, 1028, 1428].flatMap((octets, series) =>
      Array.from({ length: 100 }, (_, index) => (series * 100 + index) * 1000).flatMap((after) =>
        echo(context, time + after, client, target, octets, { octets, lossProbability: 0.002 }),
      ),
    ),
  )
}

/** A monitor whose target stops answering at a time, and answers again at another. */
export function dyingTarget(
  context: TrafficContext,
  monitor: Host,
  target: Host,
  diesMilliseconds: number,
  returnsMilliseconds: number,
): Behaviour {
  return machinePace(context, 10_000, 20, (time) => {
    const isDead = time >= diesMilliseconds && time < returnsMilliseconds
    return echo(context, time, monitor, target, 3, { octets: 84, lossProbability: isDead ? 1 : 0.001 })
  })
}

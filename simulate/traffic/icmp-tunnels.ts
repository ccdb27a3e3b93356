// Hidden channels over ICMP echo, packet by packet. In the tunnels each end sends data of its own, so that replies
// do not return their requests' data (RFC 792); beacons and one-way streams are told from pings only by context.
// Sizes are IP total lengths: 28 octets of headers over IPv4, 48 over IPv6, and a tool's own header of 28.
import type { Activity, Behaviour } from '../activity.js'
import type { Host } from '../network.js'
import { echo } from './monitors.js'
import { ECHO, icmp, machinePace, roundTrip, type TrafficContext } from './packets.js'

/** Header of the tunnelling tool itself, in octets, as in ptunnel. */
const TUNNEL_HEADER_OCTETS = 28
const TUNNEL_PAYLOAD_OCTETS = 1024

/** A tunnel from the inside end, which sends requests, to the outside end, which sends replies. */
export interface TunnelEnds {
  readonly client: Host
  readonly server: Host
}

function packets({ client, server }: TunnelEnds, random: TrafficContext['random']) {
  const family = client.address.family
  const headers = (family === 4 ? 28 : 48) + TUNNEL_HEADER_OCTETS
  const identifier = random.integer(1, 65_535)
  const trip = roundTrip(random, client, server)
  return {
    trip,
    /** A request that carries this much data. */
    request: (time: number, dataOctets: number): Activity =>
      icmp(time, client, server, ECHO[family].request, 0, headers + dataOctets, 0, identifier),
    /** A reply that carries this much data. */
    reply: (time: number, dataOctets: number): Activity =>
      icmp(time, server, client, ECHO[family].reply, 0, headers + dataOctets, 1, identifier),
  }
}

/** A shell inside the tunnel: keystrokes of an encrypted session one way, screens of text the other. */
export function* interactiveTunnel(context: TrafficContext, ends: TunnelEnds): Generator<Activity[], void> {
  const { random } = context
  const { trip, request, reply } = packets(ends, random)
  let time = context.startMilliseconds + random.between(0, 5000)
  for (;;) {
    const batch = [request(time, random.choice([36, 36, 44, 52]))]
    let answered = time + trip
    batch.push(reply(answered, random.choice([36, 44])))
    if (random.chance(0.12)) {
      // A command was entered: its output comes as full packets, acknowledged every second one.
      const outputs = 1 + Math.floor(random.exponential(5))
      for (let index = 0; index < outputs; index += 1) {
        answered += random.between(1, 6)
        batch.push(reply(answered, index === outputs - 1 ? random.integer(40, 1000) : TUNNEL_PAYLOAD_OCTETS))
        if (index % 2 === 1) batch.push(request(answered + 1, 0))
      }
    }
    yield batch
    // Pauses for thought are long, keystrokes are quick.
    time =
      Math.max(time + 20, answered) +
      (random.chance(0.05) ? random.exponential(20_000) : random.exponential(180))
  }
}

/** A download: full replies, and one empty request for every two of them. */
export function* bulkTunnel(
  context: TrafficContext,
  ends: TunnelEnds,
  totalOctets: number,
  packetsPerSecond = 60,
): Generator<Activity[], void> {
  const { random } = context
  const { request, reply } = packets(ends, random)
  let time = context.startMilliseconds
  for (let sent = 0; sent < totalOctets; sent += 2 * TUNNEL_PAYLOAD_OCTETS) {
    const gap = 1000 / packetsPerSecond
    yield [
      reply(time, TUNNEL_PAYLOAD_OCTETS),
      reply(time + gap, TUNNEL_PAYLOAD_OCTETS),
      request(time + gap + 1, 0),
    ]
    time += 2 * gap * random.between(0.8, 1.2)
  }
}

/**
 * A tunnel that is open and unused: equal keep-alives each 1.5 s, and every 300 s or so a message whose answer is
 * a few octets shorter. No packet is missing and the sums differ by a few octets only.
 */
export function* idleTunnel(context: TrafficContext, ends: TunnelEnds): Generator<Activity[], void> {
  const { random } = context
  const { trip, request, reply } = packets(ends, random)
  let time = context.startMilliseconds + random.between(0, 1500)
  let nextMessage = time + random.between(30_000, 90_000)
  for (;;) {
    if (time >= nextMessage) {
      yield [request(time, 56), reply(time + trip, 56 - 4 * random.integer(3, 9))]
      nextMessage = time + random.exponential(300_000)
    } else {
      yield [request(time, 0), reply(time + trip, 0)]
    }
    time += 1500 + random.between(-5, 5)
  }
}

/** A shell that polls: empty requests answered by commands or nothing; output goes up in requests of 64 octets. */
export function* pollingShell(
  context: TrafficContext,
  ends: TunnelEnds,
  periodMilliseconds = 1000,
): Generator<Activity[], void> {
  const { random } = context
  const { trip, request, reply } = packets(ends, random)
  let time = context.startMilliseconds + random.between(0, periodMilliseconds)
  let outputs = 0
  for (;;) {
    if (outputs > 0) {
      outputs -= 1
      yield [request(time, outputs === 0 ? random.integer(1, 64) : 64), reply(time + trip, 0)]
    } else if (random.chance(0.02)) {
      yield [request(time, 0), reply(time + trip, random.integer(2, 40))]
      outputs = random.integer(1, 30)
    } else {
      yield [request(time, 0), reply(time + trip, 0)]
    }
    time += periodMilliseconds + random.between(-5, 5)
  }
}

/**
 * A tunnel whose sums balance: what the requests carry in the upload phase, the replies carry in an equally long
 * download phase, size by size. Over the whole time packets and octets are equal; in no minute are they.
 */
export function* balancedTunnel(
  context: TrafficContext,
  ends: TunnelEnds,
  phaseMilliseconds: number,
  gapMilliseconds = 400,
): Generator<Activity[], void> {
  const { random } = context
  const { trip, request, reply } = packets(ends, random)
  const start = context.startMilliseconds
  const count = Math.floor(phaseMilliseconds / gapMilliseconds)
  const sizes = Array.from({ length: count }, () => random.integer(200, TUNNEL_PAYLOAD_OCTETS))
  for (const [index, size] of sizes.entries()) {
    const time = start + index * gapMilliseconds
    yield [request(time, size), reply(time + trip, 0)]
  }
  for (const [index, size] of sizes.entries()) {
    const time = start + phaseMilliseconds + index * gapMilliseconds
    yield [request(time, 0), reply(time + trip, size)]
  }
}

/** A beacon that the far end's kernel mirrors: fixed size, a delay with jitter. It looks like a ping. */
export function mirroredBeacon(
  context: TrafficContext,
  { client, server }: TunnelEnds,
  octets: number,
  periodMilliseconds: number,
  jitterShare = 0,
): Behaviour {
  const identifier = context.random.integer(1, 65_535)
  return machinePace(context, periodMilliseconds, periodMilliseconds * jitterShare, (time) =>
    echo(context, time, client, server, identifier, { octets }),
  )
}

/** Data in requests that nobody answers. */
export function oneWayExfiltration(
  context: TrafficContext,
  { client, server }: TunnelEnds,
  octets = 816,
  periodMilliseconds = 5000,
): Behaviour {
  const { request } = ECHO[client.address.family]
  return machinePace(context, periodMilliseconds, 100, (time) => [
    icmp(time, client, server, request, 0, octets, 0, 1),
  ])
}

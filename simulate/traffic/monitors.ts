// Legitimate ICMP, packet by packet: pings of several systems, smokeping, path tools, load balancers and network
// management. Octets are IP total lengths: 84 for Linux and macOS, 60 for Windows, 104 for Linux over IPv6.
import type { Activity, Behaviour } from '../activity.js'
import type { Host } from '../network.js'
import { ECHO, fragments, humanPace, icmp, machinePace, roundTrip, type TrafficContext } from './packets.js'

const UNREACHABLE = { 4: 3, 6: 1 } as const
const TIME_EXCEEDED = { 4: 11, 6: 3 } as const
const FRAGMENTATION_NEEDED_CODE = 4
/** An error quotes the offending header and eight octets: 20 + 8 + 28, or 40 + 8 + 48 over IPv6. */
const ERROR_OCTETS = { 4: 56, 6: 96 } as const

/** How one echo request is answered. */
export interface EchoOptions {
  /** IP total length of the request. */
  readonly octets?: number
  /** IP total length of the answer where the responder cuts long requests short. */
  readonly replyOctets?: number
  /** The request or its reply is lost on the way; the exporter may have seen the request. */
  readonly lossProbability?: number
  /** The network delivers the reply twice. */
  readonly duplicateProbability?: number
  readonly roundTripMilliseconds?: number
  /** Longer packets cross as fragments. Default 1,500 octets. */
  readonly mtuOctets?: number
}

/** One echo request and its reply. */
export function echo(
  { random }: TrafficContext,
  time: number,
  client: Host,
  server: Host,
  identifier: number,
  options: EchoOptions = {},
): Activity[] {
  const family = client.address.family
  const octets = options.octets ?? (family === 4 ? 84 : 104)
  const request = icmp(time, client, server, ECHO[family].request, 0, octets, 0, identifier)
  const mtuOctets = options.mtuOctets ?? 1500
  const isWhole = octets <= mtuOctets
  const requests = isWhole ? [request] : fragments(request, mtuOctets)
  if (random.chance(options.lossProbability ?? 0)) return requests
  const answered = time + (options.roundTripMilliseconds ?? roundTrip(random, client, server))
  const replyOctets = options.replyOctets ?? octets
  const reply = icmp(answered, server, client, ECHO[family].reply, 0, replyOctets, 1, identifier)
  requests.push(...(isWhole ? [reply] : fragments(reply, mtuOctets)))
  if (random.chance(options.duplicateProbability ?? 0))
    requests.push({ ...reply, timeMilliseconds: answered + 0.4 })
  return requests
}

/** A ping that never ends, one request a second by default. */
export function steadyPing(
  context: TrafficContext,
  client: Host,
  server: Host,
  periodMilliseconds = 1000,
  options: EchoOptions = {},
): Behaviour {
  const identifier = context.random.integer(1, 65_535)
  return machinePace(context, periodMilliseconds, 0.5, (time) =>
    echo(context, time, client, server, identifier, options),
  )
}

function echoes(
  context: TrafficContext,
  time: number,
  count: number,
  gapMilliseconds: number,
  client: Host,
  server: Host,
  options: EchoOptions,
): Activity[] {
  const identifier = context.random.integer(1, 65_535)
  const batch: Activity[] = []
  for (let index = 0; index < count; index += 1) {
    batch.push(...echo(context, time + index * gapMilliseconds, client, server, identifier, options))
  }
  return batch
}

/** A series of echoes every period, such as Windows' four of 60 octets every minute. */
export function pingSeries(
  context: TrafficContext,
  client: Host,
  server: Host,
  periodMilliseconds = 60_000,
  count = 4,
  gapMilliseconds = 1000,
  options: EchoOptions = { octets: 60 },
): Behaviour {
  return machinePace(context, periodMilliseconds, 50, (time) =>
    echoes(context, time, count, gapMilliseconds, client, server, options),
  )
}

/** Smokeping's default: 20 echoes per target every 300 s. */
export function smokeping(
  context: TrafficContext,
  client: Host,
  targets: readonly Host[],
  octets = 84,
): Behaviour {
  return machinePace(context, 300_000, 20, (time) =>
    targets.flatMap((target, index) =>
      echoes(context, time + index * 10, 20, 500, client, target, { octets }),
    ),
  )
}

/** Health checks of a load balancer: one echo per target every few seconds, for ever. */
export function healthChecks(
  context: TrafficContext,
  client: Host,
  targets: readonly Host[],
  periodMilliseconds = 5000,
  options: EchoOptions = { octets: 60 },
): Behaviour {
  return machinePace(context, periodMilliseconds, 1, (time) =>
    targets.flatMap((target, index) => echo(context, time + index * 2, client, target, 7, options)),
  )
}

/** One pass of growing hop limits: all but the last are answered by routers with "time exceeded". */
function pathProbe(
  context: TrafficContext,
  time: number,
  client: Host,
  path: readonly Host[],
  octets: number,
) {
  const family = client.address.family
  const identifier = context.random.integer(1, 65_535)
  const target = path.at(-1)
  const batch: Activity[] = []
  if (target === undefined) return batch
  for (const [hop, router] of path.entries()) {
    const sent = time + hop * 60
    if (router === target) {
      batch.push(...echo(context, sent, client, target, identifier, { octets }))
      continue
    }
    batch.push(icmp(sent, client, target, ECHO[family].request, 0, octets, 0, identifier))
    const errorOctets = ERROR_OCTETS[family]
    batch.push(icmp(sent + 2 + hop, router, client, TIME_EXCEEDED[family], 0, errorOctets, 1, identifier))
  }
  return batch
}

/** mtr: one pass over the path each second, 64 octets, for ten minutes out of every two hours or so. */
export function mtr(context: TrafficContext, client: Host, path: readonly Host[], passes = 600): Behaviour {
  return repeatedPasses(context, 7_200_000, passes, 1000, (time) =>
    pathProbe(context, time, client, path, 64),
  )
}

/** traceroute -I (60 octets) or Windows tracert (92): three passes now and then. */
export function traceroute(
  context: TrafficContext,
  client: Host,
  path: readonly Host[],
  octets = 60,
): Behaviour {
  return repeatedPasses(context, 3_600_000, 3, 1000, (time) => pathProbe(context, time, client, path, octets))
}

function* repeatedPasses(
  { random, startMilliseconds }: TrafficContext,
  meanPauseMilliseconds: number,
  passes: number,
  gapMilliseconds: number,
  pass: (time: number) => Activity[],
): Generator<Activity[], void> {
  // The first comes early, so that a short simulation has one too.
  let time = startMilliseconds + random.between(0, meanPauseMilliseconds / 10)
  for (;;) {
    for (let index = 0; index < passes; index += 1) {
      yield pass(time)
      time += gapMilliseconds
    }
    time += random.exponential(meanPauseMilliseconds)
  }
}

/** A path-MTU sweep: sizes from 100 to 1,500 octets; beyond the path's MTU a router answers 3/4. */
export function pathMtuSweep(
  context: TrafficContext,
  client: Host,
  server: Host,
  router: Host,
  pathMtu = 1400,
  meanPauseMilliseconds = 5_400_000,
): Behaviour {
  const family = client.address.family
  let size = 0
  return repeatedPasses(context, meanPauseMilliseconds, 45, 700, (time) => {
    const octets = 100 + (size % 15) * 100
    size += 1
    if (octets <= pathMtu) return echo(context, time, client, server, 99, { octets })
    const request = icmp(time, client, server, ECHO[family].request, 0, octets, 0, 99)
    const code = family === 4 ? FRAGMENTATION_NEEDED_CODE : 0
    const type = family === 4 ? UNREACHABLE[4] : 2 // ICMPv6 "packet too big"
    return [request, icmp(time + 1, router, client, type, code, ERROR_OCTETS[family], 1, 99)]
  })
}

/** ping -f: a hundred requests a second for half a minute; replies come later than the next request. */
export function pingFlood(
  context: TrafficContext,
  client: Host,
  server: Host,
  lossProbability = 0.01,
  meanPauseMilliseconds = 3_600_000,
): Behaviour {
  const options = { lossProbability, roundTripMilliseconds: 25 }
  return repeatedPasses(context, meanPauseMilliseconds, 3000, 10, (time) =>
    echo(context, time, client, server, 4242, options),
  )
}

/** UDP to closed ports and the answers of type 3 code 3, or code 1 from a router for absent hosts. */
export function unreachableErrors(
  context: TrafficContext,
  client: Host,
  targets: readonly Host[],
  router: Host,
): Behaviour {
  const { random } = context
  return humanPace(context, 30_000, (time) => {
    const server = random.choice(targets)
    const family = client.address.family
    const octets = random.integer(46, 130)
    const isAbsent = random.chance(0.3)
    const question = {
      ...icmp(time, client, server, 0, 0, octets, 0),
      protocolIdentifier: 17,
      sourceTransportPort: random.integer(32_768, 60_999),
      destinationTransportPort: random.integer(33_434, 33_600),
      application: '',
    }
    const code = isAbsent ? 1 : 3
    const quoted = ERROR_OCTETS[family] + Math.min(500, octets - 28)
    const answer = icmp(time + 3, isAbsent ? router : server, client, UNREACHABLE[family], code, quoted, 1)
    return [question, answer]
  })
}

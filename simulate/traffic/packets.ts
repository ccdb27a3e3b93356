// Building blocks of traffic: single packets, request and answer, TCP connections, and the rhythm of a working
// day. Octets are IP total lengths; times are epoch milliseconds.
import { type Activity, type Behaviour, type Direction, MAX_BURST_MILLISECONDS, TCP } from '../activity.js'
import type { Host } from '../network.js'
import type { Random } from '../random.js'

/** IANA protocol numbers in use. */
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const
/** ICMP types by family of the hosts. */
export const ECHO = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const

const HOUR_MILLISECONDS = 3_600_000
const MAX_PAUSE_MILLISECONDS = HOUR_MILLISECONDS / 2
const SEGMENT_OCTETS = 1500
const ACK_OCTETS = 52

/** What every behaviour gets: its own random numbers and when the simulation starts. */
export interface TrafficContext {
  readonly random: Random
  readonly startMilliseconds: number
}

/** Makes an activity; positional, since it is made once for every packet of a simulation. */
function activity(
  timeMilliseconds: number,
  spanMilliseconds: number,
  source: Host,
  destination: Host,
  protocolIdentifier: number,
  sourceTransportPort: number,
  destinationTransportPort: number,
  icmpType: number,
  icmpCode: number,
  icmpIdentifier: number,
  packets: number,
  octets: number,
  tcpControlBits: number,
  direction: Direction,
  application: string,
): Activity {
  return {
    timeMilliseconds,
    spanMilliseconds,
    source,
    destination,
    protocolIdentifier,
    sourceTransportPort,
    destinationTransportPort,
    icmpType,
    icmpCode,
    icmpIdentifier,
    packets,
    octets,
    tcpControlBits,
    ipClassOfService: 0,
    direction,
    application,
    denied: false,
  }
}

/** One ICMP or ICMPv6 packet, by the family of its source. */
export function icmp(
  timeMilliseconds: number,
  source: Host,
  destination: Host,
  icmpType: number,
  icmpCode: number,
  octets: number,
  direction: Direction,
  icmpIdentifier = 0,
): Activity {
  const isIPv4 = source.address.family === 4
  const protocol = isIPv4 ? PROTOCOL.icmp : PROTOCOL.icmpv6
  const name = isIPv4 ? 'ping' : 'ipv6-icmp'
  const [span, port, packets, flags] = [0, 0, 1, 0] as const
  // biome-ignore format: one line reads as the record that it makes
  return activity(timeMilliseconds, span, source, destination, protocol, port, port, icmpType, icmpCode, icmpIdentifier, packets, octets, flags, direction, name)
}

/**
 * An ICMP packet as the fragments that cross a link of this MTU. Meters see no ICMP header in the later ones:
 * their type and code read 0 and 0, as an echo reply's do. Each repeats the IP header (RFC 791 §3.2; RFC 8200 §4.5).
 */
export function fragments(whole: Activity, mtuOctets = 1500): Activity[] {
  if (whole.octets <= mtuOctets) return [whole]
  const isIPv4 = whole.source.address.family === 4
  const headerOctets = isIPv4 ? 20 : 48 // IPv6: with a fragment header
  const dataOctets = whole.octets - (isIPv4 ? 20 : 40)
  const chunk = (mtuOctets - headerOctets) & ~7
  const parts: Activity[] = []
  for (let offset = 0; offset < dataOctets; offset += chunk) {
    const octets = headerOctets + Math.min(chunk, dataOctets - offset)
    parts.push(offset === 0 ? { ...whole, octets } : { ...whole, octets, icmpType: 0, icmpCode: 0 })
  }
  return parts
}

/** A UDP question and its answer; without `answerOctets` nobody answers. */
export function udpExchange(
  timeMilliseconds: number,
  client: Host,
  server: Host,
  clientPort: number,
  serverPort: number,
  octets: number,
  answerOctets: number | undefined,
  roundTripMilliseconds: number,
  application: string,
): Activity[] {
  const session = { client, server, clientPort, serverPort, application, protocolIdentifier: PROTOCOL.udp }
  const question = burst(session, 0, timeMilliseconds, 0, 1, octets)
  if (answerOctets === undefined) return [question]
  return [question, burst(session, 1, timeMilliseconds + roundTripMilliseconds, 0, 1, answerOctets)]
}

/** A client port from Linux's ephemeral range. */
export function ephemeralPort(random: Random): number {
  return random.integer(32_768, 60_999)
}

/** A plausible round trip in milliseconds: inside a site, between sites, to the internet. */
export function roundTrip(random: Random, from: Host, to: Host): number {
  if (from.zone === 'internet' || to.zone === 'internet') return random.between(8, 60)
  return from.zone === to.zone ? random.between(0.2, 0.8) : random.between(0.5, 12)
}

/** A flow of packets of one kind between two ends. */
export interface Session {
  readonly client: Host
  readonly server: Host
  readonly clientPort: number
  readonly serverPort: number
  readonly application: string
  /** Default TCP. */
  readonly protocolIdentifier?: number
}

/** A burst of packets in one direction of a session. */
export function burst(
  session: Session,
  direction: Direction,
  timeMilliseconds: number,
  spanMilliseconds: number,
  packets: number,
  octets: number,
  tcpControlBits = 0,
): Activity {
  const { client, server, clientPort, serverPort, application, protocolIdentifier = PROTOCOL.tcp } = session
  const isForward = direction === 0
  const [source, destination] = isForward ? [client, server] : [server, client]
  const [sourcePort, destinationPort] = isForward ? [clientPort, serverPort] : [serverPort, clientPort]
  const span = Math.max(0, Math.min(MAX_BURST_MILLISECONDS, spanMilliseconds))
  const flags = protocolIdentifier === PROTOCOL.tcp ? tcpControlBits : 0
  // biome-ignore format: one line reads as the record that it makes
  return activity(timeMilliseconds, span, source, destination, protocolIdentifier, sourcePort, destinationPort, 0, 0, 0, packets, octets, flags, direction, application)
}

const segments = (octets: number) => Math.max(1, Math.ceil(octets / (SEGMENT_OCTETS - ACK_OCTETS)))

/** A whole short connection in one batch: handshake, request, response, close. Sizes are of the payload. */
export function shortConnection(
  session: Session,
  timeMilliseconds: number,
  requestOctets: number,
  responseOctets: number,
  durationMilliseconds: number,
  roundTripMilliseconds: number,
): Activity[] {
  const requests = segments(requestOctets)
  const responses = segments(responseOctets)
  const span = Math.min(MAX_BURST_MILLISECONDS, Math.max(0, durationMilliseconds - 2 * roundTripMilliseconds))
  const acknowledgements = 2 + Math.ceil(responses / 2)
  const answered = timeMilliseconds + roundTripMilliseconds
  const end = Math.max(timeMilliseconds + durationMilliseconds, answered + span + roundTripMilliseconds)
  const { SYN, ACK, PSH, FIN } = TCP
  const sent = requests + acknowledgements
  const upload = requestOctets + sent * ACK_OCTETS + 8
  const download = responseOctets + (responses + 1) * ACK_OCTETS + 8
  return [
    burst(session, 0, timeMilliseconds, span, sent, upload, SYN | ACK | PSH),
    burst(session, 1, answered, span, responses + 1, download, SYN | ACK | PSH),
    burst(session, 0, end, 0, 1, ACK_OCTETS, FIN | ACK),
    burst(session, 1, end + roundTripMilliseconds, 0, 1, ACK_OCTETS, FIN | ACK),
  ]
}

/** A long transfer as bursts of up to five seconds; sizes and the rate are of the payload, in octets. */
export function* longTransfer(
  session: Session,
  timeMilliseconds: number,
  uploadOctets: number,
  downloadOctets: number,
  durationMilliseconds: number,
  roundTripMilliseconds: number,
): Generator<Activity[], void> {
  const { SYN, ACK, PSH, FIN } = TCP
  const handshake = SYN | ACK
  yield [
    burst(session, 0, timeMilliseconds, roundTripMilliseconds, 2, ACK_OCTETS * 2 + 8, handshake),
    burst(session, 1, timeMilliseconds + roundTripMilliseconds, 0, 1, ACK_OCTETS + 8, handshake),
  ]
  const slices = Math.max(1, Math.ceil(durationMilliseconds / MAX_BURST_MILLISECONDS))
  const span = durationMilliseconds / slices
  const up = segments(uploadOctets / slices)
  const down = segments(downloadOctets / slices)
  for (let slice = 0; slice < slices; slice += 1) {
    const time = timeMilliseconds + 2 * roundTripMilliseconds + slice * span
    const upPackets = up + Math.ceil(down / 2)
    const downPackets = down + Math.ceil(up / 2)
    const upOctets = Math.round(uploadOctets / slices) + upPackets * ACK_OCTETS
    const downOctets = Math.round(downloadOctets / slices) + downPackets * ACK_OCTETS
    yield [
      burst(session, 0, time, span - 1, upPackets, upOctets, ACK | PSH),
      burst(session, 1, time + roundTripMilliseconds, span - 1, downPackets, downOctets, ACK | PSH),
    ]
  }
  const end = timeMilliseconds + durationMilliseconds + 4 * roundTripMilliseconds
  yield [
    burst(session, 0, end, 0, 1, ACK_OCTETS, FIN | ACK),
    burst(session, 1, end + roundTripMilliseconds, 0, 1, ACK_OCTETS, FIN | ACK),
  ]
}

/** How busy people are at a time, 0.03 to 1: working days from 8 to 18 h UTC. */
export function workRhythm(epochMilliseconds: number): number {
  const day = Math.floor(epochMilliseconds / (24 * HOUR_MILLISECONDS))
  const hour = (epochMilliseconds / HOUR_MILLISECONDS) % 24
  const weekday = (day + 4) % 7 // 1970-01-01 was a Thursday; 0 is Sunday
  if (weekday === 0 || weekday === 6) return 0.05
  if (hour >= 8 && hour < 18) return 1
  return hour >= 6 && hour < 22 ? 0.2 : 0.03
}

/** Runs `act` at exponentially distributed times of the given mean, slowed down outside working hours. */
export function* humanPace(
  { random, startMilliseconds }: TrafficContext,
  meanMilliseconds: number,
  act: (timeMilliseconds: number) => Activity[],
): Generator<Activity[], void> {
  let time = startMilliseconds + random.between(0, meanMilliseconds)
  for (;;) {
    const pause = random.exponential(meanMilliseconds / workRhythm(time))
    if (pause > MAX_PAUSE_MILLISECONDS) {
      // Memoryless: waiting half an hour and drawing again follows the rhythm and keeps the distribution.
      time += MAX_PAUSE_MILLISECONDS
      continue
    }
    time += pause
    yield act(time)
  }
}

/** Runs `act` every `periodMilliseconds`, each time late by up to `jitterMilliseconds`. */
export function* machinePace(
  { random, startMilliseconds }: TrafficContext,
  periodMilliseconds: number,
  jitterMilliseconds: number,
  act: (timeMilliseconds: number) => Activity[],
): Generator<Activity[], void> {
  let due = startMilliseconds + random.between(0, periodMilliseconds)
  for (;;) {
    yield act(
      due +
        (jitterMilliseconds > 0 ? random.between(0, Math.min(jitterMilliseconds, periodMilliseconds)) : 0),
    )
    due += periodMilliseconds
  }
}

/** Lets a behaviour act in [from, to) only; times of its own are kept. */
export function* during(
  behaviour: Behaviour,
  fromMilliseconds: number,
  toMilliseconds: number,
): Generator<Activity[], void> {
  for (;;) {
    const step = behaviour.next()
    if (step.done === true) return
    const first = step.value[0]
    if (first === undefined || first.timeMilliseconds < fromMilliseconds) continue
    if (first.timeMilliseconds >= toMilliseconds) return
    yield step.value
  }
}

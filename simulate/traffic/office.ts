// What people and their machines do all day: web pages with their name lookups, mail, files, printing, and
// remote shells to servers.
import type { Activity, Behaviour } from '../activity.js'
import type { Host } from '../network.js'
import {
  ephemeralPort,
  humanPace,
  longTransfer,
  PROTOCOL,
  roundTrip,
  shortConnection,
  type TrafficContext,
  udpExchange,
} from './packets.js'

/** A name lookup: question of 55 to 75 octets, answer of 80 to 300. */
function lookup(context: TrafficContext, client: Host, resolver: Host, time: number): Activity[] {
  const { random } = context
  const octets = random.integer(55, 75)
  const answer = random.integer(80, 300)
  const trip = roundTrip(random, client, resolver)
  return udpExchange(time, client, resolver, ephemeralPort(random), 53, octets, answer, trip, 'dns')
}

/** Puts the earliest first, as a batch asks. */
function ordered(batch: Activity[]): Activity[] {
  return batch.sort((left, right) => left.timeMilliseconds - right.timeMilliseconds)
}

/** Web pages: a lookup, then one to four connections over TCP/443, TCP/80 or QUIC to sites by popularity. */
export function browsing(
  context: TrafficContext,
  client: Host,
  resolver: Host,
  sites: readonly Host[],
  meanPauseMilliseconds = 45_000,
): Behaviour {
  const { random } = context
  return humanPace(context, meanPauseMilliseconds, (time) => {
    const batch = lookup(context, client, resolver, time)
    const connections = random.integer(1, 4)
    for (let index = 0; index < connections; index += 1) {
      const server = sites[random.zipf(sites.length)]!
      const trip = roundTrip(random, client, server)
      const isQuic = random.chance(0.35)
      const isPlain = !isQuic && random.chance(0.1)
      const session = {
        client,
        server,
        clientPort: ephemeralPort(random),
        serverPort: isPlain ? 80 : 443,
        application: isQuic ? 'quic' : isPlain ? 'http' : 'ssl',
        protocolIdentifier: isQuic ? PROTOCOL.udp : PROTOCOL.tcp,
      }
      const response = Math.min(5_000_000, Math.round(random.logNormal(25_000, 1.3)))
      const start = time + 20 + index * random.between(5, 80)
      const duration = 150 + response / 400
      batch.push(...shortConnection(session, start, random.integer(400, 3000), response, duration, trip))
    }
    return ordered(batch)
  })
}

/** Short connections from a client to one server at a person's pace. */
export function clientServer(
  context: TrafficContext,
  client: Host,
  server: Host,
  serverPort: number,
  application: string,
  meanPauseMilliseconds: number,
  medianOctets: number,
): Behaviour {
  const { random } = context
  return humanPace(context, meanPauseMilliseconds, (time) => {
    const session = { client, server, clientPort: ephemeralPort(random), serverPort, application }
    const octets = Math.min(5_000_000, Math.round(random.logNormal(medianOctets, 1)))
    const trip = roundTrip(random, client, server)
    return shortConnection(session, time, octets, random.integer(200, 4000), 200 + octets / 2000, trip)
  })
}

/** Sessions one after another, each made by `start`, with pauses of the given mean between them. */
export function* repeated(
  context: TrafficContext,
  meanPauseMilliseconds: number,
  start: (timeMilliseconds: number) => Behaviour,
): Generator<Activity[], void> {
  const { random } = context
  let time = context.startMilliseconds + random.between(0, meanPauseMilliseconds)
  for (;;) {
    const session = start(time)
    for (;;) {
      const step = session.next()
      if (step.done === true) break
      time = Math.max(time, step.value[0]?.timeMilliseconds ?? time)
      yield step.value
    }
    time += 1000 + random.exponential(meanPauseMilliseconds)
  }
}

/** Interactive shell sessions over TCP: small packets both ways for minutes to an hour. */
export function interactiveShell(
  context: TrafficContext,
  client: Host,
  server: Host,
  serverPort = 22,
  meanPauseMilliseconds = 1_800_000,
): Behaviour {
  const { random } = context
  return repeated(context, meanPauseMilliseconds, (time) => {
    const duration = random.between(120_000, 1_800_000)
    const session = { client, server, clientPort: ephemeralPort(random), serverPort, application: 'ssh' }
    const trip = roundTrip(random, client, server)
    return longTransfer(session, time, duration * 0.06, duration * 0.15, duration, trip)
  })
}

/** A bulk transfer every `periodMilliseconds`, such as a backup: most octets go to the server. */
export function bulkCopy(
  context: TrafficContext,
  client: Host,
  server: Host,
  serverPort: number,
  application: string,
  meanPauseMilliseconds: number,
  medianOctets: number,
): Behaviour {
  const { random } = context
  return repeated(context, meanPauseMilliseconds, (time) => {
    const octets = random.logNormal(medianOctets, 0.5)
    const session = { client, server, clientPort: ephemeralPort(random), serverPort, application }
    // About 20 Mbit/s.
    return longTransfer(session, time, octets, octets / 500, octets / 2500, roundTrip(random, client, server))
  })
}

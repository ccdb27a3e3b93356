// Services on ports that are not theirs. `application` is what a device that inspects packets would report.
import type { Activity, Behaviour } from '../activity.js'
import type { Host } from '../network.js'
import { interactiveShell, repeated } from './office.js'
import {
  burst,
  ephemeralPort,
  longTransfer,
  machinePace,
  PROTOCOL,
  roundTrip,
  shortConnection,
  type TrafficContext,
} from './packets.js'

/** An interactive ssh session on TCP/443. */
export function sshOn443(context: TrafficContext, client: Host, server: Host): Behaviour {
  return interactiveShell(context, client, server, 443, 600_000)
}

/** A SOCKS proxy on an odd port: many connections, some long. */
export function socks(context: TrafficContext, client: Host, server: Host, serverPort: number): Behaviour {
  const { random } = context
  return repeated(context, 20_000, (time) => {
    const session = { client, server, clientPort: ephemeralPort(random), serverPort, application: 'socks' }
    const duration = random.between(2000, 120_000)
    const octets = random.logNormal(60_000, 1)
    return longTransfer(session, time, octets, octets * 2, duration, roundTrip(random, client, server))
  })
}

/** A short connection to one port every period: HTTP on 53/tcp, TLS on 4444, and the like. */
export function shortOnPort(
  context: TrafficContext,
  client: Host,
  server: Host,
  serverPort: number,
  application: string,
  periodMilliseconds: number,
): Behaviour {
  const { random } = context
  return machinePace(context, periodMilliseconds, periodMilliseconds * 0.2, (time) => {
    const session = { client, server, clientPort: ephemeralPort(random), serverPort, application }
    const trip = roundTrip(random, client, server)
    return shortConnection(session, time, random.integer(300, 900), random.integer(300, 6000), 400, trip)
  })
}

/** Datagrams that are not DNS, of about `octets`, over one 5-tuple that lives as long as the simulation. */
export function datagramsOnPort(
  context: TrafficContext,
  client: Host,
  server: Host,
  serverPort: number,
  periodMilliseconds = 10_000,
  octets = 120,
): Behaviour {
  const { random } = context
  const session = {
    client,
    server,
    clientPort: ephemeralPort(random),
    serverPort,
    application: '',
    protocolIdentifier: PROTOCOL.udp,
  }
  const size = () => Math.max(29, Math.round(octets + random.between(-12, 12)))
  return machinePace(context, periodMilliseconds, 200, (time): Activity[] => [
    burst(session, 0, time, 0, 1, size()),
    burst(session, 1, time + roundTrip(random, client, server), 0, 1, size()),
  ])
}

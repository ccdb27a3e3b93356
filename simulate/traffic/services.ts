// What machines do by themselves: name service recursion, time, SNMP polls, logs, cameras, mail relays, a proxy.
import type { Behaviour } from '../activity.js'
import type { Host } from '../network.js'
import { clientServer, repeated } from './office.js'
import {
  burst,
  ephemeralPort,
  humanPace,
  longTransfer,
  machinePace,
  PROTOCOL,
  roundTrip,
  shortConnection,
  type TrafficContext,
  udpExchange,
} from './packets.js'

/** A resolver asks the internet: at most one question in ten is not cached. */
export function recursion(context: TrafficContext, resolver: Host, upstream: readonly Host[]): Behaviour {
  const { random } = context
  return humanPace(context, 4000, (time) => {
    const server = random.choice(upstream)
    const trip = roundTrip(random, resolver, server)
    const [octets, answer] = [random.integer(60, 90), random.integer(90, 600)]
    return udpExchange(time, resolver, server, ephemeralPort(random), 53, octets, answer, trip, 'dns')
  })
}

/** NTP: 76 octets each way every 64 to 1,024 s unless told otherwise, from port 123 or an ephemeral port. */
export function timeSync(
  context: TrafficContext,
  client: Host,
  server: Host,
  periodMilliseconds?: number,
): Behaviour {
  const { random } = context
  const period = periodMilliseconds ?? 1000 * random.choice([64, 128, 256, 512, 1024])
  const port = random.chance(0.5) ? 123 : ephemeralPort(random)
  return machinePace(context, period, 300, (time) =>
    udpExchange(time, client, server, port, 123, 76, 76, roundTrip(random, client, server), 'ntp'),
  )
}

/** SNMP polling of many devices every five minutes, one exchange of several packets per device. */
export function snmpPolling(context: TrafficContext, poller: Host, devices: readonly Host[]): Behaviour {
  const { random } = context
  return machinePace(context, 300_000, 0, (time) =>
    devices.flatMap((server, index) => {
      const clientPort = ephemeralPort(random)
      const common = { client: poller, server, clientPort, serverPort: 161, application: 'snmp' }
      const session = { ...common, protocolIdentifier: PROTOCOL.udp }
      const [packets, start] = [random.integer(5, 40), time + index * 20]
      return [
        burst(session, 0, start, packets * 4, packets, packets * 110),
        burst(session, 1, start + 3, packets * 4, packets, packets * 320),
      ]
    }),
  )
}

/** A device's own log lines to a collector on UDP/514. */
export function logLines(context: TrafficContext, device: Host, collector: Host): Behaviour {
  const { random } = context
  return humanPace(context, 12_000, (time) =>
    udpExchange(time, device, collector, 514, 514, random.integer(120, 420), undefined, 1, 'syslog'),
  )
}

/** A camera's stream to its recorder over TCP/554, in sessions of about an hour. */
export function cameraStream(
  context: TrafficContext,
  camera: Host,
  recorder: Host,
  meanPauseMilliseconds = 20_000,
): Behaviour {
  const { random } = context
  return repeated(context, meanPauseMilliseconds, (time) => {
    const session = { client: recorder, server: camera, clientPort: ephemeralPort(random), serverPort: 554 }
    const duration = random.between(3_000_000, 4_200_000)
    return longTransfer(
      { ...session, application: 'rtsp' },
      time,
      duration * 0.02,
      duration * 60,
      duration,
      1,
    )
  })
}

/** Mail from a relay to the internet's mail servers. */
export function mailRelay(context: TrafficContext, relay: Host, exchangers: readonly Host[]): Behaviour {
  const { random } = context
  return humanPace(context, 60_000, (time) => {
    const server = random.choice(exchangers)
    const session = {
      client: relay,
      server,
      clientPort: ephemeralPort(random),
      serverPort: 25,
      application: 'smtp',
    }
    const octets = Math.min(10_000_000, Math.round(random.logNormal(20_000, 1.2)))
    return shortConnection(session, time, octets, 900, 700 + octets / 1000, roundTrip(random, relay, server))
  })
}

/** A web proxy that many clients use on TCP/3128: TLS on an odd port, and legitimate. */
export function proxyClient(context: TrafficContext, client: Host, proxy: Host): Behaviour {
  return clientServer(context, client, proxy, 3128, 'http-proxy', 60_000, 8000)
}

/** Probes of closed TCP ports that the firewall refuses. */
export function deniedProbes(context: TrafficContext, client: Host, targets: readonly Host[]): Behaviour {
  const { random } = context
  return humanPace(context, 90_000, (time) => {
    const serverPort = random.choice([23, 135, 445, 3389, 5900])
    const server = random.choice(targets)
    const session = { client, server, clientPort: ephemeralPort(random), serverPort, application: '' }
    return [{ ...burst(session, 0, time, 0, 1, 60, 0x02), denied: true }]
  })
}

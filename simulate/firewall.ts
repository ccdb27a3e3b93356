// A stateful firewall that reports by syslog: a session table with the idle timeouts of its kind, address
// translation towards the internet, and one event when a session starts, one when it ends, one per refusal.
import { type Activity, TCP } from './activity.js'
import { ciscoAsaLines } from './encode/syslog/cisco-asa.js'
import { fortigateLines } from './encode/syslog/fortigate.js'
import { netfilterLines } from './encode/syslog/netfilter.js'
import { paloaltoLines } from './encode/syslog/paloalto.js'
import { type LogLine, syslogDatagram } from './encode/syslog.js'
import type { DatagramSink } from './exporter.js'
import type { FirewallSettings, FirewallVendor, Host } from './network.js'
import type { Random } from './random.js'

/** What happened to a session; octets are IP total lengths. */
export interface SessionEvent {
  readonly phase: 'start' | 'end' | 'deny'
  readonly timeMilliseconds: number
  readonly session: FirewallSession
}

/** A session of a firewall: "forward" is from the client, which opened it. */
export interface FirewallSession {
  readonly sessionId: number
  readonly client: Host
  readonly server: Host
  readonly protocolIdentifier: number
  readonly clientPort: number
  readonly serverPort: number
  readonly icmpType: number
  readonly icmpCode: number
  readonly icmpIdentifier: number
  readonly application: string
  readonly ingressInterface: string
  readonly egressInterface: string
  /** The client's address and port (or ICMP identifier) after translation. */
  readonly natAddress: string | undefined
  readonly natPort: number
  readonly startMilliseconds: number
  lastMilliseconds: number
  packetsForward: number
  octetsForward: number
  packetsReverse: number
  octetsReverse: number
  flagsForward: number
  flagsReverse: number
  endReason: 'timeout' | 'fin' | 'reset'
}

/** Writes the log lines of one event; a product may write none or several. */
export type LogWriter = (event: SessionEvent, device: FirewallSettings, random: Random) => LogLine[]

interface Timeouts {
  readonly icmp: number
  readonly udp: number
  readonly tcp: number
}

const writers: Readonly<Record<FirewallVendor, LogWriter>> = {
  'cisco-asa': ciscoAsaLines,
  fortigate: fortigateLines,
  paloalto: paloaltoLines,
  netfilter: netfilterLines,
}

/** Idle timeouts in milliseconds, the products' defaults as far as they are simulated. */
const timeoutsByVendor: Readonly<Record<FirewallVendor, Timeouts>> = {
  'cisco-asa': { icmp: 2000, udp: 120_000, tcp: 3_600_000 },
  fortigate: { icmp: 60_000, udp: 180_000, tcp: 3_600_000 },
  paloalto: { icmp: 6000, udp: 30_000, tcp: 3_600_000 },
  netfilter: { icmp: 30_000, udp: 120_000, tcp: 432_000_000 },
}

const FIRST_TRANSLATED_PORT = 1024
const TRANSLATED_PORTS = 64_000

/** A running firewall. */
export interface Firewall {
  observe(activity: Activity, ingressInterface: string, egressInterface: string): void
  /** Ends the sessions that are due. */
  advance(timeMilliseconds: number): void
  /** Ends all sessions. */
  close(timeMilliseconds: number): void
}

/** Creates a firewall whose log datagrams go to `sink`. */
export function createFirewall(settings: FirewallSettings, random: Random, sink: DatagramSink): Firewall {
  const write = writers[settings.vendor]
  const timeouts = timeoutsByVendor[settings.vendor]
  // Least recently used first in each: a Map keeps the order of insertion.
  const tables = {
    icmp: new Map<string, FirewallSession>(),
    udp: new Map<string, FirewallSession>(),
    tcp: new Map<string, FirewallSession>(),
  }
  let sessions = 0

  function report(phase: SessionEvent['phase'], timeMilliseconds: number, session: FirewallSession): void {
    for (const line of write({ phase, timeMilliseconds, session }, settings, random)) {
      sink(timeMilliseconds, syslogDatagram(settings.header, settings.name, timeMilliseconds, line))
    }
  }

  function open(activity: Activity, ingressInterface: string, egressInterface: string): FirewallSession {
    sessions += 1
    const {
      source: client,
      destination: server,
      protocolIdentifier,
      icmpIdentifier,
      timeMilliseconds,
    } = activity
    const isOutbound = server.zone === 'internet' && client.address.family === 4
    const isIcmp = protocolIdentifier === 1
    const natPort = isIcmp ? icmpIdentifier : FIRST_TRANSLATED_PORT + (sessions % TRANSLATED_PORTS)
    return {
      sessionId: sessions,
      client,
      server,
      protocolIdentifier,
      clientPort: activity.sourceTransportPort,
      serverPort: activity.destinationTransportPort,
      icmpType: activity.icmpType,
      icmpCode: activity.icmpCode,
      icmpIdentifier,
      application: activity.application,
      ingressInterface,
      egressInterface,
      natAddress: isOutbound ? settings.natAddress : undefined,
      natPort,
      startMilliseconds: timeMilliseconds,
      lastMilliseconds: timeMilliseconds,
      packetsForward: 0,
      octetsForward: 0,
      packetsReverse: 0,
      octetsReverse: 0,
      flagsForward: 0,
      flagsReverse: 0,
      endReason: 'timeout',
    }
  }

  function expire(table: Map<string, FirewallSession>, timeout: number, time: number): void {
    for (const [key, session] of table) {
      if (time - session.lastMilliseconds < timeout) return
      table.delete(key)
      report('end', time, session)
    }
  }

  function advance(time: number): void {
    expire(tables.icmp, timeouts.icmp, time)
    expire(tables.udp, timeouts.udp, time)
    expire(tables.tcp, timeouts.tcp, time)
  }

  function isEcho(activity: Activity): boolean {
    const { icmpType } = activity
    return icmpType === 8 || icmpType === 0 || icmpType === 128 || icmpType === 129
  }

  function account(session: FirewallSession, activity: Activity): void {
    session.lastMilliseconds = activity.timeMilliseconds + activity.spanMilliseconds
    if (activity.direction === 0) {
      session.packetsForward += activity.packets
      session.octetsForward += activity.octets
      session.flagsForward |= activity.tcpControlBits
    } else {
      session.packetsReverse += activity.packets
      session.octetsReverse += activity.octets
      session.flagsReverse |= activity.tcpControlBits
    }
    if ((activity.tcpControlBits & TCP.RST) !== 0) session.endReason = 'reset'
    else if ((session.flagsForward & session.flagsReverse & TCP.FIN) !== 0) session.endReason = 'fin'
  }

  return {
    observe(activity, ingressInterface, egressInterface) {
      const { protocolIdentifier, direction, timeMilliseconds } = activity
      const isIcmp = protocolIdentifier === 1 || protocolIdentifier === 58
      // ICMP errors belong to the session that they are about.
      if (isIcmp && !isEcho(activity)) return
      advance(timeMilliseconds)
      if (activity.denied) {
        if (direction !== 0) return
        const refused = open(activity, ingressInterface, egressInterface)
        account(refused, activity)
        report('deny', timeMilliseconds, refused)
        return
      }
      const isForward = direction === 0
      const client = isForward ? activity.source : activity.destination
      const server = isForward ? activity.destination : activity.source
      const clientPort = isForward ? activity.sourceTransportPort : activity.destinationTransportPort
      const serverPort = isForward ? activity.destinationTransportPort : activity.sourceTransportPort
      const ports = isIcmp ? activity.icmpIdentifier : `${clientPort}/${serverPort}`
      const key = `${client.id}/${server.id}/${ports}`
      const table = isIcmp ? tables.icmp : protocolIdentifier === 17 ? tables.udp : tables.tcp
      let session = table.get(key)
      if (session === undefined) {
        if (!isForward) return
        session = open(activity, ingressInterface, egressInterface)
        account(session, activity)
        report('start', timeMilliseconds, session)
      } else {
        table.delete(key)
        account(session, activity)
      }
      if (session.endReason === 'timeout') table.set(key, session)
      else report('end', timeMilliseconds, session)
    },
    advance,
    close(time) {
      for (const table of Object.values(tables)) {
        for (const session of table.values()) report('end', time, session)
        table.clear()
      }
    },
  }
}

/**
 * Rules of other products, restated on the same rows. Each says what it fires on; the subjects are those of Culvert's
 * own findings (a pair of hosts, or a server and its port), so that a rule that fires a thousand times on one pair
 * counts once. Sources: the rules' published texts, named beside each.
 */
import { registeredService } from '#core/iana/services.js'
import { isPrivateAddress, parseAddress } from '#core/records/address.js'
import { ritaScore } from './rita.js'
import type { EchoRow, FlowRow } from './rows.js'
import { pairOf } from './rows.js'
import type { Truth } from './score.js'

const MINUTE = 60_000
const DAY = 86_400_000

/** A rule in use: subjects that it fired on, and when it first did. */
export type Rule = {
  readonly name: string
  readonly fired: Map<string, number>
}

export type EchoRule = Rule & { take(row: EchoRow): void; end?(): void }
export type FlowRule = Rule & { take(row: FlowRow, key: string): void }

const inside = new Map<string, boolean>()
function isInside(address: string): boolean {
  let known = inside.get(address)
  if (known === undefined) {
    known = isPrivateAddress(parseAddress(address)!)
    inside.set(address, known)
  }
  return known
}

function rule(name: string): Rule & { fire(key: string, at: number): void } {
  const fired = new Map<string, number>()
  return {
    name,
    fired,
    fire(key, at) {
      if (!fired.has(key)) fired.set(key, at)
    },
  }
}

/** LogRhythm NetMon, Flow_DetectLargeICMP: more than 160 octets a packet. */
function largeMean(): EchoRule {
  const { fire, ...own } = rule('LogRhythm: mean > 160')
  return {
    ...own,
    take({ source, destination, octets, packets, receivedMilliseconds }) {
      if (octets / packets > 160) fire(pairOf(source, destination), receivedMilliseconds)
    },
  }
}

/** Splunk, Detect Large Outbound ICMP Packets: a flow of more than 1,000 bytes to an address that is not private. */
function largeFlow(): EchoRule {
  const { fire, ...own } = rule('Splunk: bytes > 1000, outbound')
  return {
    ...own,
    take({ source, destination, octets, receivedMilliseconds }) {
      if (octets > 1000 && !isInside(destination)) fire(pairOf(source, destination), receivedMilliseconds)
    },
  }
}

/** Elastic, Potential ICMP Tunneling Activity to the Internet: 256 octets of payload and more a request and reply, new pair. */
function largeExchange(): EchoRule {
  const { fire, ...own } = rule('Elastic: >= 256 an exchange, new pair')
  const means = new Map<string, { request: number; reply: number }>()
  return {
    ...own,
    take({ source, destination, isRequest, octets, packets, receivedMilliseconds }) {
      const [from, to] = isRequest ? [source, destination] : [destination, source]
      if (!isInside(from) || isInside(to)) return
      const key = pairOf(from, to)
      const pair = means.get(key) ?? { request: 0, reply: 0 }
      means.set(key, pair)
      pair[isRequest ? 'request' : 'reply'] = Math.max(0, octets / packets - 28)
      if (pair.request + pair.reply >= 256) fire(key, receivedMilliseconds)
    },
  }
}

/** hosom/bro-scripts: the variance of what a source sends over its ICMP connections of five minutes is above 1. */
function variance(): EchoRule {
  const { fire, ...own } = rule('Zeek script: variance > 1 in 5 min')
  const windows = new Map<string, { since: number; count: number; mean: number; squares: number }>()
  return {
    ...own,
    take({ source, destination, isRequest, octets, receivedMilliseconds: at }) {
      if (!isRequest) return
      let window = windows.get(source)
      if (window === undefined || at - window.since > 5 * MINUTE) {
        window = { since: at, count: 0, mean: 0, squares: 0 }
        windows.set(source, window)
      }
      window.count++
      const difference = octets - window.mean
      window.mean += difference / window.count
      window.squares += difference * (octets - window.mean)
      if (window.count > 1 && window.squares / window.count > 1) fire(pairOf(source, destination), at)
    },
  }
}

const USUAL_SIZES: ReadonlySet<number> = new Set([84, 60, 64, 100, 92, 1500, 28, 40])

/** Plixer Scrutinizer, Large ping: the mean is none of the usual sizes. */
function oddSize(): EchoRule {
  const { fire, ...own } = rule('Plixer: size not usual')
  return {
    ...own,
    take({ source, destination, octets, packets, receivedMilliseconds }) {
      if (!USUAL_SIZES.has(octets / packets)) fire(pairOf(source, destination), receivedMilliseconds)
    },
  }
}

/** AN1258's own SessionDurationThreshold: echo traffic of a pair goes on for more than five minutes. */
function longSession(): EchoRule {
  const { fire, ...own } = rule('AN1258: longer than 5 min')
  const sessions = new Map<string, { since: number; last: number }>()
  return {
    ...own,
    take({ source, destination, startMilliseconds, endMilliseconds, receivedMilliseconds }) {
      const key = pairOf(source, destination)
      let session = sessions.get(key)
      if (session === undefined || startMilliseconds - session.last > 2 * MINUTE) {
        session = { since: startMilliseconds, last: endMilliseconds }
        sessions.set(key, session)
      }
      session.last = Math.max(session.last, endMilliseconds)
      if (session.last - session.since > 5 * MINUTE) fire(key, receivedMilliseconds)
    },
  }
}

/** RITA's beacon score over a day of a pair's records, at its bound for "low" (70) and for "high" (100 less rounding). */
function beacon(name: string, bound: number): EchoRule {
  const { fire, ...own } = rule(name)
  type Series = { starts: number[]; octets: number[] }
  let day = Number.NaN
  let pairs = new Map<string, Series>()
  const end = () => {
    const all = [...pairs.values()].flatMap(({ starts }) => starts)
    const from = all.reduce((least, start) => Math.min(least, start), Number.POSITIVE_INFINITY)
    const to = all.reduce((most, start) => Math.max(most, start), Number.NEGATIVE_INFINITY)
    const window = { from, length: Math.max(1, to - from) }
    for (const [key, { starts, octets }] of pairs) {
      if (ritaScore(starts, octets, window) >= bound) fire(key, (day + 1) * DAY)
    }
    pairs = new Map()
  }
  return {
    ...own,
    take({ source, destination, isRequest, octets, startMilliseconds, receivedMilliseconds }) {
      if (!isRequest || !isInside(source) || isInside(destination)) return
      const today = Math.floor(receivedMilliseconds / DAY)
      if (today !== day) end()
      day = today
      const key = pairOf(source, destination)
      const series = pairs.get(key) ?? { starts: [], octets: [] }
      pairs.set(key, series)
      series.starts.push(startMilliseconds)
      series.octets.push(octets)
    },
    end,
  }
}

/** New rules over echo records, with nothing fired. */
export function echoRules(): EchoRule[] {
  return [
    largeMean(),
    largeFlow(),
    largeExchange(),
    variance(),
    oddSize(),
    longSession(),
    beacon('RITA: beacon >= 0.7', 0.7),
    beacon('RITA: beacon >= 0.9', 0.9),
  ]
}

/** Sigma's lists of odd ports, and that of Windows. */
const SIGMA_PORTS: ReadonlySet<number> = new Set([
  888, 999, 2200, 2222, 4000, 4444, 6789, 8531, 50501, 51820, 8080, 8888,
])
/** Microsoft Sentinel: application against port, looked at on these ports alone. */
const SENTINEL_PORTS: Readonly<Record<string, readonly number[]>> = {
  dns: [53],
  http: [80, 8080, 8000],
  ssl: [443, 8443],
  smtp: [25],
}
const SENTINEL_ALL = new Set(Object.values(SENTINEL_PORTS).flat())
/** nDPI: an application on another port than its default ones. */
const DEFAULT_PORTS: Readonly<Record<string, readonly number[]>> = {
  dns: [53],
  http: [80],
  ssl: [443],
  quic: [443],
  smtp: [25, 587],
  ssh: [22],
  ntp: [123],
  snmp: [161, 162],
  syslog: [514],
  socks: [1080],
  'http-proxy': [3128, 8080],
  rtsp: [554],
  ipp: [631],
  smb: [445],
  rsync: [873],
}

function flowRule(name: string, fires: (row: FlowRow) => boolean): FlowRule {
  const { fire, ...own } = rule(name)
  return {
    ...own,
    take(row, key) {
      if (fires(row)) fire(key, 0)
    },
  }
}

/** New rules over records of TCP and UDP: static tables all. */
export function flowRules(): FlowRule[] {
  return [
    flowRule('Sigma: list of odd ports', ({ destinationTransportPort }) =>
      SIGMA_PORTS.has(destinationTransportPort),
    ),
    flowRule('Slips: port not registered', ({ protocolIdentifier, destinationTransportPort }) => {
      return registeredService(protocolIdentifier, destinationTransportPort) === undefined
    }),
    flowRule('Sentinel: application not of port', ({ applicationName, destinationTransportPort }) => {
      const ports = SENTINEL_PORTS[applicationName]
      const isLookedAt = SENTINEL_ALL.has(destinationTransportPort)
      return isLookedAt && ports !== undefined && !ports.includes(destinationTransportPort)
    }),
    flowRule('nDPI: application not on default port', ({ applicationName, destinationTransportPort }) => {
      const ports = DEFAULT_PORTS[applicationName]
      return ports !== undefined && !ports.includes(destinationTransportPort)
    }),
  ]
}

const [TCP, UDP] = [6, 17]

/** All rules behind one taker of rows. */
export function createPeers() {
  const echoes = echoRules()
  const flows = flowRules()
  /** Each client, server and port is looked at once for each application: the tables say the same each time. */
  const known = new Set<string>()
  return {
    echo(row: EchoRow) {
      for (const one of echoes) one.take(row)
    },
    flow(row: FlowRow) {
      const { protocolIdentifier, sourceTransportPort, destinationTransportPort, applicationName } = row
      if (protocolIdentifier !== TCP && protocolIdentifier !== UDP) return
      // Requests alone: a static table takes the lower port for the server's.
      if (destinationTransportPort > sourceTransportPort) return
      const key = `${row.destination()} ${destinationTransportPort} ${protocolIdentifier}`
      const once = `${key} ${applicationName}`
      if (known.has(once)) return
      known.add(once)
      for (const one of flows) one.take(row, key)
    },
    end() {
      for (const one of echoes) one.end?.()
      return { echoes: echoes as readonly Rule[], flows: flows as readonly Rule[] }
    },
  }
}

/** What a rule is worth on labelled rows: hidden channels that it fired on, and subjects that hide none. */
export type RuleScore = {
  readonly name: string
  readonly cases: readonly { readonly truth: Truth; readonly isFound: boolean }[]
  readonly falseSubjects: number
}

/** Scores rules about pairs that ping. */
export function scoreEchoRules(rules: readonly Rule[], truths: readonly Truth[]): RuleScore[] {
  const echoing = truths.filter(({ kind }) => kind === 'carrying' || kind === 'mirroring')
  const bad = new Set(
    truths
      .filter(({ kind }) => kind !== 'benign')
      .map(({ source, destination }) => pairOf(source, destination)),
  )
  return rules.map(({ name, fired }) => ({
    name,
    cases: echoing.map((truth) => ({ truth, isFound: fired.has(pairOf(truth.source, truth.destination)) })),
    falseSubjects: [...fired.keys()].filter((key) => !bad.has(key)).length,
  }))
}

/** Scores rules about servers and their ports. */
export function scoreFlowRules(rules: readonly Rule[], truths: readonly Truth[]): RuleScore[] {
  const pairing = truths.filter(({ kind }) => kind === 'pairing')
  const keyOf = ({ destination, port, protocolIdentifier }: Truth) =>
    `${destination} ${port} ${protocolIdentifier}`
  const bad = new Set(truths.filter(({ kind }) => kind !== 'benign').map(keyOf))
  return rules.map(({ name, fired }) => ({
    name,
    cases: pairing.map((truth) => ({ truth, isFound: fired.has(keyOf(truth)) })),
    falseSubjects: [...fired.keys()].filter((key) => !bad.has(key)).length,
  }))
}

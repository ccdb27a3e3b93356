/**
 * A ring of log lines of firewalls, one a datagram: half of them Cisco ASA, then FortiGate and PAN-OS, over the sessions
 * of bench/load/traffic.ts. Clock times and epoch seconds in a line are those of its sending; dates stay (UTC).
 */
import { concatenate, textOctets } from '#simulate/encode/bytes.js'
import { ciscoAsaLines } from '#simulate/encode/syslog/cisco-asa.js'
import { fortigateLines } from '#simulate/encode/syslog/fortigate.js'
import { paloaltoLines } from '#simulate/encode/syslog/paloalto.js'
import { clockText, type SyslogHeader, syslogText } from '#simulate/encode/syslog.js'
import type { FirewallSession, LogWriter, SessionEvent } from '#simulate/firewall.js'
import type { FirewallSettings, FirewallVendor, Host } from '#simulate/network.js'
import { createRandom, type Random } from '#simulate/random.js'
import { emptyLoadCounts, type Load, MAX_HELD, MAX_SOURCES, sourceAddressText } from './load.js'
import { createTraffic, type Flow } from './traffic.js'

export type SyslogLoadOptions = {
  readonly seed: number
  readonly epochMilliseconds: number
  /** Firewalls, 1 to 64,516; each has an address and a product of its own. */
  readonly exporters?: number
  /** Lines of the ring. */
  readonly ringLines?: number
}

type Product = { readonly vendor: FirewallVendor; readonly header: SyslogHeader; readonly write: LogWriter }
const asa: Product = { vendor: 'cisco-asa', header: 'rfc3164', write: ciscoAsaLines }
const fortigate: Product = { vendor: 'fortigate', header: 'bare', write: fortigateLines }
const panos: Product = { vendor: 'paloalto', header: 'rfc3164', write: paloaltoLines }
/** By turns: half, three tenths, two tenths. */
const products = [asa, fortigate, asa, panos, asa, fortigate, asa, panos, asa, fortigate]

const interfaces: Readonly<Record<FirewallVendor, readonly [inside: string, outside: string]>> = {
  'cisco-asa': ['inside', 'outside'],
  fortigate: ['port12', 'wan1'],
  paloalto: ['ethernet1/2', 'ethernet1/1'],
  netfilter: ['eth1', 'eth0'],
}
const DENIED_SHARE = 0.1
const RING_LINES = 40_000
const CLOCK_OCTETS = 8
const SECONDS_OCTETS = 10
/** Applications that firewalls recognise, by port. */
const applications: Readonly<Record<number, string>> = {
  53: 'dns',
  80: 'http',
  8080: 'http',
  123: 'ntp',
  443: 'ssl',
  8443: 'ssl',
  25: 'smtp',
  22: 'ssh',
  161: 'snmp',
}

/** Throws RangeError for options outside their ranges. */
export class SyslogLoad implements Load {
  readonly arena: Uint8Array
  readonly sources: number
  readonly counts = emptyLoadCounts()
  offset = 0
  length = 0
  source = 0
  private readonly lines: number
  private readonly offsets: Int32Array
  private readonly lengths: Int32Array
  /** Places of clock times and of epoch seconds, and for each line where its ones begin. */
  private readonly clocks: Places
  private readonly seconds: Places
  private writtenSecond = -1
  private readonly clock = new Uint8Array(CLOCK_OCTETS)
  private readonly second = new Uint8Array(SECONDS_OCTETS)
  private at = 0

  constructor({ seed, epochMilliseconds, exporters = 10, ringLines = RING_LINES }: SyslogLoadOptions) {
    if (exporters < 1 || exporters > MAX_SOURCES) throw new RangeError(`exporters: 1 to ${MAX_SOURCES}`)
    this.sources = exporters
    this.lines = Math.max(MAX_HELD, ringLines)
    const texts = drawLines(createRandom(seed), this.lines, exporters, epochMilliseconds)
    const octets = texts.map(textOctets)
    this.arena = concatenate(octets)
    this.lengths = Int32Array.from(octets, ({ length }) => length)
    this.offsets = new Int32Array(octets.length)
    for (let index = 1; index < octets.length; index++)
      this.offsets[index] = this.offsets[index - 1]! + octets[index - 1]!.length
    this.clocks = placesOf(texts, clockText(epochMilliseconds))
    this.seconds = placesOf(texts, String(Math.floor(epochMilliseconds / 1000)))
  }

  restart(): void {
    Object.assign(this.counts, emptyLoadCounts())
    this.at = 0
  }

  advance(epochMilliseconds: number): void {
    const index = this.at
    const second = Math.floor(epochMilliseconds / 1000)
    if (second !== this.writtenSecond) {
      this.clock.set(textOctets(clockText(epochMilliseconds)))
      this.second.set(textOctets(String(second)))
      this.writtenSecond = second
    }
    this.offset = this.offsets[index]!
    this.length = this.lengths[index]!
    this.source = index % this.sources
    put(this.arena, this.offset, this.clocks, index, this.clock)
    put(this.arena, this.offset, this.seconds, index, this.second)
    const { counts } = this
    counts.datagrams++
    counts.records++
    counts.octets += this.length
    this.at = (index + 1) % this.lines
  }
}

type Places = { readonly from: Int32Array; readonly at: Int32Array }

/** Where `text` stands in each of the lines, which hold ASCII alone. */
function placesOf(lines: readonly string[], text: string): Places {
  const from = new Int32Array(lines.length + 1)
  const at: number[] = []
  for (const [index, line] of lines.entries()) {
    for (let place = line.indexOf(text); place >= 0; place = line.indexOf(text, place + 1)) at.push(place)
    from[index + 1] = at.length
  }
  return { from, at: Int32Array.from(at) }
}

function put(arena: Uint8Array, offset: number, places: Places, line: number, octets: Uint8Array): void {
  for (let index = places.from[line]!; index < places.from[line + 1]!; index++) {
    const at = offset + places.at[index]!
    for (let octet = 0; octet < octets.length; octet++) arena[at + octet] = octets[octet]!
  }
}

function drawLines(random: Random, count: number, exporters: number, epochMilliseconds: number): string[] {
  const devices = Array.from({ length: exporters }, (_, exporter) => ({
    product: products[exporter % products.length]!,
    traffic: createTraffic(random.fork(`firewall ${exporter}`), exporter),
    settings: settingsOf(exporter),
  }))
  return Array.from({ length: count }, (_, index) => {
    const { product, traffic, settings } = devices[index % exporters]!
    for (;;) {
      // A session is both directions of a conversation: answers alone make none.
      const flow = traffic()
      if (flow.direction !== 0) continue
      const event = eventOf(flow, index, product.vendor, random, epochMilliseconds)
      const line = product.write(event, settings, random)[0]
      if (line !== undefined) return syslogText(product.header, settings.name, epochMilliseconds, line)
    }
  })
}

function settingsOf(exporter: number): FirewallSettings {
  const { vendor, header } = products[exporter % products.length]!
  return {
    name: `fw-${exporter + 1}`,
    address: sourceAddressText(exporter),
    listenerPort: 0,
    vendor,
    header,
    home: [],
    interfaces: {},
    natAddress: undefined,
  }
}

function eventOf(
  flow: Flow,
  index: number,
  vendor: FirewallVendor,
  random: Random,
  timeMilliseconds: number,
): SessionEvent {
  const [inside, outside] = interfaces[vendor]
  const isDenied = random.chance(DENIED_SHARE)
  const isFinished = (flow.tcpFlags & 1) !== 0
  const session: FirewallSession = {
    sessionId: 120_000_000 + index,
    client: host(flow.source, 'trust'),
    server: host(flow.destination, 'internet'),
    protocolIdentifier: flow.protocol,
    clientPort: flow.sourcePort,
    serverPort: flow.protocol === 1 ? 0 : flow.destinationPort,
    icmpType: flow.icmpTypeCode >> 8,
    icmpCode: flow.icmpTypeCode & 0xff,
    icmpIdentifier: random.integer(1, 65_535),
    application: flow.protocol === 1 ? 'ping' : (applications[flow.destinationPort] ?? ''),
    ingressInterface: inside,
    egressInterface: outside,
    natAddress: `203.0.113.${random.integer(1, 8)}`,
    natPort: random.integer(1024, 65_000),
    startMilliseconds: timeMilliseconds - (flow.startedAgo - flow.endedAgo),
    lastMilliseconds: timeMilliseconds,
    packetsForward: flow.packets,
    octetsForward: flow.octets,
    packetsReverse: flow.packets + 1,
    octetsReverse: flow.octets * 3,
    flagsForward: flow.tcpFlags,
    flagsReverse: flow.tcpFlags,
    endReason: isFinished ? 'fin' : flow.tcpFlags === 0x14 ? 'reset' : 'timeout',
  }
  // The ASA logs openings too; the others would have nothing to say.
  const phase = isDenied ? 'deny' : vendor === 'cisco-asa' && random.chance(0.5) ? 'start' : 'end'
  return { phase, timeMilliseconds, session }
}

function host(address: number, zone: string): Host {
  const octets = Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address)
  return {
    id: address,
    name: '',
    role: 'workstation',
    zone,
    address: { id: address, text: octets.join('.'), family: 4, octets },
    ipv6: undefined,
  } as Host
}

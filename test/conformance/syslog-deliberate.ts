// Goldens of the syslog corpus that are not followed: the place, the fields, and why.
import { firewallFields } from './syslog-deliberate-firewalls.js'

/** Fields of some lines of a product (or of a kind of header, by the line in the file of headers). */
export type DeliberateField = {
  readonly product: string
  /** Numbers from 1; absent for every line of the product. */
  readonly lines?: readonly number[]
  readonly keys: readonly string[]
  readonly reason: string
}

const bodyOnly =
  'a relay reads it out of the text of a product that sends no flows; the header does not have it'
const fraction =
  'the header ends at the second; the fraction stands in the text of a product that sends no flows'

export const deliberateFields: readonly DeliberateField[] = [
  ...firewallFields,
  {
    product: 'rfc3164',
    lines: [22, 23, 24, 25],
    keys: ['host', 'app'],
    reason: 'the oracle ran with a setting that calls names in ctld bad',
  },
  {
    product: 'rfc3164',
    lines: [45],
    keys: ['host', 'app'],
    reason: 'one word behind the time: other goldens of the corpus call it the host',
  },
  {
    product: 'rfc3164',
    lines: [46],
    keys: ['facility', 'severity', 'app'],
    reason: 'the priority that a relay would add (RFC 3164 section 4.3.3) was not sent',
  },
  {
    product: 'rfc3164',
    lines: [50, 67],
    keys: ['app'],
    reason: 'a first word without colon or bracket: other goldens of the corpus call it text',
  },
  {
    product: 'rfc3164',
    lines: [83],
    keys: ['app'],
    reason: 'other goldens of the corpus have Cisco’s mnemonic as the tag',
  },
  {
    product: 'rfc3164',
    lines: [92, 94, 99],
    keys: ['timeLocal', 'timeNoYear'],
    reason: 'the golden has a year, or a time, that the line does not have',
  },
  {
    product: 'rfc5424',
    lines: [523],
    keys: ['host'],
    reason: 'the golden has the APP-NAME for the host',
  },
  {
    product: 'bsd-or-vendor',
    lines: [168, 169, 251, 254, 256, 297, 298, 323, 324, 325, 326, 327],
    keys: ['timeNoYear'],
    reason: fraction,
  },
  {
    product: 'bsd-or-vendor',
    lines: [219, 227, 241, 244, 245, 273, 274, 275, 312, 318, 377, 378, 522, 530, 532, 534],
    keys: ['host', 'time'],
    reason: bodyOnly,
  },
  {
    product: 'bsd-or-vendor',
    lines: [529],
    keys: ['time'],
    reason:
      'the year is inferred from the day of receipt; the golden reads an epoch in the text of a web proxy',
  },
  {
    product: 'rfc5424',
    lines: [465, 466, 467],
    keys: ['time', 'timeNoYear'],
    reason:
      'the header’s time is complete; the golden reads another, years away, in the LEEF of a made-up product',
  },
  {
    product: 'bsd-or-vendor',
    lines: [464],
    keys: ['time'],
    reason: 'the golden reads another time, months away, in the LEEF of a made-up product',
  },
  {
    product: 'leef',
    lines: [81, 82],
    keys: ['timeNoYear'],
    reason: 'the header has no zone; the device’s own time of the same minute has one',
  },
  {
    product: 'vendor',
    lines: [702, 703, 704, 705, 707],
    keys: ['timeLocal'],
    reason: 'the golden is when HAProxy accepted the request; the header says when the line was written',
  },
  {
    product: 'sophos-xg',
    lines: [174],
    keys: ['product', 'action'],
    reason: 'a line of Sophos UTM 9, another product; the golden has the event’s name for its `action`',
  },
  {
    product: 'checkpoint',
    lines: [38, 40, 42],
    keys: ['inIf'],
    reason: 'the interface of an outbound log is where the packet leaves, as in other goldens of the corpus',
  },
  {
    product: 'f5-bigip',
    lines: [6, 19, 30],
    keys: ['action'],
    reason: 'the golden has the first words of the sentence, or the name of the event, for an action',
  },
  {
    product: 'f5-bigip',
    lines: [21],
    keys: ['rule'],
    reason: 'the golden has the heading of the violations for a rule; the line names none',
  },
  {
    product: 'f5-bigip',
    lines: [23, 24, 25],
    keys: ['type', 'src', 'srcPort', 'dst', 'dstPort'],
    reason: 'what an iRule logs is its author’s own text: no format says which address is whose',
  },
  {
    product: 'citrix-adc',
    lines: [5, 6, 7],
    keys: ['type'],
    reason:
      'a closed TCP connection with both ends and its octets, as the goldens of the VPN’s closed connections',
  },
  {
    product: 'citrix-waf',
    lines: [8, 9, 10, 11],
    keys: ['type'],
    reason: 'a closed TCP connection with both ends and its octets',
  },
  {
    product: 'barracuda-waf',
    lines: [5, 6],
    keys: ['type'],
    reason: 'a packet that the network firewall denied, with both ends',
  },
  {
    product: 'cef-generic',
    lines: [6, 7, 8, 9],
    keys: ['ruleId', 'host'],
    reason: 'the golden has the signature of the event for a rule, and an end of the connection for the host',
  },
  {
    product: 'cef-generic',
    lines: [1],
    keys: ['host'],
    reason: 'the line names its device',
  },
  {
    product: 'bsd-or-vendor',
    lines: [489],
    keys: ['host'],
    reason: 'the header’s host stands; the golden has one of the payload',
  },
  {
    product: 'multiline',
    lines: [1],
    keys: ['type', 'time', 'host', 'eventId'],
    reason: 'two lines of the device in one message; the golden reads the first',
  },
  {
    product: 'multiline',
    lines: [5],
    keys: ['user'],
    reason: 'the line end inside the name is kept as sent',
  },
  {
    product: 'multiline',
    lines: [7],
    keys: ['direction'],
    reason: 'deviceDirection 1 is outbound, as in other goldens of the corpus',
  },
  {
    product: 'multiline',
    lines: [8],
    keys: ['service'],
    reason: 'the golden has the application; the line names the service',
  },
  {
    product: 'multiline',
    lines: [13],
    keys: ['type', 'src', 'srcPort', 'dst', 'protocol'],
    reason: 'a sample of a tunnel’s state, which the goldens of the two beside it call no traffic',
  },
  {
    product: 'cato-sase',
    lines: [4, 8],
    keys: ['ruleId'],
    reason: 'the golden has the rule’s name for its id; the line has both',
  },
  {
    product: 'zscaler-zia',
    lines: [7],
    keys: ['bytesSrcToDst', 'bytesDstToSrc'],
    reason:
      'inbytes are from the server to the client (the vendor’s field list, and the corpus’ other goldens)',
  },
  {
    product: 'snort',
    keys: ['direction'],
    reason: 'the alert has none; the golden concludes it from which addresses are private',
  },
  {
    product: 'snort',
    lines: [2, 4, 7, 11],
    keys: ['type'],
    reason: 'an alert about an ICMP packet with both ends; the same alert about UDP is a connection',
  },
  {
    product: 'juniper-pfe',
    keys: ['eventId'],
    reason: 'the golden repeats the action; the corpus’ other goldens of the same messages have the tag',
  },
  {
    product: 'juniper-pfe',
    lines: [3],
    keys: ['srcPort', 'dstPort'],
    reason: 'type and code of ICMP stand where TCP has its ports',
  },
  {
    product: 'juniper-srx',
    lines: [42, 43],
    keys: ['type'],
    reason: 'a packet that met a filter, with both ends: other goldens of the same messages are connections',
  },
  {
    product: 'openbsd-pf',
    lines: [9],
    keys: ['type', 'protocol', 'src', 'dst'],
    reason: 'an IPv6 packet in the columns of IPv4: filterlog writes no such line',
  },
  {
    product: 'opnsense',
    lines: [1],
    keys: ['vendor', 'product'],
    reason: 'the line has a rule’s number as pfSense writes it; only the host’s made-up name says OPNsense',
  },
  {
    product: 'opnsense',
    lines: [3],
    keys: ['inIf'],
    reason: 'the packet goes out: other goldens of the corpus have the interface as the one it leaves by',
  },
  {
    product: 'pfsense',
    lines: [34, 35, 36, 37, 39],
    keys: ['timeLocal'],
    reason: 'the golden is when HAProxy accepted the request; the header says when the line was written',
  },
  {
    product: 'aruba-os',
    lines: [3],
    keys: ['host'],
    reason: 'the golden has the neighbour, of which the line tells, for the host',
  },
  {
    product: 'fortinet-fortimanager',
    lines: [7, 13, 15],
    keys: ['host'],
    reason: 'the golden has the managed device for the host; the line names the manager too',
  },
  {
    product: 'fortinet-fortiproxy',
    keys: ['product'],
    reason: 'the serial number, which tells FortiProxy from FortiGate, is made unrecognisable in the line',
  },
  {
    product: 'fortinet-fortiproxy',
    lines: [5],
    keys: ['bytesSrcToDst', 'bytesDstToSrc', 'packetsDstToSrc'],
    reason:
      'the counters since the last record (sentdelta, rcvddelta), which add up, not the session’s so far',
  },
  {
    product: 'fortinet-fortiproxy',
    lines: [16],
    keys: ['srcPort'],
    reason: 'no port is above 65535',
  },
  {
    product: 'bsd-or-vendor',
    lines: [405, 406, 424, 425],
    keys: ['timeNoYear'],
    reason: 'the device’s own time has a year, the header none; in the line they are weeks apart',
  },
]

/** The reason why a difference is meant, or undefined. */
export function reasonOf(product: string, line: number, key: string): string | undefined {
  return deliberateFields.find(
    (entry) =>
      entry.product === product &&
      (entry.lines === undefined || entry.lines.includes(line)) &&
      entry.keys.includes(key),
  )?.reason
}

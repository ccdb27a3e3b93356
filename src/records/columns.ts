/**
 * The schema: every stream of rows and its columns, declared once. Arrays, block encoding, scans and the JSON of the
 * API and the command line follow from this list. Names are IANA's where IANA has one. A column's value is only
 * meaningful in rows whose shape (template or message type) has it: unknown is not 0.
 */

/**
 * What a column holds. `u64` is two Uint32 arrays (low, high); `address` is one Uint32 array in an IPv4 stream and four
 * in an IPv6 stream; `address16` and `text` are Uint32 indexes into a dictionary of the block, from 1; 0 is "none".
 */
export type ColumnType = 'u8' | 'u16' | 'u32' | 'u64' | 'f64' | 'address' | 'address16' | 'text'

export type ColumnDefinition = {
  readonly name: string
  readonly type: ColumnType
  readonly unit?: string
  readonly meaning: string
}

/** IE 8/27, 12/28 and so on: the columns of flow and firewall-session rows, in one order for ever (append only). */
export const flowColumns = [
  { name: 'receivedMilliseconds', type: 'f64', unit: 'ms', meaning: 'when the datagram or line arrived' },
  { name: 'exporter', type: 'u16', meaning: 'index into the exporters of the block' },
  { name: 'shape', type: 'u16', meaning: 'index into the shapes of the block: which columns this row has' },
  { name: 'sourceAddress', type: 'address', meaning: 'IE 8 or 27' },
  { name: 'destinationAddress', type: 'address', meaning: 'IE 12 or 28' },
  { name: 'sourceTransportPort', type: 'u16', meaning: 'IE 7' },
  { name: 'destinationTransportPort', type: 'u16', meaning: 'IE 11' },
  { name: 'protocolIdentifier', type: 'u8', meaning: 'IE 4' },
  {
    name: 'octets',
    type: 'u64',
    unit: 'octets',
    meaning: 'IE 1, else 85, 231 or sent by the opener; as exported',
  },
  { name: 'packets', type: 'u64', unit: 'packets', meaning: 'IE 2, else 86, 298; as exported, not scaled' },
  { name: 'reverseOctets', type: 'u64', unit: 'octets', meaning: 'RFC 5103 reverse of IE 1, IE 232' },
  { name: 'reversePackets', type: 'u64', unit: 'packets', meaning: 'RFC 5103 reverse of IE 2, IE 299' },
  { name: 'startMilliseconds', type: 'f64', unit: 'ms', meaning: 'first packet, by the device' },
  { name: 'endMilliseconds', type: 'f64', unit: 'ms', meaning: 'last packet, by the device' },
  { name: 'tcpControlBits', type: 'u16', meaning: 'IE 6' },
  { name: 'ipClassOfService', type: 'u8', meaning: 'IE 5' },
  { name: 'ingressInterface', type: 'u32', meaning: 'IE 10' },
  { name: 'egressInterface', type: 'u32', meaning: 'IE 14' },
  { name: 'vlanId', type: 'u16', meaning: 'IE 58 or 243' },
  { name: 'icmpType', type: 'u8', meaning: 'IE 176, 178, or high octet of IE 32, 139, or of a port' },
  { name: 'icmpCode', type: 'u8', meaning: 'IE 177, 179, or low octet of IE 32, 139, or of a port' },
  { name: 'icmpFrom', type: 'u8', meaning: 'where type and code were read: see icmpFromNames' },
  { name: 'samplingInterval', type: 'u32', meaning: 'one packet of so many was looked at' },
  { name: 'samplingFrom', type: 'u8', meaning: 'where the interval was read: see samplingFromNames' },
  { name: 'postNATSourceAddress', type: 'address16', meaning: 'IE 225 or 281' },
  { name: 'postNATDestinationAddress', type: 'address16', meaning: 'IE 226 or 282' },
  { name: 'postNAPTSourceTransportPort', type: 'u16', meaning: 'IE 227' },
  { name: 'postNAPTDestinationTransportPort', type: 'u16', meaning: 'IE 228' },
  { name: 'firewallEvent', type: 'u8', meaning: 'IE 233' },
  { name: 'flowEndReason', type: 'u8', meaning: 'IE 136' },
  { name: 'flowDirection', type: 'u8', meaning: 'IE 61: 0 ingress, 1 egress' },
  { name: 'observationPointId', type: 'u32', meaning: 'IE 138' },
  { name: 'minimumIpTotalLength', type: 'u32', unit: 'octets', meaning: 'IE 25' },
  { name: 'maximumIpTotalLength', type: 'u32', unit: 'octets', meaning: 'IE 26' },
  { name: 'fragmentFlags', type: 'u8', meaning: 'IE 197' },
  { name: 'fragmentOffset', type: 'u16', meaning: 'IE 88' },
  { name: 'applicationId', type: 'text', meaning: 'IE 95 in hex (RFC 6759)' },
  {
    name: 'applicationName',
    type: 'text',
    meaning: 'IE 96, or looked up from options data, or named by the firewall',
  },
  { name: 'action', type: 'text', meaning: 'what the firewall did, in its own word' },
  { name: 'outcome', type: 'u8', meaning: 'see outcomeNames' },
  { name: 'phase', type: 'u8', meaning: 'see phaseNames' },
  { name: 'direction', type: 'text', meaning: 'the direction that a firewall names, in its own word' },
  {
    name: 'octetsTotal',
    type: 'u64',
    unit: 'octets',
    meaning: 'both directions, where a log has only the sum',
  },
  {
    name: 'packetsTotal',
    type: 'u64',
    unit: 'packets',
    meaning: 'both directions, where a log has only the sum',
  },
  {
    name: 'durationMilliseconds',
    type: 'f64',
    unit: 'ms',
    meaning: 'length of the session as the log says it',
  },
  { name: 'service', type: 'text', meaning: 'service name of a firewall policy' },
  { name: 'ruleName', type: 'text', meaning: 'name of the rule or policy that decided' },
  { name: 'ruleId', type: 'text', meaning: 'number or id of that rule' },
  { name: 'sourceZone', type: 'text', meaning: 'security zone of the source' },
  { name: 'destinationZone', type: 'text', meaning: 'security zone of the destination' },
  {
    name: 'ingressInterfaceName',
    type: 'text',
    meaning: "IE 82 of the ingress side, or the log's name of it",
  },
  { name: 'egressInterfaceName', type: 'text', meaning: "IE 82 of the egress side, or the log's name of it" },
  { name: 'sessionId', type: 'text', meaning: 'session or connection number of the firewall' },
  { name: 'userName', type: 'text', meaning: "IE 371, or the log's user" },
  { name: 'endReason', type: 'text', meaning: "why the session ended, in the firewall's word" },
  { name: 'vendor', type: 'text', meaning: 'maker of the device that logged the line' },
  { name: 'product', type: 'text', meaning: 'product that logged the line' },
  { name: 'eventId', type: 'text', meaning: 'message or log id' },
  { name: 'message', type: 'text', meaning: 'the line as received, one character per octet' },
  {
    name: 'clockSkewMilliseconds',
    type: 'f64',
    unit: 'ms',
    meaning: 'device clock minus ours when it exported, in steps of some seconds; 0 is none to speak of',
  },
  {
    name: 'host',
    type: 'text',
    meaning: 'the host that a log line names: its origin, where the exporter is a relay',
  },
  {
    name: 'deltaFlowCount',
    type: 'u64',
    unit: 'rows',
    meaning: 'IE 3: of rollups, how many rows are summed in this one',
  },
  {
    name: 'bucketMilliseconds',
    type: 'u32',
    unit: 'ms',
    meaning: 'of rollups: rows received for so long from receivedMilliseconds on',
  },
  {
    name: 'groupsTogether',
    type: 'u64',
    unit: 'rows of groups',
    meaning: 'of rollups: how many of deltaFlowCount are of groups beyond the most that are kept apart',
  },
  {
    name: 'payloadOctets',
    type: 'u16',
    unit: 'octets',
    meaning: 'octets behind the ICMP or UDP header that a sampled frame shows, at most 1,024',
  },
  {
    name: 'payloadEntropy',
    type: 'u16',
    unit: 'mbit/octet',
    meaning: 'Shannon entropy of them; n octets reach log2(min(n, 256)) at most',
  },
  {
    name: 'payloadCounting',
    type: 'u8',
    unit: '%',
    meaning: 'of them, those that are the one before plus one, as in the pattern of an ordinary ping',
  },
] as const satisfies readonly ColumnDefinition[]

/** Lines that describe no flow (system messages, logins), kept for search. */
export const messageColumns = [
  { name: 'receivedMilliseconds', type: 'f64', unit: 'ms', meaning: 'when the line arrived' },
  { name: 'exporter', type: 'u16', meaning: 'index into the exporters of the block' },
  { name: 'shape', type: 'u16', meaning: 'index into the shapes of the block' },
  { name: 'timeMilliseconds', type: 'f64', unit: 'ms', meaning: 'the time that the line states' },
  { name: 'facility', type: 'u8', meaning: 'RFC 5424 §6.2.1' },
  { name: 'severity', type: 'u8', meaning: 'RFC 5424 §6.2.1' },
  { name: 'host', type: 'text', meaning: 'the host that the header names' },
  { name: 'application', type: 'text', meaning: 'APP-NAME, or the tag of RFC 3164' },
  { name: 'vendor', type: 'text', meaning: 'maker of the device, where recognised' },
  { name: 'product', type: 'text', meaning: 'product, where recognised' },
  { name: 'eventId', type: 'text', meaning: 'message id, where the product has them' },
  { name: 'message', type: 'text', meaning: 'the line as received, one character per octet' },
] as const satisfies readonly ColumnDefinition[]

/** What the collector noticed about an exporter: the facts that decide whether a detector may judge exactly. */
export const exporterEventColumns = [
  { name: 'receivedMilliseconds', type: 'f64', unit: 'ms', meaning: 'when it was noticed' },
  { name: 'exporter', type: 'u16', meaning: 'index into the exporters of the block' },
  { name: 'shape', type: 'u16', meaning: 'index into the shapes of the block' },
  { name: 'event', type: 'u8', meaning: 'see exporterEventNames' },
  { name: 'value', type: 'f64', meaning: 'how many, or the new value; the unit follows from the event' },
] as const satisfies readonly ColumnDefinition[]

export type FlowColumn = (typeof flowColumns)[number]['name']
export type MessageColumn = (typeof messageColumns)[number]['name']
export type ExporterEventColumn = (typeof exporterEventColumns)[number]['name']

/** A stream of rows with one schema. `family` decides the width of its `address` columns; 0 where it has none. */
export type StreamDefinition = {
  readonly id: number
  readonly name: StreamName
  readonly family: 0 | 4 | 6
  readonly columns: readonly ColumnDefinition[]
}

export const streamNames = [
  'flow4',
  'flow6',
  'icmp4',
  'icmp6',
  'message',
  'exporterEvent',
  'rollup4',
  'rollup6',
  'hourly4',
  'hourly6',
] as const
export type StreamName = (typeof streamNames)[number]

/** The streams by id; an id is a key prefix on disk and never changes its meaning. */
export const streams: readonly StreamDefinition[] = [
  { id: 0, name: 'flow4', family: 4, columns: flowColumns },
  { id: 1, name: 'flow6', family: 6, columns: flowColumns },
  { id: 2, name: 'icmp4', family: 4, columns: flowColumns },
  { id: 3, name: 'icmp6', family: 6, columns: flowColumns },
  { id: 4, name: 'message', family: 0, columns: messageColumns },
  { id: 5, name: 'exporterEvent', family: 0, columns: exporterEventColumns },
  // Sums over flow and ICMP rows by five minutes and by hours; they lie in a database of their own.
  { id: 6, name: 'rollup4', family: 4, columns: flowColumns },
  { id: 7, name: 'rollup6', family: 6, columns: flowColumns },
  { id: 8, name: 'hourly4', family: 4, columns: flowColumns },
  { id: 9, name: 'hourly6', family: 6, columns: flowColumns },
]

/** The streams of rows as they came in, in the order of their ids. */
export const rawStreamNames = streamNames.slice(0, 6)

export function streamNamed(name: StreamName): StreamDefinition {
  return streams[streamNames.indexOf(name)]!
}

function indexes<Name extends string>(columns: readonly { readonly name: Name }[]): Record<Name, number> {
  const result = {} as Record<Name, number>
  columns.forEach((column, index) => {
    result[column.name] = index
  })
  // An object filled by computed names is a hash table to the engine, a parsed one is not: loops over rows read it.
  return JSON.parse(JSON.stringify(result)) as Record<Name, number>
}

/** Column name → its place in the schema. */
export const FlowColumnIndex = indexes(flowColumns)
export const MessageColumnIndex = indexes(messageColumns)
export const ExporterEventColumnIndex = indexes(exporterEventColumns)

/** Values of `icmpFrom`. */
export const icmpFromNames = ['none', 'element', 'destinationPort', 'sourcePort', 'frame'] as const
/** Values of `samplingFrom`. */
export const samplingFromNames = ['none', 'record', 'options', 'header', 'configuration'] as const
/** Values of `outcome`. */
export const outcomeNames = ['none', 'allow', 'deny', 'other'] as const
/** Values of `phase`. */
export const phaseNames = ['none', 'start', 'update', 'end'] as const

/**
 * Values of `event`: `gap` (missing units by the sequence number), `reset` (the exporter started anew), `reordered`
 * and `duplicate` (datagrams), `sampling` (a new interval), `drops` (datagrams lost in our kernel), `silence`,
 * `clockSkew` (device clock minus ours, in ms, when it changed by more than its grain).
 */
export const exporterEventNames = [
  'none',
  'gap',
  'reset',
  'reordered',
  'duplicate',
  'sampling',
  'drops',
  'silence',
  'clockSkew',
] as const
export type ExporterEventName = (typeof exporterEventNames)[number]

/**
 * Sentences of Cisco ASA and of the LINA part of FTD, by message number. Source: "Cisco Secure Firewall ASA Series
 * Syslog Messages" and "Cisco Secure Firewall Threat Defense Syslog Messages", one chapter per hundred thousand.
 */
import { compile, type Template } from '../templates.js'

/** How a message tells its ends apart, or what it means. */
export const Meaning = {
  /** Source and destination as written. */
  plain: 0,
  /** Built: with direction outbound the second end opened the connection. */
  built: 1,
  /** Teardown: the opener is known from the built line alone. */
  teardown: 2,
  /** The traffic was refused. */
  denied: 3,
  /** ICMP with foreign, global and local address. */
  icmpBuilt: 4,
  icmpTeardown: 5,
  /** Not traffic, or not a complete session: `other`. */
  other: 6,
  /** The traffic was let through. */
  permitted: 7,
  /** Torn down, with the opener first (`from … to …`). */
  teardownFromOpener: 8,
} as const

export type Message = { readonly meaning: number; readonly templates: readonly Template[] }

const table: readonly (readonly [ids: string, meaning: number, ...sentences: string[]])[] = [
  [
    '106001',
    Meaning.denied,
    '{direction} {protocol} connection denied from {source} to {destination} flags {..} on interface {ingress}',
  ],
  [
    '106002',
    Meaning.denied,
    '{protocol} Connection denied by outbound list {*} src {source} dest {destination}',
    '{protocol} connection denied by outbound list {*} src {source} {*} dest {destination} {*}',
  ],
  [
    '106006 106007',
    Meaning.denied,
    'Deny {direction} {protocol} from {source} to {destination} on interface {ingress}',
    'Deny {direction} {protocol} from {source} to {destination} due to {reason}',
  ],
  [
    '106010',
    Meaning.denied,
    'Deny {direction} {protocol} src {source} dst {destination} (type {icmpType}, code {icmpCode})',
    'Deny {direction} {protocol} src {source} dst {destination}',
  ],
  [
    '106011',
    Meaning.denied,
    'Deny {direction} (No xlate) {protocol} src {source} dst {destination}',
    'Deny {direction} (No xlate) {protocol} Connection {..}src {source} dst {destination}',
  ],
  [
    '106012',
    Meaning.denied,
    'Deny {protocol} from {source} to {destination}',
    'Deny IP from {source} to {destination}',
  ],
  ['106013', Meaning.denied, 'Dropping echo request from {source} to PAT address {destination}'],
  [
    '106014',
    Meaning.denied,
    'Deny {direction} {protocol} src {source} dst {destination}(type {icmpType}, code {icmpCode})',
    'Deny {direction} {protocol} src {source} dst {destination} (type {icmpType}, code {icmpCode})',
    'Deny {direction} {protocol} src {source} dst {destination}',
  ],
  [
    '106015',
    Meaning.denied,
    'Deny {protocol} (no connection) from {source} to {destination} flags {..} on interface {ingress}',
    'Deny {protocol} (no connection) from {source} to {destination}',
  ],
  ['106016', Meaning.denied, 'Deny IP spoof from {source} to {destination} on interface {ingress}'],
  ['106017', Meaning.denied, 'Deny IP due to Land Attack from {source} to {destination}'],
  [
    '106018',
    Meaning.denied,
    '{protocol} packet type {icmpType} denied by outbound list {*} src {source} dest {destination}',
  ],
  ['106020', Meaning.denied, 'Deny IP teardrop fragment (size = {..}) from {source} to {destination}'],
  [
    '106021 106022',
    Meaning.denied,
    'Deny {protocol} reverse path check from {source} to {destination} on interface {ingress}',
    'Deny {protocol} connection spoof from {source} to {destination} on interface {ingress}',
  ],
  [
    '106023',
    Meaning.denied,
    'Deny {protocol} src {source} dst {destination} (type {icmpType}, code {icmpCode}) by access-group {rule}',
    'Deny {protocol} src {source} dst {destination} by access-group {rule}',
    'Deny {protocol} src {source} dst {destination} type {icmpType}, code {icmpCode}, by access-group {rule}',
  ],
  [
    '106100',
    Meaning.plain,
    'access-list {rule} {action} {protocol} {source} -> {destination} hit-cnt',
    'access-list {rule} {action} {protocol} {source} -> {destination}',
  ],
  [
    '106102 106103',
    Meaning.plain,
    'access-list {rule} {action} {protocol} for user {user} {source} -> {destination}',
  ],
  ['106104 106105', Meaning.plain, 'access-list {rule} {action} {protocol} from {source} to {destination}'],
  [
    '110002 110003',
    Meaning.plain,
    'Failed to locate egress interface for {protocol} from {source} to {destination}',
    'Routing failed to locate next hop for {protocol} from {source} to {destination}',
  ],
  [
    '108003',
    Meaning.denied,
    'Terminating {*} connection; malicious pattern detected in the mail address from {source} to {destination}',
  ],
  ['108004', Meaning.plain, '{..}: {action} ESMTP {..} from {source} to {destination};'],
  [
    '201010 201011 201012 201013',
    Meaning.denied,
    '{..}limit exceeded {..} packet from {source} to {destination} on interface {ingress}',
  ],
  ['202010', Meaning.denied, '{..}Unable to create {protocol} connection from {source} to {destination}'],
  ['209003 209004 209005', Meaning.denied, '{..}src = {source}, dest = {destination}, proto = {protocol}'],
  [
    '209006',
    Meaning.denied,
    'Fragment queue threshold exceeded, dropped {protocol} fragment from {source} to {destination} on {ingress} interface',
  ],
  [
    '302003',
    Meaning.permitted,
    'Built H245 connection for foreign_address {source} local_address {destination}',
    'Built H245 connection for faddr {source} laddr {destination}',
  ],
  [
    '302013 302015 302017 302303 302305',
    Meaning.built,
    'Built {direction} {protocol} connection {sessionId} for {source} to {destination}',
    'Built {direction} {protocol} connection {sessionId} from {source} to {destination}',
    'Built {protocol} state-bypass connection {sessionId} from {source} to {destination}',
    'Built {protocol} state-bypass connection {sessionId} for {source} to {destination}',
    'Built {direction} Probe {protocol} connection {sessionId} for {source} to {destination}',
  ],
  [
    '302304',
    Meaning.teardownFromOpener,
    'Teardown {protocol} state-bypass connection {sessionId} from {source} to {destination} duration {duration} bytes {octets}{reason}',
    'Teardown {protocol} state-bypass connection {sessionId} for {source} to {destination} duration {duration} bytes {octets}{reason}',
  ],
  [
    '302014 302016 302018 302306',
    Meaning.teardown,
    'Teardown {protocol} connection {sessionId} for {source} to {destination} duration {duration} bytes {octets}{reason}',
    'Teardown {protocol} connection {sessionId} from {source} to {destination} duration {duration} bytes {octets}{reason}',
    'Teardown Probe {protocol} connection {sessionId} for {source} to {destination} duration {duration} bytes {octets}{reason}',
    'Teardown {protocol} connection {sessionId} for {source} to {destination} duration {duration}',
    'Teardown {protocol} connection {sessionId} for {source} {user} to {destination} {*} duration {duration} bytes {octets}{reason}',
  ],
  ['302020', Meaning.icmpBuilt],
  ['302021', Meaning.icmpTeardown],
  [
    '302022 302024 302026',
    Meaning.plain,
    'Built {*} stub {protocol} connection for {source} to {destination}',
  ],
  [
    '302023 302025 302027',
    Meaning.teardown,
    'Teardown {*} stub {protocol} connection for {source} to {destination} duration {duration} forwarded bytes {octets}{reason}',
    'Teardown stub {protocol} connection for {source} to {destination} duration {duration} forwarded bytes {octets}{reason}',
  ],
  [
    '302311',
    Meaning.denied,
    'Failed to create a new {protocol} connection from {source} to {destination} due to {reason}',
  ],
  [
    '303002',
    Meaning.permitted,
    'FTP connection from {source} to {destination}, user {user} ',
    'FTP connection from {source} to {destination}',
  ],
  ['303004 303005', Meaning.plain, '{..}from {source} to {destination}'],
  ['304001 304002', Meaning.other],
  [
    '305005 305006',
    Meaning.denied,
    'No translation group found for {protocol} src {source} dst {destination} (type {icmpType}, code {icmpCode})',
    'No translation group found for {protocol} src {source} dst {destination}',
    '{..}translation creation failed for {protocol} src {source} dst {destination} (type {icmpType}, code {icmpCode})',
    '{..}translation creation failed for {protocol} src {source} dst {destination}',
  ],
  [
    '305013',
    Meaning.denied,
    'Asymmetric NAT rules matched for forward and reverse flows; Connection for {protocol} src {source} dst {destination} (type {icmpType}, code {icmpCode}) denied',
    'Asymmetric NAT rules matched for forward and reverse flows; Connection for {protocol} src {source} dst {destination} denied',
    'Asymmetric NAT rules matched for forward and reverse flows; Connection {protocol} src {source} dst {destination} denied',
  ],
  [
    '313001 313008',
    Meaning.denied,
    'Denied {..} type={icmpType}, code={icmpCode} from {source} on interface {ingress}',
  ],
  [
    '313004',
    Meaning.denied,
    'Denied ICMP type={icmpType}, from laddr {source} on interface {ingress} to {destination}:',
    'Denied ICMP type={icmpType}, from {source} on interface {ingress} to {destination}:',
    'Denied ICMP type={icmpType}, from laddr {source} on interface {ingress} to {destination}',
  ],
  [
    '313005',
    Meaning.denied,
    'No matching connection for ICMP error message: {protocol} src {source} dst {destination} (type {icmpType}, code {icmpCode})',
  ],
  [
    '313009',
    Meaning.denied,
    'Denied invalid ICMP code {icmpCode}, for {source} to {destination}, ICMP id {..}, ICMP type {icmpType}',
    'Denied invalid ICMP code {icmpCode}, for {source} to {destination}',
  ],
  ['324000', Meaning.denied, 'Drop {..} from {source} to {destination} Reason: {reason}'],
  ['324001 324002 324003 324004 324005', Meaning.plain, '{..} from {source} to {destination}'],
  [
    '338001 338002 338003 338004 338005 338006 338007 338008 338101 338102 338103 338104 338201 338202 338203 338204',
    Meaning.plain,
    'Dynamic {*} {action} {*} {protocol} traffic from {source} to {destination},{..}resolved from {rule} list',
    'Dynamic {*} {action} {*} listed {protocol} traffic from {source} to {destination},{..}resolved from {rule} list',
    'Dynamic {*} {action} {*} listed {protocol} traffic from {source} to {destination},',
    'Dynamic {*} {action} {*} {protocol} traffic from {source} to {destination}',
    'Dynamic {*} {action} {protocol} traffic from {source} to {destination}',
  ],
  [
    '400000',
    Meaning.plain,
    'IPS:{..} from {source} to {destination} on interface {ingress}',
    '{..} from {source} to {destination} on interface {ingress}',
  ],
  ['401004', Meaning.denied, 'Shunned packet: {source} ==> {destination} on interface {ingress}'],
  [
    '402117',
    Meaning.denied,
    'IPSEC: Received a non-IPSec packet (protocol= {protocol}) from {source} to {destination}',
    'IPSEC: Received a non-IPSec ({protocol}) packet from {source} to {destination}',
  ],
  ['406001', Meaning.denied, 'FTP port command low port: {source} to {destination} on interface {ingress}'],
  [
    '410001',
    Meaning.denied,
    'Dropped {protocol} DNS {..} from {source} to {destination};',
    'Dropped {protocol} DNS {..} from {source} to {destination}',
  ],
  ['410002', Meaning.denied, 'Dropped {..}: from {source} to {destination}'],
  ['410003 410004', Meaning.plain, '{..}: {action} DNS {..} from {source} to {destination};'],
  ['415000', Meaning.plain, '{..} from {source} to {destination}'],
  ['416001', Meaning.denied, 'Dropped {protocol} SNMP packet from {source} to {destination};'],
  [
    '418001',
    Meaning.denied,
    'Through-the-device packet to/from management-only network is denied: {protocol} src {source} dst {destination}',
    'Through-the-device packet to/from management-only network is denied: {protocol} from {ingress} {source} to {egress} {destination}',
  ],
  ['419001', Meaning.denied, 'Dropping {protocol} packet from {source} to {destination}, reason: {reason}'],
  ['419002', Meaning.plain, 'Duplicate TCP SYN from {source} to {destination} with'],
  ['419003', Meaning.plain, 'Cleared {protocol} urgent flag from {source} to {destination}'],
  [
    '420002 420003',
    Meaning.denied,
    '{..}requested to {*} {protocol} packets {source} to {destination} (type {icmpType}, code {icmpCode})',
    '{..}requested to {*} {protocol} packet from {source} to {destination}',
    '{..}requested to {*} {protocol} connection from {source} to {destination}',
  ],
  ['421001 421007', Meaning.denied, '{protocol} flow from {source} to {destination} is {*} because {reason}'],
  ['423001 423002 423003 423004 423005', Meaning.plain, '{action} {..} from {source} to {destination}'],
  ['424001', Meaning.denied, 'Packet denied {protocol} {source} {destination}'],
  [
    '424002',
    Meaning.denied,
    'Connection to the backup interface is denied: {protocol} {source} {destination}',
  ],
  [
    '429002 429003',
    Meaning.denied,
    '{..}requested to {*} {protocol} packet from {source} to {destination}',
    '{..}requested to {*} {protocol} connection from {source} to {destination}',
  ],
  [
    '431001 431002',
    Meaning.denied,
    '{..}packet from {source} to {destination}, Drop reason: {reason}',
    '{..}packet from {source} to {destination}',
  ],
  [
    '434001 434002 434003',
    Meaning.denied,
    '{..}dropping {protocol} packet from {source} to {destination}',
    '{..}requested {..}to {*} {protocol} packet from {source} to {destination}',
    '{..}requested {..}to {*} {protocol} connection from {source} to {destination}',
  ],
  ['434004', Meaning.other, '{..}process {protocol} flow from {source} to {destination} locally'],
  ['448001', Meaning.denied, 'Denied SRTP crypto session setup on flow from {source} to {destination}'],
  ['450001', Meaning.denied, 'Deny traffic for {protocol} src {source} dst {destination}, {reason}'],
  [
    '500003',
    Meaning.denied,
    'Bad {protocol} hdr length {..} from {source} to {destination}, flags: {..} on interface {ingress}',
  ],
  [
    '500004',
    Meaning.denied,
    'Invalid transport field for protocol={protocol}, from {source} to {destination}',
  ],
  [
    '500005',
    Meaning.denied,
    'connection terminated for {protocol} from {source} to {destination} due to {reason}',
  ],
  ['507001', Meaning.denied, 'Terminating TCP-Proxy connection from {source} to {destination} - {reason}'],
  ['507003', Meaning.other, '{protocol} flow from {source} to {destination} terminated'],
  ['508001 508002', Meaning.denied, 'DCERPC {..} from {source} to {destination}, terminating connection'],
  ['509001', Meaning.denied, 'Connection attempt from {source} to {destination} was prevented'],
  [
    '607001',
    Meaning.other,
    'Pre-allocate SIP {*} {protocol} secondary channel for {destination} to {source} from',
    'Pre-allocate SIP {*} secondary channel for {destination} to {source} from',
  ],
  ['607002 607003', Meaning.plain, '{..} from {source} to {destination}'],
  ['608002 608003 608004 608005', Meaning.denied, 'Dropping Skinny message for {source} to {destination}'],
  ['703001 703002', Meaning.plain, '{..} from {source} to {destination}'],
  ['710001', Meaning.plain, '{protocol} access {action} from {source} to {destination}'],
  ['710002', Meaning.permitted, '{protocol} access {action} from {source} to {destination}'],
  ['710003', Meaning.denied, '{protocol} access denied by ACL from {source} to {destination}'],
  ['710004', Meaning.denied, '{protocol} connection limit exceeded from {source} to {destination}'],
  ['710005 710006', Meaning.denied, '{protocol} request discarded from {source} to {destination}'],
  ['767001', Meaning.denied, '{..}Dropping an unsupported {*} packet from {source} to {destination}'],
  [
    '805001 805002 805003',
    Meaning.other,
    'Offloaded {protocol} Flow for connection {sessionId} from {source} to {destination}',
    '{protocol} Flow is no longer offloaded for connection {sessionId} from {source} to {destination}',
  ],
  ['852001 852002', Meaning.plain, 'Received {..} for {protocol} flow {source} to {destination}'],
]

/** Message number → its sentences; a number that is not here is a system message. */
export const messages: ReadonlyMap<number, Message> = new Map(
  table.flatMap(([ids, meaning, ...sentences]) => {
    const message = { meaning, templates: sentences.map(compile) }
    return ids.split(' ').map((id) => [Number(id), message] as const)
  }),
)

/** IPS signatures (400000 to 400051) share one sentence, and so do the inspections of HTTP (415001 to 415020). */
export function messageOf(id: number): Message | undefined {
  if (id >= 400_000 && id <= 400_051) return messages.get(400_000)
  return messages.get(id >= 415_001 && id <= 415_020 ? 415_000 : id)
}

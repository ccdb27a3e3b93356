/**
 * Huawei USG, Eudemon and NGFW, and H3C SecPath, whose lines are built alike: `%%01POLICY/6/POLICYPERMIT(l):vsys=public, protocol=6,
 * source-ip=…`, `%%01SECLOG/6/SESSION_TEARDOWN(l):…,SendBytes=…`, `%%10FILTER/6/FILTER_ZONE_IPV4_EXECUTION: SrcZoneName(1025)=…;…`.
 * Sees verdicts of policies, sessions with octets and packets each way, NAT, zones, and intrusions. Source: Huawei USG6000E product
 * documentation, "Meanings of Log Fields" and "Log Reference"; H3C "System Log Messages Reference", FILTER, SESSION and NAT.
 */

import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { type EscapeKind, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import {
  CLOSE_PARENTHESIS,
  digitsEnd,
  isDigit,
  OPEN_PARENTHESIS,
  PERCENT,
  readNumber,
  SLASH,
} from '../scan.js'
import { Shape } from '../shape.js'
import { setEpoch } from '../timestamp.js'

const Own = { begin: 100, end: 101, verdict: 102 } as const
const huaweiKeys = new KeyTable({
  protocol: Target.protocol,
  'source-ip': Target.source,
  'source-port': Target.sourcePort,
  'destination-ip': Target.destination,
  'destination-port': Target.destinationPort,
  'source-zone': Target.sourceZone,
  'destination-zone': Target.destinationZone,
  'application-name': Target.applicationName,
  'rule-name': Target.ruleName,
  'user-name': Target.userName,
  Protocol: Target.protocol,
  SourceIP: Target.source,
  DestinationIP: Target.destination,
  SourcePort: Target.sourcePort,
  DestinationPort: Target.destinationPort,
  SourceNatIP: Target.postNATSource,
  SourceNatPort: Target.postNATSourcePort,
  DestinationNatIP: Target.postNATDestination,
  DestinationNatPort: Target.postNATDestinationPort,
  BeginTime: Own.begin,
  EndTime: Own.end,
  SendPkts: Target.packetsSent,
  SendBytes: Target.octetsSent,
  RcvPkts: Target.packetsReceived,
  RcvBytes: Target.octetsReceived,
  SourceZone: Target.sourceZone,
  DestinationZone: Target.destinationZone,
  PolicyName: Target.ruleName,
  UserName: Target.userName,
  CloseReason: Target.endReason,
  SrcIp: Target.source,
  DstIp: Target.destination,
  SrcPort: Target.sourcePort,
  DstPort: Target.destinationPort,
  SrcZone: Target.sourceZone,
  DstZone: Target.destinationZone,
  User: Target.userName,
  Application: Target.applicationName,
  Policy: Target.ruleName,
  Action: Target.action,
})
const h3cKeys = new KeyTable({
  'Protocol(1001)': Target.protocol,
  'Application(1002)': Target.applicationName,
  'SrcIPAddr(1003)': Target.source,
  'SrcPort(1004)': Target.sourcePort,
  'NatSrcIPAddr(1005)': Target.postNATSource,
  'NatSrcPort(1006)': Target.postNATSourcePort,
  'DstIPAddr(1007)': Target.destination,
  'DstPort(1008)': Target.destinationPort,
  'NatDstIPAddr(1009)': Target.postNATDestination,
  'NatDstPort(1010)': Target.postNATDestinationPort,
  'SrcZoneName(1025)': Target.sourceZone,
  'DstZoneName(1035)': Target.destinationZone,
  'SrcIPv6Addr(1036)': Target.source,
  'DstIPv6Addr(1037)': Target.destination,
  'InitPktCount(1044)': Target.packetsSent,
  'RplyPktCount(1045)': Target.packetsReceived,
  'InitByteCount(1046)': Target.octetsSent,
  'RplyByteCount(1047)': Target.octetsReceived,
  'Event(1048)': Own.verdict,
  'RuleID(1078)': Target.ruleId,
  'SecurityPolicy(1072)': Target.ruleName,
  'ObjectPolicy(1072)': Target.ruleName,
})

let begin = Number.NaN
let finish = Number.NaN
let finishStart = -1
let finishEnd = -1

function take(event: SyslogEvent, key: number, start: number, end: number, escaping: EscapeKind): void {
  const { line } = event
  if (key === Target.userName && line.startsWith('unknown', start)) return
  if (assign(event, key, start, end, escaping)) return
  if (key === Own.begin) begin = readNumber(line, start, end) * 1000
  else if (key === Own.end) {
    finish = readNumber(line, start, end) * 1000
    finishStart = start
    finishEnd = end
  } else readEvent(event, start, end)
}

/** H3C's `Permit`, `Deny`, or the number of what happened to a session: `(8)Session created`, `(1)Normal over`. */
function readEvent(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  if (line.octetAt(start) !== OPEN_PARENTHESIS) {
    assign(event, Target.action, start, end, 0)
    return
  }
  const stop = digitsEnd(line, start + 1, end)
  if (line.octetAt(stop) !== CLOSE_PARENTHESIS) return
  const number = readNumber(line, start + 1, stop)
  event.outcome = Outcome.allow
  event.phase = number === 8 ? Phase.start : number === 6 ? Phase.update : Phase.end
  event.runningTotals = event.phase === Phase.update
  if (event.phase === Phase.end) event.setSpan(Field.endReason, stop + 1, end)
}

/** What the mnemonic says of the traffic. */
const Meaning = { permit: 1, deny: 2, built: 3, ended: 4 } as const
const meanings = new KeyTable({
  POLICYPERMIT: Meaning.permit,
  POLICYDENY: Meaning.deny,
  SESSION_BUILT: Meaning.built,
  SESSION_TEARDOWN: Meaning.ended,
})

function settleMeaning(event: SyslogEvent): void {
  const meaning = meanings.findRange(event.line, event.start(Field.eventId), event.end(Field.eventId))
  if (meaning === 0) return
  event.outcome = meaning === Meaning.deny ? Outcome.deny : Outcome.allow
  if (meaning === Meaning.built) event.phase = Phase.start
  else if (meaning === Meaning.ended) event.phase = Phase.end
  if (meaning === Meaning.permit) event.actionName = 'permit'
  else if (meaning === Meaning.deny) event.actionName = 'deny'
}

function settleTimes(event: SyslogEvent): void {
  if (finish >= begin) event.durationMilliseconds = finish - begin
  if (Number.isNaN(event.timeMilliseconds) && !Number.isNaN(finish))
    setEpoch(event, finish, finishStart, finishEnd)
}

/** Sentences end in a full stop, and so does their last value. */
function trimmedEnd(line: Line, start: number, end: number): number {
  let stop = end
  while (stop > start && (line.octetAt(stop - 1) === 0x20 || line.octetAt(stop - 1) === 0x3b)) stop--
  if (line.octetAt(stop - 1) === 0x2e) stop--
  if (line.octetAt(stop - 1) === CLOSE_PARENTHESIS) stop--
  return stop
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const { line } = event
  const mark = findMark(event)
  if (mark < 0) return false
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  const isH3c = line.startsWith('10', mark + 2)
  begin = finish = Number.NaN
  // The mnemonic is no tag.
  event.clearSpan(Field.application)
  event.vendor = isH3c ? 'h3c' : 'huawei'
  event.product = isH3c ? 'secpath' : 'usg'
  // `MODULE/severity/MNEMONIC`
  const name = line.indexOf('/', line.indexOf('/', mark) + 1) + 1
  let nameEnd = name
  while (nameEnd < end && isNameCharacter(line.octetAt(nameEnd))) nameEnd++
  event.setSpan(Field.eventId, name, nameEnd)
  const colon = line.indexOf(':', nameEnd)
  if (colon < 0) return true
  let start = colon + 1
  const stop = trimmedEnd(line, start, end)
  if (isH3c) walkPairs(event, context, start, stop, h3cKeys, take, ';')
  else {
    // `CID=0x…;` and a sentence in front of brackets are not the pairs.
    const semicolon = line.indexOf(';', start)
    if (line.startsWith('CID=', start) && semicolon > 0) start = semicolon + 1
    const open = line.indexOf('(', start)
    const equals = line.indexOf('=', start)
    if (open > 0 && open < equals) start = open + 1
    walkPairs(event, context, start, stop, huaweiKeys, take, ',')
    settleMeaning(event)
  }
  settleTimes(event)
  if (event.protocol === 1 || event.protocol === 58)
    event.postNATSourcePort = event.postNATDestinationPort = -1
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  if (isTraffic(event)) setConnectionIfPaired(event)
  return true
}

/** Modules whose lines with two addresses tell of users and of the device, not of traffic. */
function isTraffic(event: SyslogEvent): boolean {
  return event.protocol >= 0 || event.outcome !== Outcome.none
}

function isNameCharacter(code: number): boolean {
  const letter = code | 0x20
  return (letter >= 0x61 && letter <= 0x7a) || isDigit(code) || code === 0x5f
}

/** `%%01` or `%%10` and the module's name, behind the host's name of an older form. */
const MAX_FRONT = 64

function findMark({ line, bodyStart }: SyslogEvent): number {
  let mark = line.indexOf('%%', bodyStart)
  // `%%: %%01…` where the header is the host's name alone.
  if (mark >= 0 && line.startsWith('%%: ', mark)) mark += 4
  if (mark < 0 || mark > bodyStart + MAX_FRONT || line.octetAt(mark) !== PERCENT) return -1
  if (!line.startsWith('01', mark + 2) && !line.startsWith('10', mark + 2)) return -1
  const slash = line.indexOf('/', mark)
  if (slash < 0 || slash > mark + 40 || !isDigit(line.octetAt(slash + 1))) return -1
  return line.octetAt(slash + 2) === SLASH ? mark : -1
}

/** The product for the registry. */
export const huaweiUsg: SyslogProduct = {
  id: 'huawei-usg',
  shapes: [Shape.percent, Shape.text],
  claims: (event) => findMark(event) >= 0,
  parse,
}

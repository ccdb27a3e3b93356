/**
 * VMware SD-WAN (VeloCloud) Edge: `velocloud.sdwan: ACTION=VCF Open SID=… IN="…" PROTO=… SRC=… DST=…`, before 4.2 `VCF Open …`. Sees
 * sessions opened, updated, closed with octets each way and seconds, and denied, with rule, translation and ICMP's type. Source:
 * VMware SD-WAN Administration Guide, "Syslog Message Format for Firewall Logs".
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { Escape, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { MAX_KEY } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { isDigit, QUOTE, SPACE, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'

const MARK = 'VCF '
const ACTION_MARK = 'ACTION=VCF '
const keys = new KeyTable({
  SID: Target.sessionId,
  IN: Target.ingressInterfaceName,
  PROTO: Target.protocol,
  SRC: Target.source,
  DST: Target.destination,
  SPT: Target.sourcePort,
  DPT: Target.destinationPort,
  TYPE: Target.icmpType,
  NAT_SRC: Target.postNATSource,
  NAT_SPT: Target.postNATSourcePort,
  APPLICATION: Target.applicationName,
  FW_POLICY_NAME: Target.ruleName,
  BYTES_SENT: Target.octetsSent,
  BYTES_RECEIVED: Target.octetsReceived,
  DURATION_SECS: Target.seconds,
  REASON: Target.endReason,
})
const Verb = { allow: 1, deny: 2, open: 3, close: 4, update: 5 } as const
const verbs = new KeyTable(Verb)

function isKeyCharacter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || code === 0x5f || isDigit(code)
}

/** Names have spaces and no quotes: a value lasts until the next key in capitals. */
function walk(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  let key = 0
  let valueStart = start
  let equals = line.indexOf('=', start)
  for (;;) {
    const isLast = equals < 0 || equals >= end
    let keyStart = isLast ? end : equals
    if (!isLast) {
      const limit = Math.max(valueStart, equals - MAX_KEY)
      while (keyStart > limit && isKeyCharacter(line.octetAt(keyStart - 1))) keyStart--
    }
    // A sign of equality within a value is none of a key.
    const isKey = isLast || (keyStart < equals && line.octetAt(keyStart - 1) === SPACE)
    if (isKey) {
      let valueEnd = keyStart
      while (valueEnd > valueStart && line.octetAt(valueEnd - 1) === SPACE) valueEnd--
      const isQuoted = line.octetAt(valueStart) === QUOTE && line.octetAt(valueEnd - 1) === QUOTE ? 1 : 0
      if (key !== 0 && valueEnd - isQuoted > valueStart + isQuoted) {
        assign(event, key, valueStart + isQuoted, valueEnd - isQuoted, Escape.none)
      }
      if (isLast) return
      key = keys.findRange(line, keyStart, equals)
      valueStart = equals + 1
    }
    equals = line.indexOf('=', equals + 1)
  }
}

function settleVerb(event: SyslogEvent, start: number, end: number): void {
  event.setSpan(Field.action, start, end)
  const verb = verbs.findFolded(event.line, start, end)
  if (verb === 0) return
  event.outcome = verb === Verb.deny ? Outcome.deny : Outcome.allow
  if (verb === Verb.open) event.phase = Phase.start
  else if (verb === Verb.close) event.phase = Phase.end
  else if (verb === Verb.update) event.phase = Phase.update
  event.runningTotals = verb === Verb.update
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const { line, messageStart } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  const verb = line.indexOf(MARK, messageStart) + MARK.length
  const verbEnd = wordEnd(line, verb, end)
  event.vendor = 'vmware'
  event.product = 'sdwan'
  settleVerb(event, verb, verbEnd)
  walk(event, verbEnd, end)
  if (event.protocol !== 1 && event.protocol !== 58) event.icmpType = -1
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  setConnectionIfPaired(event)
  return true
}

/** The product for the registry. */
export const vmwareSdwan: SyslogProduct = {
  id: 'vmware-sdwan',
  shapes: [Shape.text, Shape.pairs],
  claims: ({ line, messageStart }) =>
    (line.startsWith(MARK, messageStart) || line.startsWith(ACTION_MARK, messageStart)) &&
    line.indexOf(' SRC=', messageStart) >= 0,
  parse,
}

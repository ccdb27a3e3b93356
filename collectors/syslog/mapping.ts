/**
 * Products that no file here knows, described in the configuration: which lines, and which of their keys means what.
 * One description serves `key=value`, JSON, CEF and LEEF alike, since the shape is told from the line.
 */
import type { MappableName } from '#core/records/mappable.js'
import { assign, dropIcmpPorts, Target } from './assign.js'
import { CefColumns, walkCef } from './cef.js'
import type { SyslogContext } from './context.js'
import { type EscapeKind, Field, Outcome, Phase, type SyslogEvent } from './event.js'
import { JsonKeys, walkJson } from './json.js'
import { KeyTable } from './keyvalue.js'
import { LeefColumns } from './leef.js'
import { walkPairs, walkSeparated } from './pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from './product.js'
import { wordIs } from './scan.js'
import { Shape } from './shape.js'
import { refineTime } from './timestamp.js'

const Own = { time: Target.own, phase: Target.own + 1 } as const

/** Where a value of each meaning goes. */
const targetNumbers: Readonly<Record<MappableName, number>> = {
  sourceAddress: Target.source,
  destinationAddress: Target.destination,
  sourceTransportPort: Target.sourcePort,
  destinationTransportPort: Target.destinationPort,
  protocolIdentifier: Target.protocol,
  icmpType: Target.icmpType,
  icmpCode: Target.icmpCode,
  postNATSourceAddress: Target.postNATSource,
  postNATDestinationAddress: Target.postNATDestination,
  postNAPTSourceTransportPort: Target.postNATSourcePort,
  postNAPTDestinationTransportPort: Target.postNATDestinationPort,
  action: Target.action,
  direction: Target.direction,
  octetsSourceToDestination: Target.octetsSent,
  octetsDestinationToSource: Target.octetsReceived,
  octetsTotal: Target.octetsTotal,
  packetsSourceToDestination: Target.packetsSent,
  packetsDestinationToSource: Target.packetsReceived,
  packetsTotal: Target.packetsTotal,
  durationSeconds: Target.seconds,
  durationMilliseconds: Target.milliseconds,
  host: Target.host,
  eventId: Target.eventId,
  applicationName: Target.applicationName,
  service: Target.service,
  ruleName: Target.ruleName,
  ruleId: Target.ruleId,
  sourceZone: Target.sourceZone,
  destinationZone: Target.destinationZone,
  ingressInterfaceName: Target.ingressInterfaceName,
  egressInterfaceName: Target.egressInterfaceName,
  sessionId: Target.sessionId,
  userName: Target.userName,
  endReason: Target.endReason,
  timeMilliseconds: Own.time,
  phase: Own.phase,
}

/** One product as the configuration describes it. */
export type SyslogMapping = {
  readonly vendor: string
  readonly product: string
  /** Which lines: everything that is given must hold. */
  readonly when: {
    /** The tag, or RFC 5424's APP-NAME, whole. */
    readonly application?: string
    /** Text that stands anywhere behind the header. */
    readonly contains?: string
  }
  /** The line's key (in JSON `outer.inner`) → what it means. */
  readonly keys: Readonly<Record<string, MappableName>>
  /** Words of the action that mean allowed or denied, beside those that are known. */
  readonly allowWords?: readonly string[]
  readonly denyWords?: readonly string[]
}

const phases = new KeyTable({
  start: Phase.start,
  begin: Phase.start,
  open: Phase.start,
  opened: Phase.start,
  new: Phase.start,
  update: Phase.update,
  end: Phase.end,
  close: Phase.end,
  closed: Phase.end,
  stop: Phase.end,
})

const everyShape = Object.values(Shape)

/** A product for the registry that reads what a mapping describes. */
export function createMappedProduct(mapping: SyslogMapping): SyslogProduct {
  const targets: Record<string, number> = {}
  for (const [key, name] of Object.entries(mapping.keys)) targets[key] = targetNumbers[name]
  const keys = new KeyTable(targets)
  const members = new JsonKeys(targets)
  const outcomes: Record<string, number> = {}
  for (const word of mapping.allowWords ?? []) outcomes[word.toLowerCase()] = Outcome.allow
  for (const word of mapping.denyWords ?? []) outcomes[word.toLowerCase()] = Outcome.deny
  const outcomeTable = new KeyTable(outcomes)
  const cef = new CefColumns()
  const leef = new LeefColumns()
  const { application, contains } = mapping.when

  const take = (
    event: SyslogEvent,
    key: number,
    start: number,
    end: number,
    escaping: EscapeKind,
    context: SyslogContext,
  ): void => {
    if (assign(event, key, start, end, escaping)) {
      if (key !== Target.action) return
      const outcome = outcomeTable.findFolded(event.line, start, end)
      if (outcome !== 0) event.outcome = outcome
    } else if (key === Own.time) refineTime(event, context, start, end)
    else if (key === Own.phase) event.phase = phases.findFolded(event.line, start, end)
  }

  const walk = (event: SyslogEvent, context: SyslogContext, end: number): void => {
    const start = event.bodyStart
    if (event.shape === Shape.json) walkJson(event, context, start, end, members, take)
    else if (event.shape === Shape.cef && cef.read(event))
      walkCef(event, context, cef.extension, end, keys, take)
    else if (event.shape === Shape.leef && leef.read(event)) {
      walkSeparated(event, context, leef.attributes, end, leef.separator, keys, take)
    } else walkPairs(event, context, start, end, keys, take)
  }

  return {
    id: `${mapping.vendor}-${mapping.product}`,
    shapes: everyShape,
    claims(event) {
      const { line } = event
      if (application !== undefined) {
        if (!event.has(Field.application)) return false
        const start = event.start(Field.application)
        if (!wordIs(line, start, event.end(Field.application), application.toLowerCase())) return false
      }
      return contains === undefined || line.indexOf(contains, event.contentStart) >= 0
    },
    parse(event, context) {
      const end = event.end(Field.message) > 0 ? event.end(Field.message) : event.line.length
      walk(event, context, end)
      event.vendor = mapping.vendor
      event.product = mapping.product
      dropIcmpPorts(event)
      dropIdleTranslation(event)
      setConnectionIfPaired(event)
      return true
    },
  }
}

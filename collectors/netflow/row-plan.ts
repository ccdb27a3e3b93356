/**
 * A plan says how a template's records become rows: for each column the field that fills it and the kernel that copies
 * it. It is made once per template and per kind of row (IPv4, IPv6, ICMP), so the receive path only runs lists of kernels.
 */
import { type BlockBuilder, EXPORTER_COLUMN, RECEIVED_COLUMN, SHAPE_COLUMN } from '#core/blocks/builder.js'
import { type FlowColumn, FlowColumnIndex } from '#core/records/columns.js'
import { type Shape, shapeOf } from '#core/records/shape.js'
import type { MessageContext } from './context.js'
import { IANA, readUnsigned, VARIABLE_LENGTH } from './elements.js'
import { identityInRecords, identityKernel } from './identity.js'
import type { Kernel } from './kernels.js'
import * as kernels from './kernels.js'
import { applicationKey } from './names.js'
import { PacketSection } from './packet-section.js'
import type { Template, TemplateField } from './template.js'

const Column = FlowColumnIndex

/** One kernel on one field; `field` is its place in the template. */
export type FieldStep = {
  readonly kernel: Kernel
  readonly field: number
  readonly column: number
  readonly length: number
}

/** A step on rows that are already filled. */
export type RowStep = (context: MessageContext, builder: BlockBuilder, row: number, count: number) => void

export type RowPlan = {
  readonly shape: Shape
  readonly fieldSteps: readonly FieldStep[]
  readonly rowSteps: readonly RowStep[]
}

/** Which of the four flow streams a record belongs to is seen from these fields; -1 where the template lacks one. */
export type TemplatePlan = {
  readonly template: Template
  readonly protocolField: number
  readonly ipv4Field: number
  readonly ipv6Field: number
  /** The destination of the same family; the field above again where the template has but one. */
  readonly ipv4OtherField: number
  readonly ipv6OtherField: number
  /** Without a protocol field: 1 or 58 when an ICMP element tells that all records are ICMP, else 0. */
  readonly impliedProtocol: number
  /** The place of IE 160, which must be read before a record's times; -1 without. */
  readonly systemInitField: number
  /** By stream id: flow4, flow6, icmp4, icmp6. */
  readonly rows: readonly [RowPlan, RowPlan, RowPlan, RowPlan]
  /** Where the 5-tuple is in a section of the packet. */
  readonly section: PacketSection | undefined
}

type Target = 'u' | 'counter' | 'text' | 'octets' | 'upTime' | 'seconds' | 'milliseconds' | 'ntp' | 'delta'

/** NetFlow v9 field types of the Cisco ASA before 8.4 (ASA NetFlow implementation guide); no such number is IANA's. */
const NF_F_USERNAME = 40000
const NF_F_XLATE_SRC_ADDR_IPV4 = 40001
const NF_F_XLATE_DST_ADDR_IPV4 = 40002
const NF_F_XLATE_SRC_PORT = 40003
const NF_F_XLATE_DST_PORT = 40004
const NF_F_FW_EVENT = 40005

/** PAN-OS, "NetFlow Templates". */
const PALO_ALTO_APP_ID = 56701
const PALO_ALTO_USER_ID = 56702
/** Cisco AVC names the two ends of a connection by their roles, without IANA's addresses. */
const AVC_CLIENT_IPV4 = '9/12236'
const AVC_SERVER_IPV4 = '9/12237'
const AVC_CLIENT_IPV6 = '9/12238'
const AVC_SERVER_IPV6 = '9/12239'
const AVC_CLIENT_PORT = '9/12240'
const AVC_SERVER_PORT = '9/12241'
/** Names of applications that vendors send in elements of their own: nProbe (also in v9), Ixia, Procera, Sophos. */
const vendorApplicationNames = ['35632/119', 57591, PALO_ALTO_APP_ID, '3054/111', '15397/1', '9789/2']

/** Elements that fill a column, the preferred first. */
const sources: readonly (readonly [
  column: FlowColumn,
  target: Target,
  ...elements: readonly (number | string)[],
])[] = [
  ['sourceTransportPort', 'u', 7, 180, 182, AVC_CLIENT_PORT],
  ['destinationTransportPort', 'u', 11, 181, 183, AVC_SERVER_PORT],
  ['protocolIdentifier', 'u', 4],
  ['octets', 'counter', 1, 85, 231],
  ['packets', 'counter', 2, 86, 298],
  ['reverseOctets', 'counter', '29305/1', '29305/85', 232],
  ['reversePackets', 'counter', '29305/2', '29305/86', 299],
  ['tcpControlBits', 'u', 6],
  ['ipClassOfService', 'u', 5],
  ['ingressInterface', 'u', 10, 252],
  ['egressInterface', 'u', 14, 253],
  ['vlanId', 'u', 58, 243, 242],
  ['postNAPTSourceTransportPort', 'u', 227, NF_F_XLATE_SRC_PORT],
  ['postNAPTDestinationTransportPort', 'u', 228, NF_F_XLATE_DST_PORT],
  ['firewallEvent', 'u', 233, NF_F_FW_EVENT],
  ['flowEndReason', 'u', 136],
  ['flowDirection', 'u', 61],
  ['observationPointId', 'u', 138],
  ['minimumIpTotalLength', 'u', 25],
  ['maximumIpTotalLength', 'u', 26],
  ['fragmentFlags', 'u', 197],
  ['fragmentOffset', 'u', 88],
  ['applicationId', 'octets', 95],
  ['userName', 'text', 371, NF_F_USERNAME, PALO_ALTO_USER_ID],
]

const times: readonly (readonly [column: FlowColumn, ...elements: readonly (readonly [number, Target])[]])[] =
  [
    [
      'startMilliseconds',
      [152, 'milliseconds'],
      [156, 'ntp'],
      [154, 'ntp'],
      [150, 'seconds'],
      [22, 'upTime'],
      [158, 'delta'],
    ],
    [
      'endMilliseconds',
      [153, 'milliseconds'],
      [157, 'ntp'],
      [155, 'ntp'],
      [151, 'seconds'],
      [21, 'upTime'],
      [159, 'delta'],
    ],
  ]

export function makePlan(template: Template): TemplatePlan {
  const find = finder(template)
  const [source4, destination4] = addressFields(template, find, 4)
  const [source6, destination6] = addressFields(template, find, 6)
  const icmp4Element = [32, 176].some((id) => find(id) >= 0)
  const icmp6Element = [139, 178].some((id) => find(id) >= 0)
  const ipv4Field = source4 >= 0 ? source4 : destination4
  const ipv6Field = source6 >= 0 ? source6 : destination6
  const protocolField = find(4)
  const impliedProtocol =
    protocolField >= 0 || find(7) >= 0
      ? 0
      : icmp4Element && ipv6Field < 0
        ? 1
        : icmp6Element
          ? 58
          : icmp4Element
            ? 1
            : 0
  const rows: TemplatePlan['rows'] = [
    makeRowPlan(template, find, 4, false),
    makeRowPlan(template, find, 6, false),
    makeRowPlan(template, find, 4, true),
    makeRowPlan(template, find, 6, true),
  ]
  return {
    template,
    protocolField,
    ipv4Field,
    ipv6Field,
    ipv4OtherField: destination4 >= 0 ? destination4 : ipv4Field,
    ipv6OtherField: destination6 >= 0 ? destination6 : ipv6Field,
    impliedProtocol,
    systemInitField: find(160),
    rows,
    section: PacketSection.of(template, rows),
  }
}

function makeRowPlan(template: Template, find: Find, family: 4 | 6, isIcmp: boolean): RowPlan {
  const steps: FieldStep[] = []
  const rowSteps: RowStep[] = []
  const columns = new Set([RECEIVED_COLUMN, EXPORTER_COLUMN, SHAPE_COLUMN])
  const add = (column: number, field: number, kernel: Kernel | undefined) => {
    const length = template.fields[field]?.length ?? 0
    if (field < 0 || kernel === undefined || length === 0) return false
    steps.push({ kernel, field, column, length })
    columns.add(column)
    return true
  }
  const [source, destination] = addressFields(template, find, family)
  add(Column.sourceAddress, source, family === 4 ? kernels.ipv4 : kernels.ipv6)
  add(Column.destinationAddress, destination, family === 4 ? kernels.ipv4 : kernels.ipv6)

  for (const [name, target, ...elements] of sources) {
    for (const element of elements) {
      const field = find(element)
      if (field >= 0 && add(Column[name], field, kernelFor(target, template.fields[field]!))) break
    }
  }
  for (const [name, ...elements] of times) {
    for (const [element, target] of elements) {
      const field = find(element)
      if (field >= 0 && add(Column[name], field, kernelFor(target, template.fields[field]!))) break
    }
  }
  addDuration(template, columns, find, steps, rowSteps)
  for (const [name, ipv4, ipv6, old] of [
    ['postNATSourceAddress', 225, 281, NF_F_XLATE_SRC_ADDR_IPV4],
    ['postNATDestinationAddress', 226, 282, NF_F_XLATE_DST_ADDR_IPV4],
  ] as const) {
    if (add(Column[name], usable(template, find(ipv4), 4), kernels.ipv4InDictionary)) continue
    if (add(Column[name], usable(template, find(ipv6), 16), kernels.ipv6InDictionary)) continue
    add(Column[name], usable(template, find(old), 4), kernels.ipv4InDictionary)
  }
  if (isIcmp) addIcmp(template, family, find, add, columns, rowSteps)
  addApplicationName(find, add, columns, steps, template)
  addSampling(template, find, columns, steps, rowSteps)
  if (columns.has(Column.firewallEvent)) {
    columns.add(Column.phase)
    columns.add(Column.outcome)
    rowSteps.push(fillSession)
  }
  columns.add(Column.clockSkewMilliseconds)
  rowSteps.push(fillClockSkew)
  for (const element of identityInRecords) {
    const field = find(element)
    if (field < 0) continue
    const { length } = template.fields[field]!
    steps.push({ kernel: identityKernel(element), field, column: EXPORTER_COLUMN, length })
  }
  return { shape: shapeOf(columns), fieldSteps: steps, rowSteps }
}

type Find = (element: number | string) => number
type Add = (column: number, field: number, kernel: Kernel | undefined) => boolean

/**
 * Finds the last field of an element, IANA's by its number, an enterprise's as `pen/id`; -1 without. Where a tunnel record
 * repeats an element, the inner header comes last.
 */
function finder(template: Template): Find {
  const places = new Map<number | string, number>()
  for (const index of template.walk) {
    const { enterpriseNumber, elementId } = template.fields[index]!
    places.set(enterpriseNumber === IANA ? elementId : `${enterpriseNumber}/${elementId}`, index)
  }
  return (element) => places.get(element) ?? -1
}

/** Source and destination: IANA's elements, else client and server where a template has neither of IANA's. */
function addressFields(template: Template, find: Find, family: 4 | 6): readonly [number, number] {
  const octets = family === 4 ? 4 : 16
  const of = (element: number | string) => usable(template, find(element), octets)
  const source = of(family === 4 ? 8 : 27)
  const destination = of(family === 4 ? 12 : 28)
  const hasOwn = [8, 12, 27, 28].some((element) => find(element) >= 0)
  if (hasOwn) return [source, destination]
  return family === 4
    ? [of(AVC_CLIENT_IPV4), of(AVC_SERVER_IPV4)]
    : [of(AVC_CLIENT_IPV6), of(AVC_SERVER_IPV6)]
}

function kernelFor(target: Target, field: TemplateField): Kernel | undefined {
  const { length } = field
  if (length === VARIABLE_LENGTH) return kernels.variableKernels[target]
  switch (target) {
    case 'u':
      return kernels.unsignedKernel(length)
    case 'counter':
      return kernels.counterKernel(length)
    case 'text':
      return kernels.text
    case 'octets':
      return kernels.octets
    case 'upTime':
      return length === 4 ? kernels.upTime : undefined
    case 'seconds':
      return length === 4 ? kernels.seconds : undefined
    case 'milliseconds':
      return length === 8 ? kernels.milliseconds8 : undefined
    case 'ntp':
      return length === 8 ? kernels.ntp : undefined
    case 'delta':
      return length === 4 ? kernels.deltaMicroseconds : undefined
  }
}

/** Of an end and a duration (IE 161, 162) the start follows, and of a start the end. */
function addDuration(
  template: Template,
  columns: Set<number>,
  find: Find,
  steps: FieldStep[],
  rowSteps: RowStep[],
): void {
  const field = find(161) >= 0 ? find(161) : find(162)
  const divisor = find(161) >= 0 ? 1 : 1000
  const hasStart = columns.has(Column.startMilliseconds)
  const hasEnd = columns.has(Column.endMilliseconds)
  if (field < 0 || hasStart === hasEnd || template.fields[field]!.length !== 4) return
  const missing = hasStart ? Column.endMilliseconds : Column.startMilliseconds
  const known = hasStart ? Column.startMilliseconds : Column.endMilliseconds
  const sign = hasStart ? 1 : -1
  const kernel: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
    const to = builder.planes[column]![0] as Float64Array
    for (let index = 0, at = offset; index < count; index++, at += stride)
      to[row + index] = (sign * view.getUint32(at)) / divisor
  }
  steps.push({ kernel, field, column: missing, length: 4 })
  columns.add(missing)
  rowSteps.push((_context, builder, row, count) => {
    const to = builder.planes[missing]![0] as Float64Array
    const from = builder.planes[known]![0] as Float64Array
    for (let index = row; index < row + count; index++)
      to[index] = from[index] === 0 ? 0 : from[index]! + to[index]!
  })
}

const ICMP_FROM_ELEMENT = 1
const ICMP_FROM_DESTINATION_PORT = 2
const ICMP_FROM_SOURCE_PORT = 3

/** Type and code: own elements first, then type × 256 + code in one element, then the same in a port. */
function addIcmp(
  template: Template,
  family: 4 | 6,
  find: Find,
  add: Add,
  columns: Set<number>,
  rowSteps: RowStep[],
): void {
  const [type, code, both] =
    family === 4 ? [find(176), find(177), find(32)] : [find(178), find(179), find(139)]
  const hasPorts = columns.has(Column.destinationTransportPort)
  const fill =
    (from: number): RowStep =>
    (_context, builder, row, count) => {
      builder.planes[Column.icmpFrom]![0]!.fill(from, row, row + count)
    }
  columns.add(Column.icmpFrom)
  if (type >= 0 && add(Column.icmpType, type, kernels.unsignedKernel(template.fields[type]!.length))) {
    if (code >= 0) add(Column.icmpCode, code, kernels.unsignedKernel(template.fields[code]!.length))
    rowSteps.push(fill(ICMP_FROM_ELEMENT))
    return
  }
  columns.add(Column.icmpType)
  columns.add(Column.icmpCode)
  if (both >= 0 && template.fields[both]!.length === 2) {
    add(Column.icmpType, both, icmpTypeCode)
    rowSteps.push(fill(ICMP_FROM_ELEMENT))
    return
  }
  if (hasPorts) rowSteps.push(icmpFromPorts)
}

const icmpTypeCode: Kernel = (_context, builder, _column, row, view, offset, _length, stride, count) => {
  const types = builder.planes[Column.icmpType]![0]!
  const codes = builder.planes[Column.icmpCode]![0]!
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    types[row + index] = view.getUint8(at)
    codes[row + index] = view.getUint8(at + 1)
  }
}

/**
 * type × 256 + code in the destination port, as NetFlow v5 and most v9 exporters do, else in the source port. A port
 * below 256 that is not 0 is the type alone: type 0 has just the code 0.
 */
const icmpFromPorts: RowStep = (_context, builder, row, count) => {
  const source = builder.planes[Column.sourceTransportPort]?.[0]
  const destination = builder.planes[Column.destinationTransportPort]![0]!
  const types = builder.planes[Column.icmpType]![0]!
  const codes = builder.planes[Column.icmpCode]![0]!
  const from = builder.planes[Column.icmpFrom]![0]!
  for (let index = row; index < row + count; index++) {
    const useSource = destination[index] === 0 && source !== undefined && source[index] !== 0
    const port = useSource ? source[index]! : destination[index]!
    const isTypeAlone = port < 256
    types[index] = isTypeAlone ? port : port >>> 8
    codes[index] = isTypeAlone ? 0 : port & 0xff
    from[index] = useSource ? ICMP_FROM_SOURCE_PORT : ICMP_FROM_DESTINATION_PORT
  }
}

/** IE 96 of the record itself, else the name that options data give for its IE 95, else a vendor's own element. */
function addApplicationName(
  find: Find,
  add: Add,
  columns: Set<number>,
  steps: FieldStep[],
  template: Template,
): void {
  for (const element of [96, ...vendorApplicationNames])
    if (add(Column.applicationName, find(element), kernels.text)) break
  const field = find(95)
  if (field < 0 || find(96) >= 0) return
  const kernel: Kernel = (context, builder, column, row, view, offset, length, stride, count) => {
    const to = builder.planes[column]![0] as Uint32Array
    const { applications } = context.domain
    if (applications.size === 0) return
    for (let index = 0, at = offset; index < count; index++, at += stride) {
      const application = applications.get(applicationKey(view, at, length))
      if (application !== undefined) to[row + index] = builder.textIndex(column, application.name)
    }
  }
  steps.push({ kernel, field, column: Column.applicationName, length: template.fields[field]!.length })
  columns.add(Column.applicationName)
}

/** firewallEvent (IE 233) → phase and outcome, as places in phaseNames and outcomeNames; 0 is none. */
const SESSION_PHASES = [0, 1, 3, 0, 0, 2]
const SESSION_OUTCOMES = [0, 1, 1, 2, 0, 1]

/**
 * The life of a firewall session: created, deleted, denied, updated. Updates count what came since the one before, the
 * end counts all, so whoever sums takes one or the other.
 */
const fillSession: RowStep = (_context, builder, row, count) => {
  const events = builder.planes[Column.firewallEvent]![0]!
  const phases = builder.planes[Column.phase]![0]!
  const outcomes = builder.planes[Column.outcome]![0]!
  for (let index = row; index < row + count; index++) {
    phases[index] = SESSION_PHASES[events[index]!] ?? 0
    outcomes[index] = SESSION_OUTCOMES[events[index]!] ?? 0
  }
}

/** The skew that exporter events told last; a corrected time is the device's minus this. */
const fillClockSkew: RowStep = (context, builder, row, count) => {
  const { reportedSkewMilliseconds } = context.domain.statistics
  if (reportedSkewMilliseconds === 0) return
  builder.planes[Column.clockSkewMilliseconds]![0]!.fill(reportedSkewMilliseconds, row, row + count)
}

const SAMPLING_FROM_RECORD = 1
const SAMPLING_FROM_OPTIONS = 2
const SAMPLING_FROM_HEADER = 3
const SAMPLING_FROM_CONFIGURATION = 4

/**
 * One packet of how many: our configuration, the record (IE 34, 50; 305 with 306; 310 over 309), the sampler that it names (IE 48,
 * 302), the domain's options data, the v5 header, in this order. From "none" the interval is unknown.
 */
function addSampling(
  template: Template,
  find: Find,
  columns: Set<number>,
  steps: FieldStep[],
  rowSteps: RowStep[],
): void {
  columns.add(Column.samplingInterval)
  columns.add(Column.samplingFrom)
  rowSteps.push(fillSampling)
  const direct = find(34) >= 0 ? find(34) : find(50)
  // The packets of IE 305 say nothing without the space of IE 306 that follows them, nor n (309) without N (310).
  const isOutOf = direct < 0 && find(305) < 0
  const [first, second] = isOutOf ? [find(309), find(310)] : [find(305), find(306)]
  const space = direct < 0 && first >= 0 ? second : -1
  const interval = direct >= 0 ? direct : space >= 0 ? first : -1
  const sampler = find(302) >= 0 ? find(302) : find(48)
  if (interval >= 0 && template.fields[interval]!.length <= 4) {
    const delta = distance(template, interval, space)
    const spaceLength = Number.isNaN(delta) ? 0 : template.fields[space]!.length
    steps.push({
      field: interval,
      column: Column.samplingInterval,
      length: template.fields[interval]!.length,
      kernel: (_context, builder, column, row, view, offset, length, stride, count) => {
        const to = builder.planes[column]![0] as Uint32Array
        const from = builder.planes[Column.samplingFrom]![0]!
        for (let index = 0, at = offset; index < count; index++, at += stride) {
          const packets = readUnsigned(view, at, length)
          const skipped =
            spaceLength > 0 && spaceLength <= 4 ? readUnsigned(view, at + delta, spaceLength) : 0
          const all = isOutOf ? skipped : packets + skipped
          const oneIn = skipped > 0 && packets > 0 ? Math.round(all / packets) : packets
          to[row + index] = spaceLength > 0 && skipped === 0 ? 1 : oneIn
          from[row + index] = oneIn > 0 ? SAMPLING_FROM_RECORD : 0
        }
      },
    })
  } else if (sampler >= 0 && template.fields[sampler]!.length <= 8) {
    steps.push({
      field: sampler,
      column: Column.samplingInterval,
      length: template.fields[sampler]!.length,
      kernel: (context, builder, column, row, view, offset, length, stride, count) => {
        const to = builder.planes[column]![0] as Uint32Array
        const from = builder.planes[Column.samplingFrom]![0]!
        for (let index = 0, at = offset; index < count; index++, at += stride) {
          const oneIn = context.domain.samplers.get(readUnsigned(view, at, length))?.interval
          to[row + index] = oneIn ?? 0
          from[row + index] = oneIn === undefined ? 0 : SAMPLING_FROM_OPTIONS
        }
      },
    })
  }
}

/** Octets from one field to another, NaN when a field of variable length lies between them or there is no other. */
function distance(template: Template, from: number, to: number): number {
  if (to < 0) return Number.NaN
  let octets = 0
  for (let index = Math.min(from, to); index < Math.max(from, to); index++) {
    const { length } = template.fields[index]!
    octets += length === VARIABLE_LENGTH ? Number.NaN : length
  }
  return from < to ? octets : -octets
}

const fillSampling: RowStep = (context, builder, row, count) => {
  const { configuredSamplingInterval, samplingInterval, headerSamplingInterval } = context.domain
  const intervals = builder.planes[Column.samplingInterval]![0]!
  const from = builder.planes[Column.samplingFrom]![0]!
  if (configuredSamplingInterval > 0) {
    intervals.fill(configuredSamplingInterval, row, row + count)
    from.fill(SAMPLING_FROM_CONFIGURATION, row, row + count)
    return
  }
  const fallback = samplingInterval > 0 ? samplingInterval : headerSamplingInterval
  const origin =
    samplingInterval > 0 ? SAMPLING_FROM_OPTIONS : headerSamplingInterval > 0 ? SAMPLING_FROM_HEADER : 0
  for (let index = row; index < row + count; index++) {
    if (from[index] !== 0) continue
    intervals[index] = fallback
    from[index] = origin
  }
}

/** The field when it has just the length that its type needs, else -1. */
function usable(template: Template, field: number, length: number): number {
  return field >= 0 && template.fields[field]!.length === length ? field : -1
}

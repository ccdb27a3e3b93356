/**
 * A plan says how a template's records become rows: for each column the field that fills it and the kernel that copies
 * it. It is made once per template and per kind of row (IPv4, IPv6, ICMP), so the receive path only runs lists of
 * kernels. What fills which column is in plan/, a file for each matter.
 */
import { EXPORTER_COLUMN } from '#core/blocks/builder.js'
import { FlowColumnIndex } from '#core/records/columns.js'
import { type Shape, shapeOf } from '#core/records/shape.js'
import { identityInRecords, identityKernel } from './identity.js'
import * as kernels from './kernels.js'
import { PacketSection } from './packet-section.js'
import { addApplicationName } from './plan/application.js'
import { type FieldStep, type Find, finder, RowDraft, type RowStep } from './plan/draft.js'
import { addIcmp } from './plan/icmp.js'
import { addPayload } from './plan/payload.js'
import { addSampling } from './plan/sampling.js'
import { addSession } from './plan/session.js'
import { addressFields, addSources, addTranslated } from './plan/sources.js'
import { addTimes } from './plan/times.js'
import type { Template } from './template.js'

const Column = FlowColumnIndex
export const ICMP = 1
export const ICMPV6 = 58

export type RowPlan = {
  readonly shape: Shape
  readonly fieldSteps: readonly FieldStep[]
  readonly rowSteps: readonly RowStep[]
}

/** A record is ICMP when the octet at `protocolOffset` is `icmpProtocol`; all are of `plainStream` where that is -1. */
export type RunPlan = {
  readonly protocolOffset: number
  readonly icmpProtocol: number
  readonly plainStream: number
  readonly icmpStream: number
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
  /** How runs of records that go to one stream are told where each record has one length and one family. */
  readonly runs: RunPlan | undefined
  /** The place of IE 160, which must be read before a record's times; -1 without. */
  readonly systemInitField: number
  /** By stream id: flow4, flow6, icmp4, icmp6. */
  readonly rows: readonly [RowPlan, RowPlan, RowPlan, RowPlan]
  /** Where the 5-tuple is in a section of the packet. */
  readonly section: PacketSection | undefined
}

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
    runs: runPlan(template, ipv4Field, ipv6Field, protocolField, impliedProtocol),
    systemInitField: find(160),
    rows,
    section: PacketSection.of(template, rows),
  }
}

function runPlan(
  template: Template,
  ipv4Field: number,
  ipv6Field: number,
  protocolField: number,
  impliedProtocol: number,
): RunPlan | undefined {
  const field = template.fields[protocolField]
  const hasBothFamilies = ipv4Field >= 0 && ipv6Field >= 0
  if (hasBothFamilies || template.recordLength < 0 || field?.length === 0) return undefined
  const isIPv6 = ipv6Field >= 0
  const icmpProtocol = isIPv6 ? ICMPV6 : ICMP
  const icmpStream = isIPv6 ? 3 : 2
  const plainStream = isIPv6 ? 1 : 0
  if (field !== undefined)
    return { protocolOffset: field.offset + field.length - 1, icmpProtocol, plainStream, icmpStream }
  const only = impliedProtocol === icmpProtocol ? icmpStream : plainStream
  return { protocolOffset: -1, icmpProtocol, plainStream: only, icmpStream: only }
}

function makeRowPlan(template: Template, find: Find, family: 4 | 6, isIcmp: boolean): RowPlan {
  const draft = new RowDraft(template, find)
  const [source, destination] = addressFields(template, find, family)
  draft.add(Column.sourceAddress, source, family === 4 ? kernels.ipv4 : kernels.ipv6)
  draft.add(Column.destinationAddress, destination, family === 4 ? kernels.ipv4 : kernels.ipv6)
  addSources(draft)
  addTimes(draft)
  addTranslated(draft)
  if (isIcmp) addIcmp(draft, family)
  addApplicationName(draft)
  addSampling(draft)
  addSession(draft)
  if (source >= 0 || destination >= 0) addPayload(draft, isIcmp)
  draft.columns.add(Column.clockSkewMilliseconds)
  draft.rowSteps.push(fillClockSkew)
  addIdentity(draft)
  return { shape: shapeOf(draft.columns), fieldSteps: draft.fieldSteps, rowSteps: draft.rowSteps }
}

/** Fields that fill no column, but tell who the exporter is. */
function addIdentity(draft: RowDraft): void {
  for (const element of identityInRecords) {
    const field = draft.find(element)
    if (field >= 0) draft.step(EXPORTER_COLUMN, field, identityKernel(element))
  }
}

/** The skew that exporter events told last; a corrected time is the device's minus this. */
const fillClockSkew: RowStep = (context, builder, row, count) => {
  const { reportedSkewMilliseconds } = context.domain.statistics
  if (reportedSkewMilliseconds === 0) return
  builder.planes[Column.clockSkewMilliseconds]![0]!.fill(reportedSkewMilliseconds, row, row + count)
}

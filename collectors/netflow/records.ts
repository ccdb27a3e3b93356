/**
 * Data sets into rows: the records of a set whose template is known, in runs that a plan's kernels copy, or one by one
 * where fields vary in length or an observer looks on. `steps` counts what was done, so that tests can hold the work to
 * the octets that asked for it.
 */

import type { Domain, MessageContext } from './context.js'
import { readUnsigned, VARIABLE_LENGTH } from './elements.js'
import { isZero } from './octets.js'
import { learnFromOptions, type RecordFields } from './options.js'
import type { UndecodedReason } from './reasons.js'
import { ICMP, ICMPV6, type RowPlan, type RunPlan, type TemplatePlan } from './row-plan.js'
import type { DecoderSink } from './sink.js'
import { MAX_FIELDS_PER_TEMPLATE, type Template } from './template.js'
import type { StoredTemplate, TemplateStore } from './template-store.js'

export type Refuse = (
  reason: UndecodedReason,
  domain: Domain | undefined,
  setId: number,
  octets: number,
) => void

export class RecordDecoder {
  /** Fields placed and kernels run since the start. */
  steps = 0
  private readonly context: MessageContext
  private readonly sink: DecoderSink
  private readonly store: TemplateStore
  private readonly refuse: Refuse
  private readonly fields: RecordFields = {
    offsets: new Int32Array(MAX_FIELDS_PER_TEMPLATE),
    lengths: new Int32Array(MAX_FIELDS_PER_TEMPLATE),
  }

  constructor(context: MessageContext, sink: DecoderSink, store: TemplateStore, refuse: Refuse) {
    this.context = context
    this.sink = sink
    this.store = store
    this.refuse = refuse
  }

  /** Returns the number of records. */
  decodeSet(stored: StoredTemplate, view: DataView, setId: number, from: number, end: number): number {
    const { domain } = this.context
    const { illFormedStrings, impossibleTimes } = domain.statistics
    const records = this.decodeRecords(stored, view, setId, from, end)
    if (domain.statistics.illFormedStrings > illFormedStrings)
      this.refuse('string-not-utf8', domain, setId, 0)
    if (domain.statistics.impossibleTimes > impossibleTimes) this.refuse('time-impossible', domain, setId, 0)
    return records
  }

  private decodeRecords(
    stored: StoredTemplate,
    view: DataView,
    setId: number,
    from: number,
    end: number,
  ): number {
    const { template } = stored
    this.context.systemInitMilliseconds = this.context.domain.systemInitMilliseconds
    if (template.kind === 'options') return this.optionsRecords(template, view, setId, from, end)
    if (template.recordLength < 0) return this.variableRecords(stored, view, setId, from, end)
    const records = Math.floor((end - from) / template.recordLength)
    this.records(stored, view, from, from + records * template.recordLength)
    return records
  }

  /** Records of one fixed length, in runs that go to the same stream. `end - from` is a whole number of records. */
  records(stored: StoredTemplate, view: DataView, from: number, end: number): void {
    const plan = this.store.planOf(stored)
    const stride = stored.template.recordLength
    const { observer } = this.sink
    const isSingle = observer !== undefined || plan.systemInitField >= 0 || plan.section !== undefined
    if (!isSingle && plan.runs !== undefined) {
      this.fixedRuns(plan, plan.runs, view, from, end, stride)
      return
    }
    let record = 0
    for (let at = from; at < end; ) {
      const stream = streamOf(plan, view, at, undefined)
      let count = 1
      if (!isSingle) {
        while (at + count * stride < end && streamOf(plan, view, at + count * stride, undefined) === stream)
          count++
        this.writeRun(plan, stream, view, at, count, stride)
      } else {
        this.placeFixedFields(stored.template, at)
        this.writeRecord(plan, stream, view, record)
      }
      at += count * stride
      record += count
    }
  }

  private fixedRuns(
    plan: TemplatePlan,
    { protocolOffset, icmpProtocol, plainStream, icmpStream }: RunPlan,
    view: DataView,
    from: number,
    end: number,
    stride: number,
  ): void {
    if (protocolOffset < 0) {
      this.writeRun(plan, plainStream, view, from, (end - from) / stride, stride)
      return
    }
    for (let at = from; at < end; ) {
      const isIcmp = view.getUint8(at + protocolOffset) === icmpProtocol
      let next = at + stride
      while (next < end && (view.getUint8(next + protocolOffset) === icmpProtocol) === isIcmp) next += stride
      this.writeRun(plan, isIcmp ? icmpStream : plainStream, view, at, (next - at) / stride, stride)
      at = next
    }
  }

  private writeRun(
    plan: TemplatePlan,
    stream: number,
    view: DataView,
    from: number,
    total: number,
    stride: number,
  ): void {
    const { context } = this
    const rows = plan.rows[stream]!
    let at = from
    for (let left = total; left > 0; ) {
      const builder = this.sink.builder(stream)
      const count = Math.min(left, builder.capacity - builder.rows)
      const row = builder.begin(context.domain.identity, rows.shape, context.receivedMilliseconds, count)
      this.steps += count * rows.fieldSteps.length + rows.rowSteps.length
      for (const step of rows.fieldSteps) {
        step.kernel(context, builder, step.column, row, view, at + step.offset, step.length, stride, count)
      }
      for (const step of rows.rowSteps) step(context, builder, row, count)
      at += count * stride
      left -= count
    }
  }

  /** Records with fields of variable length, one by one. */
  private variableRecords(
    stored: StoredTemplate,
    view: DataView,
    setId: number,
    from: number,
    end: number,
  ): number {
    const plan = this.store.planOf(stored)
    const { template } = stored
    let at = from
    let record = 0
    while (end - at >= template.minimumLength) {
      const next = this.placeFields(template, view, at, end)
      if (next < 0) {
        // Padding may be as long as a short record (RFC 7011 §3.3.1 says shorter, devices say otherwise).
        if (!isZero(view, at, end)) this.refuse('record-overrun', this.context.domain, setId, end - at)
        break
      }
      this.writeRecord(plan, streamOf(plan, view, at, this.fields), view, record)
      at = next
      record++
    }
    return record
  }

  /** Writes the record whose fields have been placed. */
  private writeRecord(plan: TemplatePlan, stream: number, view: DataView, record: number): void {
    const { context, fields, sink } = this
    const { section } = plan
    section?.dissect(view, fields)
    const rows: RowPlan = section?.rows ?? plan.rows[stream]!
    context.systemInitMilliseconds =
      plan.systemInitField >= 0 && fields.lengths[plan.systemInitField]! <= 8
        ? readUnsigned(view, fields.offsets[plan.systemInitField]!, fields.lengths[plan.systemInitField]!)
        : context.domain.systemInitMilliseconds
    this.steps += rows.fieldSteps.length + rows.rowSteps.length
    const builder = sink.builder(section?.stream ?? stream)
    const row = builder.begin(context.domain.identity, rows.shape, context.receivedMilliseconds, 1)
    section?.write(builder, row)
    for (const step of rows.fieldSteps) {
      const length = fields.lengths[step.field]!
      if (length === 0) continue
      step.kernel(context, builder, step.column, row, view, fields.offsets[step.field]!, length, 0, 1)
    }
    for (const step of rows.rowSteps) step(context, builder, row, 1)
    sink.observer?.flow(context, plan.template, view, fields, record, builder)
  }

  private optionsRecords(
    template: Template,
    view: DataView,
    setId: number,
    from: number,
    end: number,
  ): number {
    const { context, fields } = this
    const { domain } = context
    let at = from
    let record = 0
    while (end - at >= template.minimumLength) {
      let next = at + template.recordLength
      if (template.recordLength < 0) {
        next = this.placeFields(template, view, at, end)
        if (next < 0) {
          if (!isZero(view, at, end)) this.refuse('record-overrun', domain, setId, end - at)
          break
        }
      } else this.placeFixedFields(template, at)
      const revision = domain.optionsRevision
      if (learnFromOptions(domain, template, view, fields, context.receivedMilliseconds)) {
        this.sink.exporterEvent(domain, 'sampling', domain.samplingInterval, context.receivedMilliseconds)
      }
      if (domain.optionsRevision !== revision) this.sink.optionsLearnt?.(domain)
      this.sink.observer?.options(context, template, view, fields, record)
      at = next
      record++
    }
    domain.statistics.optionsRecords += record
    return record
  }

  private placeFixedFields(template: Template, at: number): void {
    const { offsets, lengths } = this.fields
    this.steps += template.walk.length
    for (const index of template.walk) {
      const field = template.fields[index]!
      offsets[index] = at + field.offset
      lengths[index] = field.length
    }
  }

  /** Finds the fields of a record with variable lengths. Returns the offset behind it, -1 when it runs past `end`. */
  private placeFields(template: Template, view: DataView, from: number, end: number): number {
    const { offsets, lengths } = this.fields
    this.steps += template.walk.length
    let at = from
    for (const index of template.walk) {
      let { length } = template.fields[index]!
      if (length === VARIABLE_LENGTH) {
        // One octet of length, or 255 and two octets. RFC 7011 §7.
        if (at + 1 > end) return -1
        length = view.getUint8(at)
        at += 1
        if (length === 255) {
          if (at + 2 > end) return -1
          length = view.getUint16(at)
          at += 2
        }
      }
      if (at + length > end) return -1
      offsets[index] = at
      lengths[index] = length
      at += length
    }
    return at
  }
}

/** The stream of the record at `at`: 0 flow4, 1 flow6, 2 icmp4, 3 icmp6. `fields` where offsets are not fixed. */
function streamOf(plan: TemplatePlan, view: DataView, at: number, fields: RecordFields | undefined): number {
  const { template, protocolField, ipv4Field, ipv6Field } = plan
  const offsetOf = (field: number) =>
    fields === undefined ? at + template.fields[field]!.offset : fields.offsets[field]!
  let isIPv6 = ipv6Field >= 0
  if (isIPv6 && ipv4Field >= 0) {
    // Both families in one template, the unused one zero; 0.0.0.0 and :: are sources too, so destinations tell as well.
    isIPv6 =
      view.getUint32(offsetOf(ipv4Field)) === 0 &&
      view.getUint32(offsetOf(plan.ipv4OtherField)) === 0 &&
      !(
        isZero(view, offsetOf(ipv6Field), offsetOf(ipv6Field) + 16) &&
        isZero(view, offsetOf(plan.ipv6OtherField), offsetOf(plan.ipv6OtherField) + 16)
      )
  }
  let protocol = plan.impliedProtocol
  if (protocolField >= 0) {
    const length =
      fields === undefined ? template.fields[protocolField]!.length : fields.lengths[protocolField]!
    if (length > 0) protocol = view.getUint8(offsetOf(protocolField) + length - 1)
  }
  if (isIPv6) return protocol === ICMPV6 ? 3 : 1
  return protocol === ICMP ? 2 : 0
}

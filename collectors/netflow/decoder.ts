/**
 * NetFlow v1, v5, v7, v9 and IPFIX datagrams into rows. Pure but for the state it is given: no socket, no clock, no
 * exception. What cannot be used is told to the sink with a reason from reasons.ts, and decoding goes on behind it.
 */
import type { BlockBuilder } from '#core/blocks/builder.js'
import type { Address } from '#core/records/address.js'
import type { ExporterEventName } from '#core/records/columns.js'
import { type Domain, MessageContext } from './context.js'
import { readUnsigned, VARIABLE_LENGTH } from './elements.js'
import { fixedFormats } from './fixed-formats.js'
import { type HeldSet, HeldSets, MAX_HELD_MILLISECONDS } from './held-sets.js'
import { learnFromOptions, type RecordFields } from './options.js'
import type { UndecodedReason } from './reasons.js'
import type { RowPlan, TemplatePlan } from './row-plan.js'
import {
  MAX_FIELDS_PER_TEMPLATE,
  readIpfixTemplate,
  readV9OptionsTemplate,
  readV9Template,
  type Template,
  type TemplateResult,
} from './template.js'
import { type StoredTemplate, TemplateStore } from './template-store.js'

/** Sees single records as they are decoded; the command line shows them, the receive path has none. */
export type RecordObserver = {
  /** A data record; the row that it became is the last of `builder`. */
  flow(
    context: MessageContext,
    template: Template,
    view: DataView,
    fields: RecordFields,
    record: number,
    builder: BlockBuilder,
  ): void
  options(
    context: MessageContext,
    template: Template,
    view: DataView,
    fields: RecordFields,
    record: number,
  ): void
  template(context: MessageContext, template: Template): void
}

export type DecoderSink = {
  /** A builder of the stream (0 flow4, 1 flow6, 2 icmp4, 3 icmp6) with room for at least one row. */
  builder(stream: number): BlockBuilder
  /** Octets that could not be used. `context.domain` may be unset when the header itself is bad. */
  undecoded(
    reason: UndecodedReason,
    context: MessageContext,
    domain: Domain | undefined,
    setId: number,
    octets: number,
  ): void
  /** A fact about an exporter that detectors must know. */
  exporterEvent(domain: Domain, event: ExporterEventName, value: number, receivedMilliseconds: number): void
  templateLearnt(domain: Domain, stored: StoredTemplate): void
  readonly observer?: RecordObserver
}

export type DecoderOptions = {
  readonly sink: DecoderSink
  readonly store?: TemplateStore
  /** True for TCP and TLS, where withdrawals are obeyed (RFC 7011 §8.4 has them ignored over UDP). */
  readonly obeyWithdrawals?: boolean
}

/** Headers tell whole seconds, and a datagram may be under way for some time. */
const SKEW_GRAIN_MILLISECONDS = 3000

const V9 = 9
const IPFIX = 10
const V9_HEADER = 20
const IPFIX_HEADER = 16
const SET_HEADER = 4
/** A record of no field octets still counts as one octet, so this bounds the records of a datagram. */
const SMALLEST_DATA_SET_ID = 256

export class NetflowDecoder {
  readonly store: TemplateStore
  readonly held = new HeldSets()
  private readonly sink: DecoderSink
  private readonly obeyWithdrawals: boolean
  private readonly context = new MessageContext()
  private readonly fields: RecordFields = {
    offsets: new Int32Array(MAX_FIELDS_PER_TEMPLATE),
    lengths: new Int32Array(MAX_FIELDS_PER_TEMPLATE),
  }
  private lastExpiryMilliseconds = 0
  /** Options records of the domain before the message in hand. */
  private optionsRecordsBefore = 0

  constructor(options: DecoderOptions) {
    this.sink = options.sink
    this.store = options.store ?? new TemplateStore()
    this.obeyWithdrawals = options.obeyWithdrawals ?? false
  }

  /** Decodes one datagram of `length` octets at the start of `view`. */
  datagram(
    view: DataView,
    length: number,
    source: Address,
    listenerPort: number,
    receivedMilliseconds: number,
    transport = 0,
    datagram = 0,
  ): void {
    const { context } = this
    context.receivedMilliseconds = receivedMilliseconds
    context.datagram = datagram
    context.set = 0
    context.held = false
    const version = length >= 2 ? view.getUint16(0) : -1
    context.protocol = version
    const headerLength =
      version === V9 ? V9_HEADER : version === IPFIX ? IPFIX_HEADER : fixedFormats.get(version)?.headerLength
    if (headerLength === undefined) {
      const reason =
        version < 0 ? 'datagram-too-short' : version === 8 ? 'version-unsupported' : 'version-unknown'
      this.refuse(reason, undefined, 0, length)
      return
    }
    if (length < headerLength) {
      this.refuse('datagram-too-short', undefined, 0, length)
      return
    }
    const domain = this.findDomain(view, version, source, listenerPort, transport)
    if (domain === undefined) {
      this.refuse('exporter-limit', undefined, 0, length)
      return
    }
    context.domain = domain
    this.seen(domain, length)
    if (version === V9) this.v9(view, length)
    else if (version === IPFIX) this.ipfix(view, length)
    else this.fixed(view, length, version)
    if (receivedMilliseconds - this.lastExpiryMilliseconds > 60_000) {
      this.lastExpiryMilliseconds = receivedMilliseconds
      this.giveUp(this.held.expire(receivedMilliseconds - MAX_HELD_MILLISECONDS))
    }
  }

  /** Tells the sink of all sets whose template never came; at the end of a file. */
  finish(): void {
    this.giveUp(this.held.expire(Number.POSITIVE_INFINITY))
  }

  private findDomain(
    view: DataView,
    version: number,
    source: Address,
    listenerPort: number,
    transport: number,
  ) {
    const exporter = this.store.exporter(source, listenerPort, transport)
    if (exporter === undefined) return undefined
    // v5: engine_type and engine_id name the part of the device that counted. v9: source id. IPFIX: observation domain.
    const id =
      version === V9
        ? view.getUint32(16)
        : version === IPFIX
          ? view.getUint32(12)
          : version === 5
            ? view.getUint16(20)
            : 0
    return this.store.domain(exporter, version, id)
  }

  /** NetFlow v1, v5 and v7: header, then `count` records of one layout. */
  private fixed(view: DataView, length: number, version: number): void {
    const { context } = this
    const { domain } = context
    const { headerLength, recordLength, template } = fixedFormats.get(version)!
    const count = view.getUint16(2)
    context.sysUpTimeMilliseconds = view.getUint32(4)
    this.setExportTime(view.getUint32(8) * 1000 + Math.floor(view.getUint32(12) / 1e6))
    // The two high bits of the v5 sampling field are the mode, the others the interval.
    domain.headerSamplingInterval = version === 5 ? view.getUint16(22) & 0x3fff : 0
    const present = Math.floor((length - headerLength) / recordLength)
    const records = Math.min(count, present)
    if (count > present) {
      this.refuse('count-exceeds-datagram', domain, 0, length - headerLength - present * recordLength)
    }
    const stored = this.fixedTemplate(domain, template)
    this.records(stored, view, headerLength, headerLength + records * recordLength)
    domain.statistics.records += records
    if (version !== 1) this.observeSequence(view.getUint32(16), records, context.sysUpTimeMilliseconds)
  }

  private fixedTemplate(domain: Domain, template: Template): StoredTemplate {
    return (
      domain.templates.get(0) ?? this.store.learn(domain, template, this.context.receivedMilliseconds).stored
    )
  }

  /** NetFlow v9. RFC 3954 §5. The header's count is not relied on: real exporters count all sorts of things. */
  private v9(view: DataView, length: number): void {
    const { context } = this
    context.sysUpTimeMilliseconds = view.getUint32(4)
    this.setExportTime(view.getUint32(8) * 1000)
    const records = this.sets(view, V9_HEADER, length)
    this.observeSequence(view.getUint32(12), records, context.sysUpTimeMilliseconds)
  }

  /** IPFIX. RFC 7011 §3. A datagram may hold several messages, one behind the other. */
  private ipfix(view: DataView, length: number): void {
    const { context } = this
    let at = 0
    while (at + IPFIX_HEADER <= length && view.getUint16(at) === IPFIX) {
      let messageLength = view.getUint16(at + 2)
      if (messageLength < IPFIX_HEADER) {
        this.refuse('length-below-header', context.domain, 0, length - at)
        return
      }
      if (at + messageLength > length) {
        this.refuse('length-exceeds-datagram', context.domain, 0, at + messageLength - length)
        messageLength = length - at
      }
      if (at > 0) {
        const { address, listenerPort, transport } = context.domain.identity
        const exporter = this.store.exporter(address, listenerPort, transport)!
        const domain = this.store.domain(exporter, IPFIX, view.getUint32(at + 12))
        if (domain === undefined) {
          this.refuse('exporter-limit', undefined, 0, length - at)
          return
        }
        if (domain !== context.domain) this.seen(domain, messageLength)
        context.domain = domain
      }
      this.setExportTime(view.getUint32(at + 4) * 1000)
      // Some exporters leave padding out of the message length; no further message fits behind such a one.
      const end = at + messageLength
      const limit = length - end < IPFIX_HEADER ? length : end
      const records = this.sets(view, at + IPFIX_HEADER, end, limit)
      this.observeSequence(view.getUint32(at + 8), records, -1)
      at += messageLength
    }
  }

  private seen(domain: Domain, octets: number): void {
    const { statistics } = domain
    const { receivedMilliseconds } = this.context
    statistics.datagrams++
    statistics.octets += octets
    if (statistics.firstSeenMilliseconds === 0) statistics.firstSeenMilliseconds = receivedMilliseconds
    statistics.lastSeenMilliseconds = receivedMilliseconds
  }

  private setExportTime(exportMilliseconds: number): void {
    const { context } = this
    const { statistics } = context.domain
    context.exportMilliseconds = exportMilliseconds
    this.optionsRecordsBefore = statistics.optionsRecords
    if (context.receivedMilliseconds === 0) return
    const skew = exportMilliseconds - context.receivedMilliseconds
    statistics.clockSkewMilliseconds = skew
    if (Math.abs(skew - statistics.reportedSkewMilliseconds) <= SKEW_GRAIN_MILLISECONDS) return
    statistics.reportedSkewMilliseconds = skew
    this.sink.exporterEvent(context.domain, 'clockSkew', skew, context.receivedMilliseconds)
  }

  /**
   * The sets of a message that ends at `end`; its last set may reach to `limit`. Returns the message's data records, -1
   * when a set could not be counted.
   */
  private sets(view: DataView, from: number, end: number, limit = end): number {
    const { context } = this
    let at = from
    let records = 0
    for (; at + SET_HEADER <= end; context.set++) {
      const setId = view.getUint16(at)
      const setLength = view.getUint16(at + 2)
      if (setLength < SET_HEADER) {
        // A tail of zeros is how some devices fill a datagram up; anything else of no length cannot be walked past.
        if (setId !== 0 || setLength !== 0 || !isZero(view, at, end)) {
          this.refuse('set-length-below-header', context.domain, setId, end - at)
        }
        break
      }
      if (at + setLength > limit) {
        this.refuse('set-past-end', context.domain, setId, end - at)
        records = -1
        break
      }
      const counted = this.set(view, setId, at + SET_HEADER, at + setLength)
      records = records < 0 || counted < 0 ? -1 : records + counted
      at += setLength
    }
    return records
  }

  private set(view: DataView, setId: number, from: number, end: number): number {
    const isV9 = this.context.protocol === V9
    if (setId >= SMALLEST_DATA_SET_ID) return this.dataSet(view, setId, from, end)
    if (setId === (isV9 ? 0 : 2)) {
      this.templateSet(view, setId, from, end, isV9 ? readV9Template : readIpfixDataTemplate)
    } else if (setId === (isV9 ? 1 : 3)) {
      this.templateSet(view, setId, from, end, isV9 ? readV9OptionsTemplate : readIpfixOptionsTemplate)
    } else this.refuse('set-id-reserved', this.context.domain, setId, end - from)
    return 0
  }

  private templateSet(
    view: DataView,
    setId: number,
    from: number,
    end: number,
    read: (view: DataView, offset: number, end: number) => TemplateResult,
  ): void {
    const { context } = this
    // Fewer than four octets, or zeros to the end, are padding. It is looked for once, not behind each definition.
    const padding = endOfOctets(view, from, end)
    let at = from
    while (at + 4 <= end && at < padding) {
      const result = read(view, at, end)
      if ('template' in result) this.learn(result.template)
      else if ('withdrawn' in result) this.withdraw(result.withdrawn, setId)
      else this.refuse(result.reason, context.domain, setId, result.next - at)
      at = result.next
    }
  }

  private learn(template: Template): void {
    const { context, sink } = this
    const { domain } = context
    const evictions = this.store.evictions
    const { stored, changed } = this.store.learn(domain, template, context.receivedMilliseconds)
    if (this.store.evictions > evictions) this.refuse('template-limit', domain, template.id, 0)
    sink.observer?.template(context, template)
    if (!changed) return
    sink.templateLearnt(domain, stored)
    const waiting = this.held.take(domain, template.id)
    if (waiting.length > 0) this.replay(stored, waiting)
  }

  private withdraw(templateId: number, setId: number): void {
    const { domain } = this.context
    if (!this.obeyWithdrawals) {
      this.refuse('template-withdrawal-ignored', domain, setId, 4)
      return
    }
    if (templateId >= SMALLEST_DATA_SET_ID) {
      this.store.withdraw(domain, templateId)
      return
    }
    const kind = templateId === 2 ? 'data' : 'options'
    for (const [id, stored] of domain.templates)
      if (stored.template.kind === kind) this.store.withdraw(domain, id)
  }

  /** Decodes sets that waited, each as of the message that brought it. */
  private replay(stored: StoredTemplate, waiting: readonly HeldSet[]): void {
    const { context } = this
    const { receivedMilliseconds, exportMilliseconds, sysUpTimeMilliseconds, datagram, set } = context
    const { statistics } = context.domain
    const optionsRecords = statistics.optionsRecords
    for (const held of waiting) {
      Object.assign(context, held.context)
      context.held = true
      const view = new DataView(held.octets.buffer, held.octets.byteOffset, held.octets.length)
      statistics.records += this.decodeSet(stored, view, held.setId, 0, held.octets.length)
    }
    // They were counted by the sequence number of the message that brought them.
    this.optionsRecordsBefore += statistics.optionsRecords - optionsRecords
    Object.assign(context, { receivedMilliseconds, exportMilliseconds, sysUpTimeMilliseconds, datagram, set })
    context.held = false
  }

  private dataSet(view: DataView, setId: number, from: number, end: number): number {
    const { context } = this
    const { domain } = context
    const stored = domain.templates.get(setId)
    if (stored === undefined) {
      if (!this.held.hold(context, setId, view, from, end))
        this.refuse('held-limit', domain, setId, end - from)
      return -1
    }
    stored.lastUsedMilliseconds = context.receivedMilliseconds
    const records = this.decodeSet(stored, view, setId, from, end)
    domain.statistics.records += records
    return records
  }

  /** Returns the number of records. */
  private decodeSet(
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
  private records(stored: StoredTemplate, view: DataView, from: number, end: number): void {
    const plan = this.store.planOf(stored)
    const stride = stored.template.recordLength
    const { observer } = this.sink
    const isSingle = observer !== undefined || plan.systemInitField >= 0 || plan.section !== undefined
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
    const { fields } = plan.template
    let at = from
    for (let left = total; left > 0; ) {
      const builder = this.sink.builder(stream)
      const count = Math.min(left, builder.capacity - builder.rows)
      const row = builder.begin(context.domain.identity, rows.shape, context.receivedMilliseconds, count)
      for (const step of rows.fieldSteps) {
        const offset = at + fields[step.field]!.offset
        step.kernel(context, builder, step.column, row, view, offset, step.length, stride, count)
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
      if (learnFromOptions(domain, template, view, fields)) {
        this.sink.exporterEvent(domain, 'sampling', domain.samplingInterval, context.receivedMilliseconds)
      }
      this.sink.observer?.options(context, template, view, fields, record)
      at = next
      record++
    }
    domain.statistics.optionsRecords += record
    return record
  }

  private placeFixedFields(template: Template, at: number): void {
    const { offsets, lengths } = this.fields
    for (const index of template.walk) {
      const field = template.fields[index]!
      offsets[index] = at + field.offset
      lengths[index] = field.length
    }
  }

  /** Finds the fields of a record with variable lengths. Returns the offset behind it, -1 when it runs past `end`. */
  private placeFields(template: Template, view: DataView, from: number, end: number): number {
    const { offsets, lengths } = this.fields
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

  private observeSequence(sequence: number, records: number, upTimeMilliseconds: number): void {
    const { domain, receivedMilliseconds } = this.context
    const { optionsRecords } = domain.statistics
    const inMessage = optionsRecords - this.optionsRecordsBefore
    const outcome = domain.sequence.observe(sequence, records, inMessage, upTimeMilliseconds)
    if (outcome.event !== 'none')
      this.sink.exporterEvent(domain, outcome.event, outcome.value, receivedMilliseconds)
  }

  private giveUp(sets: readonly HeldSet[]): void {
    for (const held of sets) {
      const { domain } = held
      Object.assign(this.context, held.context, { held: true, domain, protocol: domain.identity.protocol })
      this.refuse('template-unknown', held.domain, held.setId, held.octets.length)
    }
    this.context.held = false
  }

  private refuse(reason: UndecodedReason, domain: Domain | undefined, setId: number, octets: number): void {
    if (domain !== undefined) {
      const { undecoded } = domain.statistics
      undecoded.set(reason, (undecoded.get(reason) ?? 0) + 1)
    }
    this.sink.undecoded(reason, this.context, domain, setId, octets)
  }
}

const readIpfixDataTemplate = (view: DataView, offset: number, end: number) =>
  readIpfixTemplate(view, offset, end, 'data')
const readIpfixOptionsTemplate = (view: DataView, offset: number, end: number) =>
  readIpfixTemplate(view, offset, end, 'options')

const ICMP = 1
const ICMPV6 = 58

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

/** Where the zeros begin that fill the octets up to `end`. */
function endOfOctets(view: DataView, from: number, end: number): number {
  let at = end
  while (at > from && view.getUint8(at - 1) === 0) at--
  return at
}

function isZero(view: DataView, from: number, end: number): boolean {
  for (let at = from; at < end; at++) if (view.getUint8(at) !== 0) return false
  return true
}

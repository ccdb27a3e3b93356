/**
 * NetFlow v1, v5, v7, v9 and IPFIX datagrams into rows. Pure but for the state it is given: no socket, no clock, no
 * exception. What cannot be used is told to the sink with a reason from reasons.ts, and decoding goes on behind it.
 */
import type { Address } from '#core/records/address.js'
import { type Domain, MessageContext } from './context.js'
import { fixedFormats } from './fixed-formats.js'
import { type HeldSet, HeldSets, MAX_HELD_MILLISECONDS } from './held-sets.js'
import { endOfOctets, isZero } from './octets.js'
import type { UndecodedReason } from './reasons.js'
import { RecordDecoder } from './records.js'
import type { DecoderSink } from './sink.js'
import {
  readIpfixTemplate,
  readV9OptionsTemplate,
  readV9Template,
  type Template,
  type TemplateResult,
} from './template.js'
import { type Exporter, type StoredTemplate, TemplateStore } from './template-store.js'

export type { DecoderSink, RecordObserver } from './sink.js'

export type DecoderOptions = {
  readonly sink: DecoderSink
  readonly store?: TemplateStore
  /** Sets that wait; decoders of one thread may share them. */
  readonly held?: HeldSets
}

/** Headers tell whole seconds, and a datagram may be under way for some time. */
const SKEW_GRAIN_MILLISECONDS = 3000

const UDP = 0
const V9 = 9
const IPFIX = 10
const V9_HEADER = 20
const IPFIX_HEADER = 16
const SET_HEADER = 4
/** A record of no field octets still counts as one octet, so this bounds the records of a datagram. */
const SMALLEST_DATA_SET_ID = 256

export class NetflowDecoder {
  readonly store: TemplateStore
  readonly held: HeldSets
  private readonly sink: DecoderSink
  private readonly context = new MessageContext()
  private readonly records: RecordDecoder
  private lastExpiryMilliseconds = 0
  /** Options records of the domain before the message in hand. */
  private optionsRecordsBefore = 0

  constructor(options: DecoderOptions) {
    this.sink = options.sink
    this.store = options.store ?? new TemplateStore()
    this.held = options.held ?? new HeldSets()
    this.records = new RecordDecoder(this.context, this.sink, this.store, this.refuse.bind(this))
  }

  /** Work done since the start, in steps that each cost about the same: sets, template fields, fields of records. */
  get steps(): number {
    return this.records.steps
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
    const exporter = this.store.exporter(source, listenerPort, transport)
    this.message(view, length, exporter, receivedMilliseconds, datagram)
  }

  /** Decodes one message of an exporter or, over TCP and TLS, of a transport session; undefined: too many are known. */
  message(
    view: DataView,
    length: number,
    exporter: Exporter | undefined,
    receivedMilliseconds: number,
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
    const domain =
      exporter === undefined ? undefined : this.store.domain(exporter, version, domainIdOf(view, version))
    if (exporter === undefined || domain === undefined) {
      this.refuse('exporter-limit', undefined, 0, length)
      return
    }
    context.domain = domain
    this.seen(domain, length)
    if (version === V9) this.v9(view, length)
    else if (version === IPFIX) this.ipfix(view, length, exporter)
    else this.fixed(view, length, version)
    if (receivedMilliseconds - this.lastExpiryMilliseconds > 60_000) {
      this.lastExpiryMilliseconds = receivedMilliseconds
      this.giveUp(this.held.expire(receivedMilliseconds - MAX_HELD_MILLISECONDS))
    }
  }

  /** A transport session has ended: its templates go with it (RFC 7011 §8), and what waited for one. */
  endSession(exporter: Exporter): void {
    for (const domain of exporter.domains.values()) this.giveUp(this.held.drop(domain))
    this.store.drop(exporter)
  }

  /** Tells the sink of all sets whose template never came; at the end of a file. */
  finish(): void {
    this.giveUp(this.held.expire(Number.POSITIVE_INFINITY))
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
    this.records.records(stored, view, headerLength, headerLength + records * recordLength)
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
  private ipfix(view: DataView, length: number, exporter: Exporter): void {
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
      this.records.steps++
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
      this.records.steps += 1 + ((result.next - at) >> 2)
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
    const known = domain.templates.get(template.id)
    const { stored, changed } = this.store.learn(domain, template, context.receivedMilliseconds)
    if (this.store.evictions > evictions) this.refuse('template-limit', domain, template.id, 0)
    sink.observer?.template(context, template)
    if (!changed) return
    if (known !== undefined && isReliable(domain)) this.refuse('template-redefined', domain, template.id, 0)
    sink.templateLearnt(domain, stored)
    const waiting = this.held.take(domain, template.id)
    if (waiting.length > 0) this.replay(stored, waiting)
  }

  private withdraw(templateId: number, setId: number): void {
    const { domain } = this.context
    if (!isReliable(domain)) {
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
      statistics.records += this.records.decodeSet(stored, view, held.setId, 0, held.octets.length)
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
    const records = this.records.decodeSet(stored, view, setId, from, end)
    domain.statistics.records += records
    return records
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

/** TCP and TLS, where withdrawals are obeyed: over UDP they are ignored, since order is not kept (RFC 7011 §8.4). */
function isReliable({ identity }: Domain): boolean {
  return identity.transport !== UDP
}

/** v5: engine_type and engine_id name the part of the device that counted. v9: source id. IPFIX: observation domain. */
function domainIdOf(view: DataView, version: number): number {
  if (version === V9) return view.getUint32(16)
  if (version === IPFIX) return view.getUint32(12)
  return version === 5 ? view.getUint16(20) : 0
}

const readIpfixDataTemplate = (view: DataView, offset: number, end: number) =>
  readIpfixTemplate(view, offset, end, 'data')
const readIpfixOptionsTemplate = (view: DataView, offset: number, end: number) =>
  readIpfixTemplate(view, offset, end, 'options')

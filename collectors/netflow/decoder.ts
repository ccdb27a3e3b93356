/**
 * NetFlow v1, v5, v7, v9 and IPFIX datagrams into rows. Pure but for the state it is given: no socket, no clock, no
 * exception. What cannot be used is told to the sink with a reason from reasons.ts, and decoding goes on behind it.
 */
import type { Address } from '#core/records/address.js'
import { type Domain, MessageContext } from './context.js'
import { fixedFormats } from './fixed-formats.js'
import { HeldSets } from './held-sets.js'
import type { UndecodedReason } from './reasons.js'
import { SetDecoder } from './sets.js'
import type { DecoderSink } from './sink.js'
import type { Template } from './template.js'
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

const V9 = 9
const IPFIX = 10
const V9_HEADER = 20
const IPFIX_HEADER = 16

export class NetflowDecoder {
  readonly store: TemplateStore
  readonly held: HeldSets
  private readonly sink: DecoderSink
  private readonly context = new MessageContext()
  private readonly sets: SetDecoder
  private lastExpiryMilliseconds = 0
  /** Options records of the domain before the message in hand. */
  private optionsRecordsBefore = 0

  constructor(options: DecoderOptions) {
    this.sink = options.sink
    this.store = options.store ?? new TemplateStore()
    this.held = options.held ?? new HeldSets()
    this.sets = new SetDecoder(this.context, this.sink, this.store, this.held, this.refuse.bind(this))
  }

  /** Work done since the start, in steps that each cost about the same: sets, template fields, fields of records. */
  get steps(): number {
    return this.sets.records.steps
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
    const exporter = this.store.exporter(source, listenerPort, transport, receivedMilliseconds)
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
      this.sets.expire(receivedMilliseconds)
    }
  }

  /** A transport session has ended: its templates go with it (RFC 7011 §8), and what waited for one. */
  endSession(exporter: Exporter): void {
    for (const domain of exporter.domains.values()) this.sets.giveUp(this.held.drop(domain))
    this.store.drop(exporter)
  }

  /** Tells the sink of all sets whose template never came; at the end of a file. */
  finish(): void {
    this.sets.giveUp(this.held.expire(Number.POSITIVE_INFINITY))
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
    this.sets.records.records(stored, view, headerLength, headerLength + records * recordLength)
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
    const records = this.sets.walk(view, V9_HEADER, length)
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
      const records = this.sets.walk(view, at + IPFIX_HEADER, end, limit)
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
    this.sets.replayedOptionsRecords = 0
    if (context.receivedMilliseconds === 0) return
    const skew = exportMilliseconds - context.receivedMilliseconds
    statistics.clockSkewMilliseconds = skew
    if (Math.abs(skew - statistics.reportedSkewMilliseconds) <= SKEW_GRAIN_MILLISECONDS) return
    statistics.reportedSkewMilliseconds = skew
    this.sink.exporterEvent(context.domain, 'clockSkew', skew, context.receivedMilliseconds)
  }

  private observeSequence(sequence: number, records: number, upTimeMilliseconds: number): void {
    const { domain, receivedMilliseconds } = this.context
    const { optionsRecords } = domain.statistics
    const inMessage = optionsRecords - this.optionsRecordsBefore - this.sets.replayedOptionsRecords
    const outcome = domain.sequence.observe(sequence, records, inMessage, upTimeMilliseconds)
    if (outcome.event !== 'none')
      this.sink.exporterEvent(domain, outcome.event, outcome.value, receivedMilliseconds)
  }

  private refuse(reason: UndecodedReason, domain: Domain | undefined, setId: number, octets: number): void {
    if (domain !== undefined) {
      const { undecoded } = domain.statistics
      undecoded.set(reason, (undecoded.get(reason) ?? 0) + 1)
    }
    this.sink.undecoded(reason, this.context, domain, setId, octets)
  }
}

/** v5: engine_type and engine_id name the part of the device that counted. v9: source id. IPFIX: observation domain. */
function domainIdOf(view: DataView, version: number): number {
  if (version === V9) return view.getUint32(16)
  if (version === IPFIX) return view.getUint32(12)
  return version === 5 ? view.getUint16(20) : 0
}

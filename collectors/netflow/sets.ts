/**
 * The sets of a message: templates are learnt and withdrawn, data sets decoded or, while their template is not known,
 * held. RFC 3954 §5, RFC 7011 §3.3.
 */
import type { Domain, MessageContext } from './context.js'
import { type HeldSet, type HeldSets, MAX_HELD_MILLISECONDS } from './held-sets.js'
import { endOfOctets, isZero } from './octets.js'
import { RecordDecoder, type Refuse } from './records.js'
import type { DecoderSink } from './sink.js'
import {
  readIpfixTemplate,
  readV9OptionsTemplate,
  readV9Template,
  type Template,
  type TemplateResult,
} from './template.js'
import type { StoredTemplate, TemplateStore } from './template-store.js'

const UDP = 0
const V9 = 9
const SET_HEADER = 4
/** A record of no field octets still counts as one octet, so this bounds the records of a datagram. */
const SMALLEST_DATA_SET_ID = 256

export class SetDecoder {
  readonly records: RecordDecoder
  /** Options records that were replayed for a message: the messages that brought them have counted them. */
  replayedOptionsRecords = 0
  private readonly context: MessageContext
  private readonly sink: DecoderSink
  private readonly store: TemplateStore
  private readonly held: HeldSets
  private readonly refuse: Refuse

  constructor(
    context: MessageContext,
    sink: DecoderSink,
    store: TemplateStore,
    held: HeldSets,
    refuse: Refuse,
  ) {
    this.context = context
    this.sink = sink
    this.store = store
    this.held = held
    this.refuse = refuse
    this.records = new RecordDecoder(context, sink, store, refuse)
  }

  /**
   * The sets of a message that ends at `end`; its last set may reach to `limit`. Returns the message's data records, -1
   * when a set could not be counted.
   */
  walk(view: DataView, from: number, end: number, limit = end): number {
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
    if (known !== undefined && isReliable(domain)) {
      this.refuse(changed ? 'template-redefined' : 'template-repeated', domain, template.id, 0)
    }
    if (!changed) return
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
      if (domain.templates.has(templateId)) this.store.withdraw(domain, templateId)
      else this.refuse('template-withdrawal-unknown', domain, setId, 4)
      return
    }
    const kind = allOfKind.get(templateId)
    if (kind === undefined) {
      this.refuse('template-id-reserved', domain, setId, 4)
      return
    }
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
    this.replayedOptionsRecords += statistics.optionsRecords - optionsRecords
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

  /** Gives up on sets that have waited too long at a time. */
  expire(nowMilliseconds: number): void {
    this.giveUp(this.held.expire(nowMilliseconds - MAX_HELD_MILLISECONDS))
  }

  /** Tells the sink of sets whose template never came. */
  giveUp(sets: readonly HeldSet[]): void {
    for (const held of sets) {
      const { domain } = held
      Object.assign(this.context, held.context, { held: true, domain, protocol: domain.identity.protocol })
      this.refuse('template-unknown', held.domain, held.setId, held.octets.length)
    }
    this.context.held = false
  }
}

/** Ids that stand for all templates, or all options templates, in a withdrawal. RFC 7011 §8.1. */
const allOfKind: ReadonlyMap<number, Template['kind']> = new Map([
  [2, 'data'],
  [3, 'options'],
])

/** TCP and TLS, where withdrawals are obeyed: over UDP they are ignored, since order is not kept (RFC 7011 §8.4). */
function isReliable({ identity }: Domain): boolean {
  return identity.transport !== UDP
}

const readIpfixDataTemplate = (view: DataView, offset: number, end: number) =>
  readIpfixTemplate(view, offset, end, 'data')
const readIpfixOptionsTemplate = (view: DataView, offset: number, end: number) =>
  readIpfixTemplate(view, offset, end, 'options')

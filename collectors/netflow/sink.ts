/** What the decoder gives its results to: the store's builders on the receive path, lines on the command line. */
import type { BlockBuilder } from '#core/blocks/builder.js'
import type { ExporterEventName } from '#core/records/columns.js'
import type { Domain, MessageContext } from './context.js'
import type { RecordFields } from './options.js'
import type { UndecodedReason } from './reasons.js'
import type { Template } from './template.js'
import type { StoredTemplate } from './template-store.js'

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
  /** Options data taught something new of a domain: names, sampling, the device's start. */
  optionsLearnt?(domain: Domain): void
  readonly observer?: RecordObserver
}

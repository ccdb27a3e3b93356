/**
 * What a record needs to know of its message and of its exporter: clocks, sampling, and what options data taught.
 * One MessageContext is reused for every datagram.
 */
import type { ExporterIdentity } from '#core/records/exporter.js'
import type { SequenceTracker } from './sequence.js'
import type { StoredTemplate } from './template-store.js'

/** An application as options data name it (RFC 6759 §6.4). */
export type Application = { readonly id: string; readonly name: string }

/** An observation domain of one exporter and protocol: templates and what options data taught (decision 8). */
export type Domain = {
  readonly identity: ExporterIdentity
  readonly templates: Map<number, StoredTemplate>
  /** samplerId (IE 48) or selectorId (IE 302) → one packet of so many. */
  readonly samplers: Map<number, number>
  /** The interval that options data give for the whole domain; 0 when they give none. */
  samplingInterval: number
  /** The interval of the latest v5 header; 0 when it has none. */
  headerSamplingInterval: number
  /** The interval that our configuration gives, which wins over all else; 0 when it gives none. */
  configuredSamplingInterval: number
  /** applicationId octets as a number → its name. */
  readonly applications: Map<number, Application>
  /** ifIndex → name, from options data. */
  readonly interfaces: Map<number, string>
  /** systemInitTimeMilliseconds (IE 160) of the last options record; NaN before one came. */
  systemInitMilliseconds: number
  readonly sequence: SequenceTracker
  readonly statistics: DomainStatistics
}

/** Counts of one domain; the API shows them. */
export type DomainStatistics = {
  datagrams: number
  octets: number
  records: number
  optionsRecords: number
  firstSeenMilliseconds: number
  lastSeenMilliseconds: number
  /** Device clock minus ours at the latest datagram; NaN before one came. */
  clockSkewMilliseconds: number
  /** The skew that was last told as an exporter event. */
  reportedSkewMilliseconds: number
  readonly undecoded: Map<string, number>
}

export class MessageContext {
  domain!: Domain
  /** 1, 5, 7, 9 or 10. */
  protocol = 0
  receivedMilliseconds = 0
  /** The device's clock when it exported. */
  exportMilliseconds = 0
  /** Milliseconds since the device booted, when it exported. */
  sysUpTimeMilliseconds = 0
  /** IE 160 of the record in hand, else of the domain's options data; NaN when unknown. */
  systemInitMilliseconds = Number.NaN
  held = false
  datagram = 0
  set = 0
}

/** What must be kept of a message's context with a data set that waits for its template. */
export type KeptContext = {
  readonly receivedMilliseconds: number
  readonly exportMilliseconds: number
  readonly sysUpTimeMilliseconds: number
  readonly datagram: number
  readonly set: number
}

/**
 * What a record needs to know of its message and of its exporter: clocks, sampling, and what options data taught.
 * One MessageContext is reused for every datagram.
 */
import type { ExporterIdentity } from '#core/records/exporter.js'
import type { ElementNames, InformationElement } from './elements.js'
import type { SequenceTracker } from './sequence.js'
import type { StoredTemplate } from './template-store.js'

/** A name that options data gave, and when. */
export type LearntName = { readonly name: string; readonly learntMilliseconds: number }
/** An application as options data name it (RFC 6759 §6.4); `id` is IE 95 in hex. */
export type Application = LearntName & { readonly id: string }
/** One packet of `interval`, as options data gave it. */
export type Sampler = { readonly interval: number; readonly learntMilliseconds: number }

/** An observation domain of one exporter and protocol: templates and what options data taught (decision 8). */
export type Domain = {
  readonly identity: ExporterIdentity
  readonly templates: Map<number, StoredTemplate>
  /** samplerId (IE 48) or selectorId (IE 302) → one packet of so many. */
  readonly samplers: Map<number, Sampler>
  /** ifIndex → one packet of so many, where options data say it of an interface. */
  readonly interfaceSampling: Map<number, Sampler>
  /** The interval that options data give for the whole domain; 0 when they give none. */
  samplingInterval: number
  samplingLearntMilliseconds: number
  /** The interval of the latest v5 header; 0 when it has none. */
  headerSamplingInterval: number
  /** The interval that our configuration gives, which wins over all else; 0 when it gives none. */
  configuredSamplingInterval: number
  /** By `applicationKey` of IE 95. */
  readonly applications: Map<number | string, Application>
  /** ifIndex → name, from options data. */
  readonly interfaces: Map<number, LearntName>
  /** VRF id (IE 234, 235) → name (IE 236), from options data. */
  readonly vrfs: Map<number, LearntName>
  /** systemInitTimeMilliseconds (IE 160) of the last options record; NaN before one came. */
  systemInitMilliseconds: number
  systemInitLearntMilliseconds: number
  /** Counts what options data changed, so that it is written when there is something new. */
  optionsRevision: number
  /** Enterprise elements that our configuration names, by `pen/id`. */
  readonly definedElements: ElementNames
  /** Enterprise elements that the device described itself (RFC 5610), by `pen/id`. */
  readonly learntElements: Map<string, InformationElement>
  readonly reported: ReportedIdentity
  /** What all domains of the store may still keep of names; shared. */
  readonly nameBudget: NameBudget
  readonly sequence: SequenceTracker
  readonly statistics: DomainStatistics
}

export type NameBudget = { left: number }

/** Who the exporter says that it is, behind NAT and relays, where its own address is not the one we see. */
export type ReportedIdentity = {
  /** IE 130 and 131. */
  readonly exporterAddresses: Set<string>
  /** IE 403 and 404: whose records a mediator passes on (RFC 7119 §5). */
  readonly originalExporterAddresses: Set<string>
  /** IE 405. */
  readonly originalObservationDomains: Set<number>
  /** IE 300; empty before one came. */
  observationDomainName: string
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
  /** Strings that were no UTF-8, of those that were read. */
  illFormedStrings: number
  /** Times beyond the year 9999, of those that were read. */
  impossibleTimes: number
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

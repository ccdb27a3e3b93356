/**
 * The headers of sFlow version 5 samples ("sFlow Version 5", July 2004, section 5; discarded packets: "sFlow Dropped
 * Packet Notification Structures", 2020). All are XDR: 32-bit words in network order.
 */

/** Enterprise 0. A format number is the enterprise in the high 20 bits and the format in the low 12. */
export const SampleFormat = {
  flow: 1,
  counters: 2,
  flowExpanded: 3,
  countersExpanded: 4,
  discardedPacket: 5,
} as const

/** Records of flow samples that rows are made of. Enterprise 0. */
export const RecordFormat = {
  sampledHeader: 1,
  sampledEthernet: 2,
  sampledIpv4: 3,
  sampledIpv6: 4,
  extendedSwitch: 1001,
  extendedUser: 1004,
  extendedNat: 1007,
  extendedNatPort: 1020,
  extendedVlanIn: 1034,
  extendedSocketIpv4: 2100,
  extendedSocketIpv6: 2101,
  httpRequest: 2206,
} as const

/** Records of counter samples that are kept. Enterprise 0. */
export const CounterFormat = { generic: 1 } as const

/** Format of an interface: what the 30 bits of its value are. */
export const InterfaceFormat = { single: 0, discarded: 1, multiple: 2 } as const

/** The header of the sample in hand; one object is used again for every sample. */
export class SflowSample {
  /** A SampleFormat, or another number that is not known. */
  format = 0
  /** Octets of the whole sample: the header's and the records'. */
  from = 0
  end = 0
  sequenceNumber = 0
  /** Data source: 0 ifIndex, 1 smonVlanDataSource, 2 entPhysicalEntry, and its number. */
  sourceType = 0
  sourceIndex = 0
  samplingRate = 0
  samplePool = 0
  drops = 0
  inputFormat = 0
  inputValue = 0
  outputFormat = 0
  outputValue = 0
  reason = 0
  recordCount = 0
  recordsFrom = 0

  get isExpanded(): boolean {
    return this.format === SampleFormat.flowExpanded || this.format === SampleFormat.countersExpanded
  }

  get isCounters(): boolean {
    return this.format === SampleFormat.counters || this.format === SampleFormat.countersExpanded
  }

  get isFlow(): boolean {
    return this.format === SampleFormat.flow || this.format === SampleFormat.flowExpanded
  }

  /** Takes the header of a sample of a known format; false when it does not fit. */
  read(view: DataView, format: number, from: number, end: number): boolean {
    this.format = format
    this.from = from
    this.end = end
    if (end - from < headerOctets[format]!) return false
    this.recordsFrom = from + headerOctets[format]!
    switch (format) {
      case SampleFormat.flow:
        this.readFlow(view, from)
        break
      case SampleFormat.flowExpanded:
        this.readFlowExpanded(view, from)
        break
      case SampleFormat.discardedPacket:
        this.readDiscarded(view, from)
        break
      default:
        this.readCounters(view, from)
    }
    return true
  }

  private readFlow(view: DataView, at: number): void {
    this.sequenceNumber = view.getUint32(at)
    this.readSource(view.getUint32(at + 4))
    this.samplingRate = view.getUint32(at + 8)
    this.samplePool = view.getUint32(at + 12)
    this.drops = view.getUint32(at + 16)
    const input = view.getUint32(at + 20)
    this.inputFormat = input >>> INTERFACE_FORMAT_BIT
    this.inputValue = input & INTERFACE_VALUE_MASK
    const output = view.getUint32(at + 24)
    this.outputFormat = output >>> INTERFACE_FORMAT_BIT
    this.outputValue = output & INTERFACE_VALUE_MASK
    this.recordCount = view.getUint32(at + 28)
  }

  private readFlowExpanded(view: DataView, at: number): void {
    this.sequenceNumber = view.getUint32(at)
    this.sourceType = view.getUint32(at + 4)
    this.sourceIndex = view.getUint32(at + 8)
    this.samplingRate = view.getUint32(at + 12)
    this.samplePool = view.getUint32(at + 16)
    this.drops = view.getUint32(at + 20)
    this.inputFormat = view.getUint32(at + 24)
    this.inputValue = view.getUint32(at + 28)
    this.outputFormat = view.getUint32(at + 32)
    this.outputValue = view.getUint32(at + 36)
    this.recordCount = view.getUint32(at + 40)
  }

  private readCounters(view: DataView, at: number): void {
    this.sequenceNumber = view.getUint32(at)
    if (this.format === SampleFormat.countersExpanded) {
      this.sourceType = view.getUint32(at + 4)
      this.sourceIndex = view.getUint32(at + 8)
      this.recordCount = view.getUint32(at + 12)
      return
    }
    this.readSource(view.getUint32(at + 4))
    this.recordCount = view.getUint32(at + 8)
  }

  private readDiscarded(view: DataView, at: number): void {
    this.sequenceNumber = view.getUint32(at)
    this.sourceType = view.getUint32(at + 4)
    this.sourceIndex = view.getUint32(at + 8)
    this.drops = view.getUint32(at + 12)
    this.inputFormat = InterfaceFormat.single
    this.inputValue = view.getUint32(at + 16)
    this.outputFormat = InterfaceFormat.single
    this.outputValue = view.getUint32(at + 20)
    this.reason = view.getUint32(at + 24)
    this.recordCount = view.getUint32(at + 28)
  }

  private readSource(source: number): void {
    this.sourceType = source >>> SOURCE_TYPE_BIT
    this.sourceIndex = source & SOURCE_INDEX_MASK
  }
}

const INTERFACE_FORMAT_BIT = 30
const INTERFACE_VALUE_MASK = 0x3fffffff
const SOURCE_TYPE_BIT = 24
const SOURCE_INDEX_MASK = 0x00ffffff

const headerOctets: Readonly<Record<number, number>> = {
  [SampleFormat.flow]: 32,
  [SampleFormat.counters]: 12,
  [SampleFormat.flowExpanded]: 44,
  [SampleFormat.countersExpanded]: 16,
  [SampleFormat.discardedPacket]: 32,
}

/** Whether samples of this format are understood. */
export function isKnownSample(format: number): boolean {
  return headerOctets[format] !== undefined
}

/**
 * An interface as IE 10 and 14 have it: the ifIndex. 0x3fffffff, "no interface: the device itself", stays as sent.
 * Discarded packets (the value is a reason) and those that left by several (it is their number) have 0, none.
 */
export function interfaceIndex(format: number, value: number): number {
  return format === InterfaceFormat.single ? value : 0
}

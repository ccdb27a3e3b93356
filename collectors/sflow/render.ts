/** sFlow samples as the JSON objects of `culvert decode`: the structures of the specification under their own names. */
import { type Address, formatAddress, formatIPv4, formatIPv6 } from '#core/records/address.js'
import { InterfaceFormat, SampleFormat, type SflowSample } from './samples.js'
import { counterStructures, type FieldType, flowStructures } from './structures.js'

type Value = number | string | null | readonly Value[] | { readonly [name: string]: Value }

const ITEM_HEADER = 8
/** Records of a sample that are shown: it takes hundreds of octets of JSON to show eight. */
const MAX_SHOWN_RECORDS = 256

/** The sample's own fields, then each of its records: name → fields, an array where a structure comes twice. */
export function renderSample(view: DataView, sample: SflowSample): Record<string, unknown> {
  const { end, recordCount } = sample
  const elements: Record<string, Value | Value[]> = { [nameOf(sample)]: header(sample) }
  const structures =
    sample.isFlow || sample.format === SampleFormat.discardedPacket ? flowStructures : counterStructures
  const shown = Math.min(recordCount, MAX_SHOWN_RECORDS)
  let at = sample.recordsFrom
  for (let record = 0; record < shown && end - at >= ITEM_HEADER; record++) {
    const format = view.getUint32(at)
    const octets = view.getUint32(at + 4)
    at += ITEM_HEADER
    if (octets > end - at) break
    const structure = structures.get(format)
    const fields = structure === undefined ? undefined : readFields(structure.fields, view, at, at + octets)
    const known = structure !== undefined && fields !== undefined
    const name = known ? structure.name : `${format >>> 12}/${format & 0xfff}`
    add(elements, name, known ? fields : hex(view, at, octets))
    at += octets + ((4 - (octets & 3)) & 3)
  }
  return elements
}

function add(elements: Record<string, Value | Value[]>, name: string, value: Value): void {
  const present = elements[name]
  if (present === undefined) elements[name] = value
  else if (Array.isArray(present)) present.push(value)
  else elements[name] = [present, value]
}

function nameOf({ format }: SflowSample): string {
  switch (format) {
    case SampleFormat.flow:
      return 'flow_sample'
    case SampleFormat.flowExpanded:
      return 'flow_sample_expanded'
    case SampleFormat.counters:
      return 'counters_sample'
    case SampleFormat.countersExpanded:
      return 'counters_sample_expanded'
    default:
      return 'discarded_packet'
  }
}

function header(sample: SflowSample): Value {
  const { sequenceNumber, sourceType, sourceIndex, drops } = sample
  const common = { sequence_number: sequenceNumber, source_id: { type: sourceType, index: sourceIndex } }
  if (sample.isFlow) {
    return {
      ...common,
      sampling_rate: sample.samplingRate,
      sample_pool: sample.samplePool,
      drops,
      input: interfaceOf(sample.inputFormat, sample.inputValue),
      output: interfaceOf(sample.outputFormat, sample.outputValue),
    }
  }
  if (sample.format !== SampleFormat.discardedPacket) return common
  return {
    ...common,
    drops,
    inputifindex: sample.inputValue,
    outputifindex: sample.outputValue,
    reason: sample.reason,
  }
}

function interfaceOf(format: number, value: number): Value {
  if (format === InterfaceFormat.single) return { format, ifIndex: value }
  if (format === InterfaceFormat.discarded) return { format, reason: value }
  return format === InterfaceFormat.multiple ? { format, interfaces: value } : { format, value }
}

/** The fields of a structure; undefined when it ends before its last. */
function readFields(
  fields: readonly (readonly [string, FieldType])[],
  view: DataView,
  from: number,
  end: number,
): Record<string, Value> | undefined {
  const reader = new XdrReader(view, from, end)
  const values: Record<string, Value> = {}
  for (const [name, type] of fields) {
    values[name] = readField(reader, type)
    if (reader.overran) return undefined
  }
  return values
}

function readField(reader: XdrReader, type: FieldType): Value {
  switch (type) {
    case 'u32':
      return reader.u32()
    case 'u64': {
      const value = reader.u64()
      return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
    }
    case 'ipv4':
      return formatIPv4(reader.u32())
    case 'ipv6':
      return formatIPv6(reader.u32(), reader.u32(), reader.u32(), reader.u32())
    case 'address': {
      const family = reader.u32()
      if (family === 1) return formatIPv4(reader.u32())
      if (family === 2) return formatIPv6(reader.u32(), reader.u32(), reader.u32(), reader.u32())
      return null
    }
    case 'mac': {
      const octets = reader.opaque(6)
      return octets.toString('hex').replace(/(..)(?!$)/g, '$1:')
    }
    case 'text':
      return reader.opaque(reader.u32()).toString('utf8')
    case 'opaque':
      return reader.opaque(reader.u32()).toString('hex')
    case 'list':
      return reader.list()
    case 'path':
      return reader.path()
  }
}

/** Reads XDR. Past the end it gives zeros and says so, once for a whole structure. */
class XdrReader {
  overran = false
  private readonly view: DataView
  private at: number
  private readonly end: number

  constructor(view: DataView, from: number, end: number) {
    this.view = view
    this.at = from
    this.end = end
  }

  u32(): number {
    if (!this.take(4)) return 0
    return this.view.getUint32(this.at - 4)
  }

  u64(): bigint {
    if (!this.take(8)) return 0n
    return this.view.getBigUint64(this.at - 8)
  }

  opaque(octets: number): Buffer {
    const from = this.at
    if (!this.take(octets)) return Buffer.alloc(0)
    this.at = Math.min(this.end, this.at + ((4 - (octets & 3)) & 3))
    return Buffer.from(this.view.buffer, this.view.byteOffset + from, octets)
  }

  list(): number[] {
    const count = this.u32()
    if (count * 4 > this.end - this.at) this.overran = true
    return this.overran ? [] : Array.from({ length: count }, () => this.u32())
  }

  path(): { type: number; as_number: number[] }[] {
    const count = this.u32()
    if (count * 8 > this.end - this.at) this.overran = true
    const segments = []
    for (let segment = 0; segment < count && !this.overran; segment++) {
      segments.push({ type: this.u32(), as_number: this.list() })
    }
    return segments
  }

  private take(octets: number): boolean {
    if (octets > this.end - this.at) this.overran = true
    else this.at += octets
    return !this.overran
  }
}

/** The agent's address as text; undefined where the datagram says "unknown". */
export function agentText(address: Address | undefined): string | undefined {
  return address === undefined ? undefined : formatAddress(address)
}

function hex(view: DataView, offset: number, octets: number): string {
  return Buffer.from(view.buffer, view.byteOffset + offset, octets).toString('hex')
}

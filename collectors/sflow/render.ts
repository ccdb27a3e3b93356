/** sFlow samples as the JSON objects of `culvert decode`: the structures of the specification under their own names. */
import { type Address, formatAddress, formatIPv4, formatIPv6 } from '#core/records/address.js'
import { counterStructures } from './counter-structures.js'
import { flowStructures } from './flow-structures.js'
import { InterfaceFormat, SampleFormat, type SflowSample } from './samples.js'
import type { Field, FieldType, Structure } from './structure.js'
import { XdrReader } from './xdr.js'

type Value = number | string | null | readonly Value[] | { readonly [name: string]: Value }

type Elements = Record<string, Value | Value[]>

const ITEM_HEADER = 8
/** extended_80211_aggregation. */
const AGGREGATION = 1016
/** Records of a sample that are shown: it takes hundreds of octets of JSON to show eight. */
const MAX_SHOWN_RECORDS = 256

/** The sample's own fields, then each of its records: name → fields, an array where a structure comes twice. */
export function renderSample(view: DataView, sample: SflowSample): Record<string, unknown> {
  const { end, recordCount } = sample
  const elements: Elements = { [nameOf(sample)]: header(sample) }
  const structures =
    sample.isFlow || sample.format === SampleFormat.discardedPacket ? flowStructures : counterStructures
  const shown = Math.min(recordCount, MAX_SHOWN_RECORDS)
  let at = sample.recordsFrom
  for (let record = 0; record < shown && end - at >= ITEM_HEADER; record++) {
    const format = view.getUint32(at)
    const octets = view.getUint32(at + 4)
    at += ITEM_HEADER
    if (octets > end - at) break
    addRecord(elements, structures.get(format), format, view, at, octets)
    at += octets + ((4 - (octets & 3)) & 3)
  }
  return elements
}

/** Adds a record by its structure; one that has none, or is shorter than it, as "enterprise/format" in hex. */
function addRecord(
  elements: Elements,
  structure: Structure | undefined,
  format: number,
  view: DataView,
  at: number,
  octets: number,
): void {
  const fields = structure && readStructure(structure, new XdrReader(view, at, at + octets))
  const name = structure !== undefined && fields !== undefined ? structure.name : numberOf(format)
  add(elements, name, fields ?? hex(view, at, octets))
}

function numberOf(format: number): string {
  return `${format >>> 12}/${format & 0xfff}`
}

function add(elements: Elements, name: string, value: Value): void {
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

/** The fields of a structure; undefined when it ends before the last that every agent sends. */
function readStructure(
  { fields, required }: Structure,
  reader: XdrReader,
): Record<string, Value> | undefined {
  const values: Record<string, Value> = {}
  for (const [index, field] of fields.entries()) {
    if (index >= required && reader.left === 0) break
    const value = readField(reader, field)
    if (reader.overran) return undefined
    values[field.name] = value
  }
  return values
}

function readField(reader: XdrReader, field: Field): Value {
  if ('type' in field) return readValue(reader, field.type)
  const { each } = field
  const [only] = each
  const items: Value[] = []
  for (let left = reader.count(4); left > 0 && !reader.overran; left--) {
    if (each.length === 1 && only !== undefined) items.push(readField(reader, only))
    else items.push(Object.fromEntries(each.map((one) => [one.name, readField(reader, one)])))
  }
  return items
}

function readValue(reader: XdrReader, type: FieldType): Value {
  switch (type) {
    case 'u32':
      return reader.u32()
    case 'i32':
      return reader.i32()
    case 'u64': {
      const value = reader.u64()
      return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
    }
    case 'f32': {
      const value = reader.f32()
      return Number.isFinite(value) ? Number(value.toPrecision(7)) : null
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
    case 'mac':
      return reader
        .opaque(6)
        .toString('hex')
        .replace(/(..)(?!$)/g, '$1:')
    case 'octets16':
      return reader.opaque(16).toString('hex')
    case 'text':
      return reader.opaque(reader.u32()).toString('utf8')
    case 'opaque':
      return reader.opaque(reader.u32()).toString('hex')
    case 'list':
      return Array.from({ length: reader.count(4) }, () => reader.u32())
    case 'path':
      return readPath(reader)
    case 'pdus':
      return readPdus(reader)
  }
}

function readPath(reader: XdrReader): Value {
  const segments: Value[] = []
  for (let left = reader.count(8); left > 0 && !reader.overran; left--) {
    const type = reader.u32()
    segments.push({ type, as_number: Array.from({ length: reader.count(4) }, () => reader.u32()) })
  }
  return segments
}

/** The frames of an aggregation (802.11n), each with flow records of its own. */
function readPdus(reader: XdrReader): Value {
  const pdus: Value[] = []
  for (let left = reader.count(4); left > 0 && !reader.overran; left--) {
    const elements: Elements = {}
    for (let records = reader.count(ITEM_HEADER); records > 0 && !reader.overran; records--) {
      const format = reader.u32()
      const octets = reader.u32()
      const from = reader.at
      reader.opaque(octets)
      if (reader.overran) break
      // An aggregation within one is not shown in depth: none is, and hostile ones could go on.
      const structure = format === AGGREGATION ? undefined : flowStructures.get(format)
      addRecord(elements, structure, format, reader.view, from, octets)
    }
    pdus.push(elements as { [name: string]: Value })
  }
  return pdus
}

/** The agent's address as text; undefined where the datagram says "unknown". */
export function agentText(address: Address | undefined): string | undefined {
  return address === undefined ? undefined : formatAddress(address)
}

function hex(view: DataView, offset: number, octets: number): string {
  return Buffer.from(view.buffer, view.byteOffset + offset, octets).toString('hex')
}

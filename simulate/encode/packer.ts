// What NetFlow v9 and IPFIX have in common: templates, records laid out by a template, sets filled until the
// datagram is full, and templates sent again by time and by number of datagrams.
// The two protocols differ in a dialect: set ids, template records and message header.
import { type FieldValue, putUint16, putValue, textOctets } from './bytes.js'

/** The field length that means "variable" in IPFIX (RFC 7011 §7). */
export const VARIABLE_LENGTH = 65_535

/** Field specifier: length in octets, 65535 for variable length (IPFIX). */
export interface TemplateField {
  readonly elementId: number
  readonly length: number
  /** Private enterprise number (IPFIX); 29305 marks a reverse element (RFC 5103). */
  readonly enterprise?: number
}

/** A template; with `scopeFieldCount` an options template whose first fields are its scope. */
export interface Template {
  readonly templateId: number
  readonly fields: readonly TemplateField[]
  readonly scopeFieldCount?: number
}

/** One data record: values in the order of its template's fields. */
export interface DataRecord {
  readonly templateId: number
  readonly values: readonly FieldValue[]
}

/** What both encoders are told. */
export interface TemplateEncoderOptions {
  readonly observationDomainId: number
  readonly templates: readonly Template[]
  /** Records sent after the templates at each refresh: sampling, application names, system start. */
  readonly optionsRecords?: () => readonly DataRecord[]
  /** Largest datagram in octets (UDP payload); a single larger record gets a datagram of its own. */
  readonly maximumOctets?: number
  readonly templateRefreshMilliseconds?: number
  readonly templateRefreshDatagrams?: number
  /** Sets are padded to 4 octets where that cannot be read as one more record. Default true. */
  readonly padding?: boolean
  /** Lengths of variable-length fields below 255: one octet, or three (RFC 7011 §7 allows both). */
  readonly variableLengthForm?: 'short' | 'long'
  readonly initialSequenceNumber?: number
}

/** The counts of a message on its way out. */
export interface MessageCounts {
  dataRecords: number
  templateRecords: number
}

/** What distinguishes the protocols. */
export interface Dialect {
  readonly headerOctets: number
  readonly templateSetId: number
  readonly optionsTemplateSetId: number
  templateRecord(template: Template): Uint8Array
  /** Writes the header of a finished message and advances the sequence number. */
  finish(message: Uint8Array, exportTimeMilliseconds: number, counts: MessageCounts): void
}

/** An encoder of records into datagrams. */
export interface TemplateEncoder {
  /** Encodes records as datagrams sent at this time; due templates come first, also without records. */
  encode(records: readonly DataRecord[], exportTimeMilliseconds: number): Uint8Array[]
  /** Sends templates again at the next call. */
  refreshTemplates(): void
}

const SET_HEADER_OCTETS = 4
const MAX_RECORD_OCTETS = 65_535

interface Plan {
  template: Template
  minimumOctets: number
}

function minimumOctets(template: Template): number {
  let octets = 0
  for (const { length } of template.fields) octets += length === VARIABLE_LENGTH ? 1 : length
  return octets
}

/** Creates the packer for a dialect. */
export function createPacker(dialect: Dialect, options: TemplateEncoderOptions): TemplateEncoder {
  const maximumOctets = options.maximumOctets ?? 1400
  const refreshMilliseconds = options.templateRefreshMilliseconds ?? 600_000
  const refreshDatagrams = options.templateRefreshDatagrams ?? 1000
  const padding = options.padding ?? true
  const longForm = options.variableLengthForm === 'long'
  const plans = new Map<number, Plan>()
  for (const template of options.templates) {
    plans.set(template.templateId, { template, minimumOctets: minimumOctets(template) })
  }
  const scratch = new Uint8Array(MAX_RECORD_OCTETS)
  let lastRefreshMilliseconds = Number.NEGATIVE_INFINITY
  let datagramsSinceRefresh = 0

  function writeRecord(template: Template, values: readonly FieldValue[]): number {
    let offset = 0
    for (let index = 0; index < template.fields.length; index += 1) {
      const { length } = template.fields[index]!
      const value = values[index]
      if (value === undefined)
        throw new RangeError(`template ${template.templateId}: no value for field ${index}`)
      if (length !== VARIABLE_LENGTH) {
        putValue(scratch, offset, length, value)
        offset += length
        continue
      }
      if (typeof value === 'number' || typeof value === 'bigint') {
        throw new TypeError(
          `template ${template.templateId}: field ${index} is of variable length and takes octets`,
        )
      }
      const octets = typeof value === 'string' ? textOctets(value) : value
      if (octets.length < 255 && !longForm) {
        scratch[offset] = octets.length
        offset += 1
      } else {
        scratch[offset] = 255
        putUint16(scratch, offset + 1, octets.length)
        offset += 3
      }
      scratch.set(octets, offset)
      offset += octets.length
    }
    return offset
  }

  return {
    refreshTemplates() {
      lastRefreshMilliseconds = Number.NEGATIVE_INFINITY
    },
    encode(records, exportTimeMilliseconds) {
      const datagrams: Uint8Array[] = []
      let limit = maximumOctets
      let message = new Uint8Array(limit)
      let offset = dialect.headerOctets
      let openSetId = 0
      let setOffset = 0
      let setMinimum = 0
      let counts: MessageCounts = { dataRecords: 0, templateRecords: 0 }

      function closeSet(): void {
        if (openSetId === 0 && setOffset === 0) return
        const octets = (4 - ((offset - setOffset) % 4)) % 4
        if (padding && octets < setMinimum && offset + octets <= message.length) {
          message.fill(0, offset, offset + octets)
          offset += octets
        }
        putUint16(message, setOffset, openSetId)
        putUint16(message, setOffset + 2, offset - setOffset)
        openSetId = 0
        setOffset = 0
      }

      function send(): void {
        closeSet()
        if (offset === dialect.headerOctets) return
        const datagram = message.slice(0, offset)
        dialect.finish(datagram, exportTimeMilliseconds, counts)
        datagrams.push(datagram)
        datagramsSinceRefresh += 1
        counts = { dataRecords: 0, templateRecords: 0 }
        offset = dialect.headerOctets
      }

      function add(setId: number, minimum: number, source: Uint8Array, octets: number): void {
        if (setId !== openSetId || setOffset === 0) closeSet()
        // 3 octets are kept free so that the padding always fits.
        const needed = (setOffset === 0 ? SET_HEADER_OCTETS : 0) + octets + 3
        if (offset + needed > limit) {
          send()
          limit = Math.max(maximumOctets, dialect.headerOctets + SET_HEADER_OCTETS + octets + 3)
          if (limit > message.length) message = new Uint8Array(limit)
        }
        if (setOffset === 0) {
          openSetId = setId
          setOffset = offset
          setMinimum = minimum
          offset += SET_HEADER_OCTETS
        }
        message.set(octets === source.length ? source : source.subarray(0, octets), offset)
        offset += octets
      }

      function addData(record: DataRecord): void {
        const plan = plans.get(record.templateId)
        if (plan === undefined) throw new RangeError(`no template ${record.templateId}`)
        add(record.templateId, plan.minimumOctets, scratch, writeRecord(plan.template, record.values))
        counts.dataRecords += 1
      }

      function refresh(): void {
        for (const { template } of plans.values()) {
          const isOptions = template.scopeFieldCount !== undefined
          const encoded = dialect.templateRecord(template)
          add(isOptions ? dialect.optionsTemplateSetId : dialect.templateSetId, 4, encoded, encoded.length)
          counts.templateRecords += 1
        }
        for (const record of options.optionsRecords?.() ?? []) addData(record)
        lastRefreshMilliseconds = exportTimeMilliseconds
        datagramsSinceRefresh = 0
      }

      const isDue = () =>
        exportTimeMilliseconds - lastRefreshMilliseconds >= refreshMilliseconds ||
        datagramsSinceRefresh >= refreshDatagrams
      if (isDue()) refresh()
      for (const record of records) {
        if (isDue()) refresh()
        addData(record)
      }
      send()
      return datagrams
    },
  }
}

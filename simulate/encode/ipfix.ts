// IPFIX messages (RFC 7011): version 10, sequence numbers that count data records, enterprise elements,
// variable-length fields.
import { concatenate, putUint16, putUint32 } from './bytes.js'
import { createPacker, type Template, type TemplateEncoder, type TemplateEncoderOptions } from './packer.js'

/** Length of the message header in octets (RFC 7011 §3.1). */
export const IPFIX_HEADER_OCTETS = 16
/** The enterprise number that marks reverse elements (RFC 5103 §6.1). */
export const REVERSE_ENTERPRISE = 29_305

const TEMPLATE_SET_ID = 2
const OPTIONS_TEMPLATE_SET_ID = 3
const ENTERPRISE_BIT = 0x8000
const TWO_32 = 0x1_0000_0000

/** A set by its id and its content, padding included. */
export interface RawSet {
  readonly setId: number
  readonly body: Uint8Array
}

/** The header of a message under construction. */
export interface IpfixHeader {
  readonly exportTimeSeconds: number
  readonly sequenceNumber: number
  readonly observationDomainId: number
}

function writeHeader(message: Uint8Array, header: IpfixHeader): void {
  putUint16(message, 0, 10)
  putUint16(message, 2, message.length)
  putUint32(message, 4, header.exportTimeSeconds)
  putUint32(message, 8, header.sequenceNumber)
  putUint32(message, 12, header.observationDomainId)
}

/** A set with its header (RFC 7011 §3.3.2). */
export function buildSet({ setId, body }: RawSet): Uint8Array {
  const set = new Uint8Array(4 + body.length)
  putUint16(set, 0, setId)
  putUint16(set, 2, set.length)
  set.set(body, 4)
  return set
}

/** A message of the given sets as they are: no check is made, so that a fuzzer can build nonsense. */
export function buildMessage(header: IpfixHeader, sets: readonly RawSet[]): Uint8Array {
  const message = concatenate([new Uint8Array(IPFIX_HEADER_OCTETS), ...sets.map(buildSet)])
  writeHeader(message, header)
  return message
}

/** A template record or options template record (RFC 7011 §3.4.1 and §3.4.2.2). */
export function ipfixTemplateRecord(template: Template): Uint8Array {
  const isOptions = template.scopeFieldCount !== undefined
  const enterprises = template.fields.filter((field) => field.enterprise !== undefined).length
  const record = new Uint8Array((isOptions ? 6 : 4) + template.fields.length * 4 + enterprises * 4)
  putUint16(record, 0, template.templateId)
  putUint16(record, 2, template.fields.length)
  if (template.scopeFieldCount !== undefined) putUint16(record, 4, template.scopeFieldCount)
  let offset = isOptions ? 6 : 4
  for (const { elementId, length, enterprise } of template.fields) {
    putUint16(record, offset, enterprise === undefined ? elementId : elementId | ENTERPRISE_BIT)
    putUint16(record, offset + 2, length)
    offset += 4
    if (enterprise !== undefined) {
      putUint32(record, offset, enterprise)
      offset += 4
    }
  }
  return record
}

/** Creates an IPFIX exporting process for one observation domain. */
export function createIpfixEncoder(options: TemplateEncoderOptions): TemplateEncoder {
  const { observationDomainId } = options
  let sequenceNumber = options.initialSequenceNumber ?? 0
  return createPacker(
    {
      headerOctets: IPFIX_HEADER_OCTETS,
      templateSetId: TEMPLATE_SET_ID,
      optionsTemplateSetId: OPTIONS_TEMPLATE_SET_ID,
      templateRecord: ipfixTemplateRecord,
      finish(message, exportTimeMilliseconds, counts) {
        const exportTimeSeconds = Math.floor(exportTimeMilliseconds / 1000)
        writeHeader(message, { exportTimeSeconds, sequenceNumber, observationDomainId })
        sequenceNumber = (sequenceNumber + counts.dataRecords) % TWO_32
      },
    },
    options,
  )
}

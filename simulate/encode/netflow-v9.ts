// NetFlow version 9 (RFC 3954): a count of records in the header, sequence numbers that count datagrams, and
// options templates whose scope has types of its own.
import { concatenate, putUint16, putUint32 } from './bytes.js'
import { buildSet, type RawSet } from './ipfix.js'
import { createPacker, type Template, type TemplateEncoder, type TemplateEncoderOptions } from './packer.js'
import { uptime } from './time.js'

/** Length of the packet header in octets (RFC 3954 §5.1). */
export const NETFLOW_V9_HEADER_OCTETS = 20
/** Scope field types (RFC 3954 §6.1). */
export const NETFLOW_V9_SCOPE = { system: 1, interface: 2, lineCard: 3, cache: 4, template: 5 } as const

const TEMPLATE_SET_ID = 0
const OPTIONS_TEMPLATE_SET_ID = 1
const TWO_32 = 0x1_0000_0000

/** The header of a packet under construction. */
export interface NetflowV9Header {
  /** Template and data records in the packet. */
  readonly count: number
  readonly sysUpTimeMilliseconds: number
  readonly unixSeconds: number
  readonly sequenceNumber: number
  readonly sourceId: number
}

/** Options of the encoder; `observationDomainId` is version 9's source id. */
export interface NetflowV9Options extends TemplateEncoderOptions {
  /** When the exporter started, epoch milliseconds. */
  readonly systemInitTimeMilliseconds: number
}

function writeHeader(packet: Uint8Array, header: NetflowV9Header): void {
  putUint16(packet, 0, 9)
  putUint16(packet, 2, header.count)
  putUint32(packet, 4, header.sysUpTimeMilliseconds)
  putUint32(packet, 8, header.unixSeconds)
  putUint32(packet, 12, header.sequenceNumber)
  putUint32(packet, 16, header.sourceId)
}

/** A packet of the given FlowSets as they are, unchecked. */
export function buildNetflowV9Packet(header: NetflowV9Header, sets: readonly RawSet[]): Uint8Array {
  const packet = concatenate([new Uint8Array(NETFLOW_V9_HEADER_OCTETS), ...sets.map(buildSet)])
  writeHeader(packet, header)
  return packet
}

/** A template record (RFC 3954 §5.2) or options template record (§6.1), whose lengths are in octets. */
export function netflowV9TemplateRecord(template: Template): Uint8Array {
  const { fields, scopeFieldCount } = template
  const record = new Uint8Array((scopeFieldCount === undefined ? 4 : 6) + fields.length * 4)
  putUint16(record, 0, template.templateId)
  let offset = 4
  if (scopeFieldCount === undefined) {
    putUint16(record, 2, fields.length)
  } else {
    putUint16(record, 2, scopeFieldCount * 4)
    putUint16(record, 4, (fields.length - scopeFieldCount) * 4)
    offset = 6
  }
  for (const { elementId, length } of fields) {
    putUint16(record, offset, elementId)
    putUint16(record, offset + 2, length)
    offset += 4
  }
  return record
}

/** Creates a NetFlow version 9 exporter for one source id. */
export function createNetflowV9Encoder(options: NetflowV9Options): TemplateEncoder {
  let sequenceNumber = options.initialSequenceNumber ?? 0
  return createPacker(
    {
      headerOctets: NETFLOW_V9_HEADER_OCTETS,
      templateSetId: TEMPLATE_SET_ID,
      optionsTemplateSetId: OPTIONS_TEMPLATE_SET_ID,
      templateRecord: netflowV9TemplateRecord,
      finish(packet, exportTimeMilliseconds, counts) {
        writeHeader(packet, {
          count: counts.dataRecords + counts.templateRecords,
          sysUpTimeMilliseconds: uptime(exportTimeMilliseconds, options.systemInitTimeMilliseconds),
          unixSeconds: Math.floor(exportTimeMilliseconds / 1000),
          sequenceNumber,
          sourceId: options.observationDomainId,
        })
        sequenceNumber = (sequenceNumber + 1) % TWO_32
      },
    },
    options,
  )
}

// From a flow record to fields: which elements an exporter's templates hold, by its settings, and how each value
// is taken from the record. Element numbers are IANA's (IPFIX information elements).
import { applicationIdOf, applications } from './applications.js'
import type { FieldValue } from './encode/bytes.js'
import { REVERSE_ENTERPRISE } from './encode/ipfix.js'
import { NETFLOW_V9_SCOPE } from './encode/netflow-v9.js'
import { type DataRecord, type Template, VARIABLE_LENGTH } from './encode/packer.js'
import { deltaMicroseconds, ntpMicroseconds, ntpNanoseconds, uptime } from './encode/time.js'
import type { FlowRecord } from './meter.js'
import type { ExporterSettings } from './network.js'

/** What a value may depend on besides the record. */
export interface ExportContext {
  exportTimeMilliseconds: number
  systemInitTimeMilliseconds: number
  /** The exporter's clock error, already part of the two times above. */
  clockOffsetMilliseconds: number
}

interface Column {
  readonly elementId: number
  readonly length: number
  readonly enterprise?: number
  readonly value: (record: FlowRecord, context: ExportContext) => FieldValue
}

type Moment = 'startMilliseconds' | 'endMilliseconds'

/** Template ids in use; ICMP has templates of its own, as many exporters do. */
export const TEMPLATE_ID = { ipv4: 256, ipv4Icmp: 257, ipv6: 258, ipv6Icmp: 259 } as const
const OPTIONS_ID = { sampling: 512, applications: 513, interfaces: 514, systemInit: 515 } as const

const column = (elementId: number, length: number, value: Column['value']): Column => ({
  elementId,
  length,
  value,
})

const reverse = (elementId: number, length: number, value: Column['value']): Column => ({
  elementId,
  length,
  enterprise: REVERSE_ENTERPRISE,
  value,
})

function timeColumns(settings: ExporterSettings): Column[] {
  const at = (moment: Moment, record: FlowRecord, context: ExportContext) =>
    record[moment] + context.clockOffsetMilliseconds
  const pair = (
    startElement: number,
    endElement: number,
    length: number,
    form: (epochMilliseconds: number, context: ExportContext) => FieldValue,
  ): Column[] => [
    column(startElement, length, (record, context) =>
      form(at('startMilliseconds', record, context), context),
    ),
    column(endElement, length, (record, context) => form(at('endMilliseconds', record, context), context)),
  ]
  switch (settings.timeStyle) {
    case 'sysUpTime':
      return pair(22, 21, 4, (time, context) => uptime(time, context.systemInitTimeMilliseconds))
    case 'seconds':
      return pair(150, 151, 4, (time) => Math.floor(time / 1000))
    case 'milliseconds':
      return pair(152, 153, 8, (time) => Math.round(time))
    case 'microseconds':
      return pair(154, 155, 8, ntpMicroseconds)
    case 'nanoseconds':
      return pair(156, 157, 8, ntpNanoseconds)
    case 'deltaMicroseconds':
      return pair(158, 159, 4, (time, context) => deltaMicroseconds(time, context.exportTimeMilliseconds))
  }
}

function transportColumns(settings: ExporterSettings, family: 4 | 6, isIcmp: boolean): Column[] {
  const ports = [
    column(7, 2, (record) => record.sourceTransportPort),
    column(11, 2, (record) => record.destinationTransportPort),
  ]
  if (!isIcmp) return [...ports, column(6, 1, (record) => record.tcpControlBits)]
  const typeCode = (record: FlowRecord) => record.icmpType * 256 + record.icmpCode
  switch (settings.icmpStyle) {
    case 'icmpTypeCode':
      return [column(family === 4 ? 32 : 139, 2, typeCode)]
    case 'destinationPort':
      return [column(7, 2, () => 0), column(11, 2, typeCode)]
    case 'separate':
      return [
        column(family === 4 ? 176 : 178, 1, (record) => record.icmpType),
        column(family === 4 ? 177 : 179, 1, (record) => record.icmpCode),
      ]
  }
}

function columnsOf(settings: ExporterSettings, family: 4 | 6, isIcmp: boolean): Column[] {
  const counterOctets = settings.version === 9 ? 4 : 8
  const addressOctets = family === 4 ? 4 : 16
  const columns = [
    column(family === 4 ? 8 : 27, addressOctets, (record) => record.source.address.octets),
    column(family === 4 ? 12 : 28, addressOctets, (record) => record.destination.address.octets),
    column(1, counterOctets, (record) => record.octets),
    column(2, counterOctets, (record) => record.packets),
    ...timeColumns(settings),
    column(10, 4, (record) => record.ingressInterface),
    column(14, 4, (record) => record.egressInterface),
    column(4, 1, (record) => record.protocolIdentifier),
    column(5, 1, (record) => record.ipClassOfService),
    ...transportColumns(settings, family, isIcmp),
    column(136, 1, (record) => record.flowEndReason),
  ]
  if (settings.applications) columns.push(column(95, 4, (record) => applicationIdOf(record.application)))
  if (settings.faults.doubleMetering !== undefined)
    columns.push(column(61, 1, (record) => record.flowDirection))
  if (settings.biflow && settings.version === 10) {
    columns.push(
      reverse(1, 8, (record) => record.reverseOctets),
      reverse(2, 8, (record) => record.reversePackets),
    )
    if (!isIcmp) columns.push(reverse(6, 1, (record) => record.reverseTcpControlBits))
  }
  return columns
}

function templateOf(templateId: number, columns: readonly Column[]): Template {
  const fields = columns.map(({ elementId, length, enterprise }) =>
    enterprise === undefined ? { elementId, length } : { elementId, length, enterprise },
  )
  return { templateId, fields }
}

function options(templateId: number, fields: readonly [elementId: number, length: number][]): Template {
  return {
    templateId,
    scopeFieldCount: 1,
    fields: fields.map(([elementId, length]) => ({ elementId, length })),
  }
}

/** Options templates by protocol: system scope in version 9, a scope element in IPFIX. */
function optionsTemplates(settings: ExporterSettings): Template[] {
  const templates: Template[] = []
  const isV9 = settings.version === 9
  if (settings.samplingInterval > 1) {
    templates.push(
      isV9
        ? options(OPTIONS_ID.sampling, [
            [NETFLOW_V9_SCOPE.system, 4],
            [34, 4],
            [35, 1],
          ])
        : options(OPTIONS_ID.sampling, [
            [149, 4],
            [305, 4],
            [306, 4],
          ]),
    )
  }
  if (settings.applications) {
    templates.push(
      isV9
        ? options(OPTIONS_ID.applications, [
            [NETFLOW_V9_SCOPE.system, 4],
            [95, 4],
            [96, 24],
            [94, 55],
          ])
        : options(OPTIONS_ID.applications, [
            [95, 4],
            [96, VARIABLE_LENGTH],
            [94, VARIABLE_LENGTH],
          ]),
    )
  }
  if (!isV9) {
    templates.push(
      options(OPTIONS_ID.interfaces, [
        [10, 4],
        [82, VARIABLE_LENGTH],
      ]),
      options(OPTIONS_ID.systemInit, [
        [149, 4],
        [160, 8],
      ]),
    )
  }
  return templates
}

function optionsRecords(settings: ExporterSettings, systemInitTimeMilliseconds: number): DataRecord[] {
  const records: DataRecord[] = []
  const { samplingInterval, observationDomainId } = settings
  const isV9 = settings.version === 9
  if (samplingInterval > 1) {
    // IE 35 = 2 is random sampling; IE 305/306: one packet selected, then this many skipped.
    const values = isV9 ? [0, samplingInterval, 2] : [observationDomainId, 1, samplingInterval - 1]
    records.push({ templateId: OPTIONS_ID.sampling, values })
  }
  if (settings.applications) {
    for (const { applicationId, name, description } of applications) {
      const values = [applicationId, name, description]
      records.push({ templateId: OPTIONS_ID.applications, values: isV9 ? [0, ...values] : values })
    }
  }
  if (!isV9) {
    for (const index of new Set(Object.values(settings.interfaces))) {
      records.push({ templateId: OPTIONS_ID.interfaces, values: [index, `ge-0/0/${index}`] })
    }
    const values = [observationDomainId, Math.round(systemInitTimeMilliseconds)]
    records.push({ templateId: OPTIONS_ID.systemInit, values })
  }
  return records
}

/** An exporter's templates and the way from its flow records to data records. */
export function createFlowTemplates(settings: ExporterSettings) {
  const byTemplate = new Map<number, Column[]>([
    [TEMPLATE_ID.ipv4, columnsOf(settings, 4, false)],
    [TEMPLATE_ID.ipv4Icmp, columnsOf(settings, 4, true)],
    [TEMPLATE_ID.ipv6, columnsOf(settings, 6, false)],
    [TEMPLATE_ID.ipv6Icmp, columnsOf(settings, 6, true)],
  ])
  return {
    templates: [
      ...[...byTemplate].map(([templateId, columns]) => templateOf(templateId, columns)),
      ...optionsTemplates(settings),
    ],
    optionsRecords: (systemInitTimeMilliseconds: number) =>
      optionsRecords(settings, systemInitTimeMilliseconds),
    toDataRecord(record: FlowRecord, context: ExportContext): DataRecord {
      const { protocolIdentifier } = record
      const templateId =
        record.source.address.family === 4
          ? protocolIdentifier === 1
            ? TEMPLATE_ID.ipv4Icmp
            : TEMPLATE_ID.ipv4
          : protocolIdentifier === 58
            ? TEMPLATE_ID.ipv6Icmp
            : TEMPLATE_ID.ipv6
      const columns = byTemplate.get(templateId)!
      const values = new Array<FieldValue>(columns.length)
      for (let index = 0; index < columns.length; index += 1)
        values[index] = columns[index]!.value(record, context)
      return { templateId, values }
    },
  }
}

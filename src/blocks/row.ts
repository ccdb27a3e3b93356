/**
 * Rows as JSON objects: names of the schema, absent where the row's shape lacks the column or the value is unknown.
 * Only for people and programs at the edges; scans and detectors read the arrays.
 */
import { formatAddress, formatIPv4, formatIPv6 } from '../records/address.js'
import {
  type ColumnDefinition,
  exporterEventNames,
  icmpFromNames,
  outcomeNames,
  phaseNames,
  type StreamDefinition,
  samplingFromNames,
} from '../records/columns.js'
import { type ExporterIdentity, protocolVersionNames } from '../records/exporter.js'
import type { Shape } from '../records/shape.js'
import { type BlockBuilder, EXPORTER_COLUMN, type Plane, SHAPE_COLUMN } from './builder.js'

/** What a row can be read from: a block, or a builder that is being filled. */
export type RowSource = {
  readonly stream: StreamDefinition
  readonly exporters: readonly ExporterIdentity[]
  readonly shapes: readonly Shape[]
  column(column: number): readonly Plane[] | undefined
  strings(column: number): readonly string[]
  addresses(): Uint32Array
}

export function builderRows(builder: BlockBuilder): RowSource {
  return {
    stream: builder.stream,
    exporters: builder.exporters,
    shapes: builder.shapes,
    column: (column) => (builder.planes[column]!.length === 0 ? undefined : builder.planes[column]),
    strings: (column) => builder.texts[column]!.strings(),
    addresses: () => builder.addresses.words,
  }
}

/** Columns of named values, where 0 is "none". */
export const enumerations: Readonly<Record<string, readonly string[]>> = {
  icmpFrom: icmpFromNames,
  samplingFrom: samplingFromNames,
  outcome: outcomeNames,
  phase: phaseNames,
  event: exporterEventNames,
}

/** A column that means nothing while another one says "none" (0). */
export const meaningfulWith: Readonly<Record<string, string>> = {
  icmpType: 'icmpFrom',
  icmpCode: 'icmpFrom',
  samplingInterval: 'samplingFrom',
}

/** Values that tell who sent a row: every row has those that there are. */
export const senderNames = [
  'exporterAddress',
  'listenerPort',
  'protocolVersion',
  'observationDomainId',
  'agentAddress',
] as const

/** Reads one row into an object; when `names` are given, just those values of it, and who sent it. */
export function rowObject(
  source: RowSource,
  row: number,
  names?: ReadonlySet<string>,
): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  const exporter = source.exporters[source.column(EXPORTER_COLUMN)![0]![row]!]!
  const shape = source.shapes[source.column(SHAPE_COLUMN)![0]![row]!]!
  object['exporterAddress'] = formatAddress(exporter.address)
  object['listenerPort'] = exporter.listenerPort
  object['protocolVersion'] = protocolVersionNames.get(exporter.protocol) ?? exporter.protocol
  if (exporter.protocol !== 200) object['observationDomainId'] = exporter.observationDomainId
  if (exporter.agentAddress !== undefined) object['agentAddress'] = formatAddress(exporter.agentAddress)
  for (const column of shape.columns) {
    if (column === EXPORTER_COLUMN || column === SHAPE_COLUMN) continue
    const definition = source.stream.columns[column]!
    if (names?.has(definition.name) === false) continue
    const value = columnValue(source, definition, column, row)
    if (value !== undefined) object[definition.name] = value
  }
  for (const [name, origin] of Object.entries(meaningfulWith)) {
    if (name in object && !(origin in object)) delete object[name]
  }
  return object
}

function columnValue(
  source: RowSource,
  definition: ColumnDefinition,
  column: number,
  row: number,
): number | string | undefined {
  const planes = source.column(column)
  if (planes === undefined) return undefined
  const value = planes[0]![row]!
  switch (definition.type) {
    case 'text':
      return value === 0 ? undefined : source.strings(column)[value]
    case 'address':
      return planes.length === 1
        ? formatIPv4(value)
        : formatIPv6(value, planes[1]![row]!, planes[2]![row]!, planes[3]![row]!)
    case 'address16':
      return value === 0 ? undefined : formatDictionaryAddress(source.addresses(), value)
    case 'u64':
      return formatUnsigned64(value, planes[1]![row]!)
    case 'f64':
      return value === 0 && definition.name !== 'durationMilliseconds' && definition.name !== 'value'
        ? undefined
        : value
    default: {
      const names = enumerations[definition.name]
      if (names === undefined) return value
      return value === 0 ? undefined : names[value]
    }
  }
}

/** A number up to 2^53 − 1, above that decimal text. */
export function formatUnsigned64(low: number, high: number): number | string {
  const value = high * 0x1_0000_0000 + low
  return Number.isSafeInteger(value) ? value : ((BigInt(high) << 32n) | BigInt(low)).toString()
}

function formatDictionaryAddress(words: Uint32Array, index: number): string {
  const at = index * 4
  const [word0, word1, word2, word3] = [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!]
  return word0 === 0 && word1 === 0 && word2 === 0xffff
    ? formatIPv4(word3)
    : formatIPv6(word0, word1, word2, word3)
}

/** What the configuration says of exporters, looked up by their address. */
import { type Address, parsePrefix, prefixContains } from '#core/records/address.js'

/** One entry: an address or a prefix, and what its devices do not say of themselves. */
export type ExporterEntry = {
  readonly address: string
  readonly samplingInterval?: number
  readonly zone?: string
}

/** The entry of an address: the first whose prefix holds it; undefined where none does. */
export type ExporterSettings = (address: Address) => ExporterEntry | undefined

export function createExporterSettings(exporters: readonly ExporterEntry[]): ExporterSettings {
  const entries = exporters.map((entry) => ({ ...entry, prefix: parsePrefix(entry.address) }))
  return (address) => entries.find(({ prefix }) => prefix !== undefined && prefixContains(prefix, address))
}

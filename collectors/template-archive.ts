/**
 * Templates, and what options data taught, over a restart (decision 9): written when they change, batched once a second
 * and synced, and given back before the first socket opens, so that the first data set decodes as it would have.
 */
import { type Address, formatAddress, parseAddress } from '#core/records/address.js'
import { exporterKey } from '#core/records/exporter.js'
import type { DocumentOperation, Documents } from '#core/store/documents.js'
import type { Application, Domain, LearntName, Sampler } from './netflow/context.js'
import { hasRoom } from './netflow/names.js'
import {
  type Exporter,
  MAX_DOMAINS,
  MAX_TEMPLATES,
  type StoredTemplate,
  type TemplateDocument,
  type TemplateStore,
  templateDocument,
} from './netflow/template-store.js'

const PREFIX = 'template/'
const OPTIONS_PREFIX = 'options/'
/** A table of names comes in many datagrams: a domain's document is not written again within this time. */
const REWRITE_MILLISECONDS = 10_000
/** Entries of each kind that a document keeps, and of all documents that one batch writes. */
const MAX_KEPT_ENTRIES = 16_384
const MAX_ENTRIES_PER_BATCH = 50_000
/** Templates that wait while nothing can be written: with so many, half or more have been dropped by the store since. */
const MOST_WAITING = 2 * MAX_TEMPLATES

/** What options data taught of a domain, as it is kept over a restart. */
export type OptionsDocument = {
  readonly address: string
  readonly listenerPort: number
  readonly transport: number
  readonly protocol: number
  readonly observationDomainId: number
  readonly samplingInterval: number
  readonly samplingLearntMilliseconds: number
  /** Null where it is not known. */
  readonly systemInitMilliseconds: number | null
  readonly systemInitLearntMilliseconds: number
  readonly samplers: readonly (readonly [number, Sampler])[]
  readonly applications: readonly (readonly [number | string, Application])[]
  readonly interfaces: readonly (readonly [number, LearntName])[]
  readonly vrfs: readonly (readonly [number, LearntName])[]
}

export type TemplateArchive = {
  /** Notes a template to be written. */
  keep(domain: Domain, stored: StoredTemplate): void
  /** Notes a domain whose options data taught something new. */
  keepOptions(domain: Domain): void
  /** Notes an exporter of which nothing is to be kept any more. */
  forget(exporter: Exporter): void
  /** Writes what was noted and is due; at the end, with `all`, what is not due too. */
  write(all?: boolean): Promise<void>
  /** Gives what was kept of the exporters that are ours to a store; returns how many templates it took. */
  restore(store: TemplateStore, isOurs?: (address: Address) => boolean): Promise<number>
}

const templateKey = ({ identity }: Domain, id: number) => `${PREFIX}${exporterKey(identity)}|${id}`
const optionsKey = ({ identity }: Domain) => OPTIONS_PREFIX + exporterKey(identity)

export function createTemplateArchive(
  documents: Documents,
  now: () => number = () => Date.now(),
): TemplateArchive {
  const waiting = new Map<string, { readonly domain: Domain; readonly stored: StoredTemplate }>()
  /** Keys of what was forgotten. */
  const forgotten = new Set<string>()
  /** Domains to be written, in the order they changed, and when each may be. */
  const changed = new Map<Domain, number>()
  const written = new Map<Domain, number>()

  const isKnown = ({ domain, stored }: { domain: Domain; stored: StoredTemplate }) =>
    domain.templates.get(stored.template.id) === stored
  const keepOptions = (domain: Domain) => {
    if (changed.has(domain)) return
    changed.set(domain, (written.get(domain) ?? Number.NEGATIVE_INFINITY) + REWRITE_MILLISECONDS)
  }
  const dueOptions = (all: boolean): Map<Domain, DocumentOperation> => {
    const time = now()
    const operations = new Map<Domain, DocumentOperation>()
    let entries = 0
    for (const [domain, dueMilliseconds] of changed) {
      if (!all && (entries >= MAX_ENTRIES_PER_BATCH || dueMilliseconds > time)) continue
      const value = optionsDocument(domain)
      entries += 1 + value.applications.length + value.interfaces.length + value.samplers.length
      forgotten.delete(optionsKey(domain))
      operations.set(domain, { type: 'put', key: optionsKey(domain), value })
      changed.delete(domain)
      written.set(domain, time)
    }
    return operations
  }

  return {
    keep(domain, stored) {
      // The fixed formats are templates too, but need no keeping.
      if (domain.identity.protocol < 9) return
      const key = templateKey(domain, stored.template.id)
      forgotten.delete(key)
      waiting.set(key, { domain, stored })
      if (waiting.size < MOST_WAITING) return
      for (const [key, one] of waiting) if (!isKnown(one)) waiting.delete(key)
    },
    keepOptions,
    forget({ domains }) {
      for (const domain of domains.values()) {
        for (const id of domain.templates.keys()) {
          const key = templateKey(domain, id)
          waiting.delete(key)
          forgotten.add(key)
        }
        changed.delete(domain)
        written.delete(domain)
        forgotten.add(optionsKey(domain))
      }
    },
    async write(all = false) {
      const templates = [...waiting].filter(([, one]) => isKnown(one))
      waiting.clear()
      const options = dueOptions(all)
      const operations: DocumentOperation[] = templates.map(([key, { domain, stored }]) => ({
        type: 'put',
        key,
        value: templateDocument(domain, stored),
      }))
      operations.push(...options.values())
      const deleted = [...forgotten]
      forgotten.clear()
      for (const key of deleted) operations.push({ type: 'delete', key })
      if (operations.length === 0) return
      try {
        await documents.batch(operations)
      } catch (error) {
        // The next batch has them again, but for what was redefined meanwhile.
        for (const [key, one] of templates) if (!waiting.has(key)) waiting.set(key, one)
        for (const domain of options.keys()) keepOptions(domain)
        for (const key of deleted) if (!waiting.has(key)) forgotten.add(key)
        throw error
      }
    },
    async restore(store, isOurs = () => true) {
      let restored = 0
      for await (const [, document] of documents.list<TemplateDocument>(PREFIX, { limit: MAX_TEMPLATES })) {
        const address = parseAddress(document.address)
        if (address !== undefined && isOurs(address) && store.restore(document, address)) restored++
      }
      for await (const [, document] of documents.list<OptionsDocument>(OPTIONS_PREFIX, {
        limit: MAX_DOMAINS,
      })) {
        const address = parseAddress(document.address)
        if (address !== undefined && isOurs(address)) restoreOptions(store, document, address)
      }
      return restored
    },
  }
}

function optionsDocument(domain: Domain): OptionsDocument {
  const { address, listenerPort, transport, protocol, observationDomainId } = domain.identity
  const first = <K, V>(entries: ReadonlyMap<K, V>) => [...entries].slice(0, MAX_KEPT_ENTRIES)
  return {
    address: formatAddress(address),
    listenerPort,
    transport,
    protocol,
    observationDomainId,
    samplingInterval: domain.samplingInterval,
    samplingLearntMilliseconds: domain.samplingLearntMilliseconds,
    systemInitMilliseconds: Number.isNaN(domain.systemInitMilliseconds)
      ? null
      : domain.systemInitMilliseconds,
    systemInitLearntMilliseconds: domain.systemInitLearntMilliseconds,
    samplers: first(domain.samplers),
    applications: first(domain.applications),
    interfaces: first(domain.interfaces),
    vrfs: first(domain.vrfs),
  }
}

function restoreOptions(store: TemplateStore, document: OptionsDocument, address: Address): void {
  const { listenerPort, transport, protocol, observationDomainId } = document
  const exporter = store.exporter(address, listenerPort, transport)
  const domain = exporter === undefined ? undefined : store.domain(exporter, protocol, observationDomainId)
  if (domain === undefined) return
  domain.samplingInterval = document.samplingInterval
  domain.samplingLearntMilliseconds = document.samplingLearntMilliseconds
  domain.systemInitMilliseconds = document.systemInitMilliseconds ?? Number.NaN
  domain.systemInitLearntMilliseconds = document.systemInitLearntMilliseconds
  const fill = <K, V>(into: Map<K, V>, entries: readonly (readonly [K, V])[]) => {
    for (const [key, value] of entries) if (hasRoom(domain, into, key)) into.set(key, value)
  }
  fill(domain.samplers, document.samplers)
  fill(domain.applications, document.applications)
  fill(domain.interfaces, document.interfaces)
  fill(domain.vrfs, document.vrfs)
}

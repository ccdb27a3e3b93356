/**
 * Exporters, their observation domains and the templates of each (decisions 8 and 9): bounded, keyed without the source
 * port, and restorable, so that the first data set after a restart decodes.
 */
import { type Address, formatAddress } from '#core/records/address.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { type ExporterSession, ExporterTable, MAX_EXPORTERS } from '../exporter-table.js'
import type { Domain, NameBudget } from './context.js'
import type { ElementNames } from './elements.js'
import { makePlan, type TemplatePlan } from './row-plan.js'
import { SequenceTracker } from './sequence.js'
import { restoreTemplate, type Template } from './template.js'
import { observeRefresh } from './template-refresh.js'

/** Templates of one domain; real devices use some tens. */
export const MAX_TEMPLATES_PER_DOMAIN = 2048
/** Templates in all. */
export const MAX_TEMPLATES = 100_000
/** Fields of all templates: what templates cost in memory, some 100 octets a field. Real ones have some 30 each. */
export const MAX_FIELDS = 3_000_000
/** Domains of one exporter. */
export const MAX_DOMAINS_PER_EXPORTER = 1024
/** Domains in all, some kilobytes each. */
export const MAX_DOMAINS = 65_536
/** Names and samplers from options data, of all domains together, some 200 octets each. */
const MAX_NAMES_IN_ALL = 1_000_000

export type TemplateLimits = {
  readonly templatesPerDomain: number
  readonly templates: number
  readonly fields: number
  readonly exporters: number
  readonly domainsPerExporter: number
  readonly domains: number
}

const defaultLimits: TemplateLimits = {
  templatesPerDomain: MAX_TEMPLATES_PER_DOMAIN,
  templates: MAX_TEMPLATES,
  fields: MAX_FIELDS,
  exporters: MAX_EXPORTERS,
  domainsPerExporter: MAX_DOMAINS_PER_EXPORTER,
  domains: MAX_DOMAINS,
}

export type StoredTemplate = {
  readonly template: Template
  /** Made when the first data set comes. */
  plan: TemplatePlan | undefined
  readonly learntMilliseconds: number
  lastUsedMilliseconds: number
  /** When the device last sent it; 0 when it has not since our start, and the template is a kept one. */
  lastReceivedMilliseconds: number
  /** How often the device sends it, as far as that was seen; 0 before it came twice. */
  refreshMilliseconds: number
}

export type Exporter = ExporterSession & {
  readonly domains: Map<number, Domain>
  /** The domain of the latest datagram. */
  latest: Domain | undefined
}

/** A template as it is kept over a restart. */
export type TemplateDocument = {
  readonly address: string
  readonly listenerPort: number
  readonly transport: number
  readonly protocol: number
  readonly observationDomainId: number
  readonly templateId: number
  readonly kind: 'data' | 'options'
  /** Hex. */
  readonly definition: string
  readonly learntMilliseconds: number
}

export class TemplateStore {
  /** Templates dropped because a cap was reached. */
  evictions = 0
  private readonly table: ExporterTable<Exporter>
  private readonly samplingOf: (address: Address) => number
  private readonly limits: TemplateLimits
  private readonly definedElements: ElementNames
  private readonly nameBudget: NameBudget = { left: MAX_NAMES_IN_ALL }
  private templates = 0
  private fields = 0
  private domains = 0

  /**
   * `samplingOf` gives the interval that our configuration sets for an exporter, 0 where it sets none. `onForget` is told of an
   * exporter, with all that is known of it, before it is forgotten to make room.
   */
  constructor(
    samplingOf: (address: Address) => number = () => 0,
    limits: Partial<TemplateLimits> = {},
    definedElements: ElementNames = new Map(),
    onForget: (exporter: Exporter) => void = () => {},
  ) {
    this.samplingOf = samplingOf
    this.limits = { ...defaultLimits, ...limits }
    this.table = new ExporterTable({
      make: (session) => ({ ...session, domains: new Map(), latest: undefined }),
      lastSeen: ({ domains }) =>
        Math.max(0, ...[...domains.values()].map(({ statistics }) => statistics.lastSeenMilliseconds)),
      onForget: (exporter) => {
        onForget(exporter)
        this.clear(exporter)
      },
      most: this.limits.exporters,
    })
    this.definedElements = definedElements
  }

  get exporters(): readonly Exporter[] {
    return this.table.all
  }

  /** A transport session of its own (TCP, TLS), which no other message shares; undefined when there are too many. */
  session(address: Address, listenerPort: number, transport: number): Exporter | undefined {
    return this.table.add(address, listenerPort, transport)
  }

  /** Forgets a session with its domains and templates. */
  drop(exporter: Exporter): void {
    if (this.table.remove(exporter)) this.clear(exporter)
  }

  private clear(exporter: Exporter): void {
    for (const domain of exporter.domains.values()) {
      for (const id of [...domain.templates.keys()]) this.withdraw(domain, id)
      this.domains--
      const { applications, interfaces, vrfs, samplers, interfaceSampling, learntElements } = domain
      this.nameBudget.left +=
        applications.size +
        interfaces.size +
        vrfs.size +
        samplers.size +
        interfaceSampling.size +
        learntElements.size
    }
    exporter.domains.clear()
    exporter.latest = undefined
  }

  /** The exporter of a datagram; undefined when there are too many. */
  exporter(
    address: Address,
    listenerPort: number,
    transport: number,
    nowMilliseconds?: number,
  ): Exporter | undefined {
    return this.table.of(address, listenerPort, transport, nowMilliseconds)
  }

  /** The domain of a message, made when it is new; undefined when the exporter has too many. */
  domain(exporter: Exporter, protocol: number, observationDomainId: number): Domain | undefined {
    const { latest } = exporter
    if (
      latest !== undefined &&
      latest.identity.observationDomainId === observationDomainId &&
      latest.identity.protocol === protocol
    ) {
      return latest
    }
    const key = protocol * 0x1_0000_0000 + observationDomainId
    let domain = exporter.domains.get(key)
    if (domain === undefined) {
      if (exporter.domains.size >= this.limits.domainsPerExporter) return undefined
      if (this.domains >= this.limits.domains) return undefined
      this.domains++
      const { address, listenerPort, transport } = exporter
      const identity = { address, listenerPort, transport, protocol, observationDomainId }
      domain = makeDomain(identity, this.samplingOf(address), this.definedElements, this.nameBudget)
      exporter.domains.set(key, domain)
    }
    exporter.latest = domain
    return domain
  }

  /** Keeps a definition. `changed` is false when the very same one was known. */
  learn(
    domain: Domain,
    template: Template,
    nowMilliseconds: number,
  ): { stored: StoredTemplate; changed: boolean } {
    const known = domain.templates.get(template.id)
    if (
      known !== undefined &&
      known.template.kind === template.kind &&
      equal(known.template.definition, template.definition)
    ) {
      known.lastUsedMilliseconds = nowMilliseconds
      observeRefresh(known, nowMilliseconds)
      return { stored: known, changed: false }
    }
    if (known !== undefined) this.withdraw(domain, template.id)
    else if (domain.templates.size >= this.limits.templatesPerDomain) this.evictFrom(domain)
    const isFull = () =>
      this.templates >= this.limits.templates || this.fields + template.fields.length > this.limits.fields
    while (this.templates > 0 && isFull()) this.evictFromAll()
    this.templates++
    this.fields += template.fields.length
    const stored = {
      template,
      plan: undefined,
      learntMilliseconds: nowMilliseconds,
      lastUsedMilliseconds: nowMilliseconds,
      lastReceivedMilliseconds: nowMilliseconds,
      refreshMilliseconds: 0,
    }
    domain.templates.set(template.id, stored)
    return { stored, changed: true }
  }

  /** Forgets a template (a withdrawal over TCP or TLS, RFC 7011 §8.1). */
  withdraw(domain: Domain, templateId: number): void {
    const stored = domain.templates.get(templateId)
    if (stored === undefined) return
    domain.templates.delete(templateId)
    this.templates--
    this.fields -= stored.template.fields.length
  }

  planOf(stored: StoredTemplate): TemplatePlan {
    stored.plan ??= makePlan(stored.template)
    return stored.plan
  }

  /** Takes back what `templateDocument` kept; false when it cannot be read. */
  restore(document: TemplateDocument, address: Address): boolean {
    const { protocol, templateId, kind } = document
    const template = restoreTemplate(protocol, templateId, kind, Buffer.from(document.definition, 'hex'))
    const exporter = this.exporter(address, document.listenerPort, document.transport)
    if (template === undefined || exporter === undefined) return false
    const domain = this.domain(exporter, protocol, document.observationDomainId)
    if (domain === undefined) return false
    const { stored } = this.learn(domain, template, document.learntMilliseconds)
    stored.lastReceivedMilliseconds = 0
    return true
  }

  private evictFrom(domain: Domain): void {
    let oldest = -1
    let oldestUse = Number.POSITIVE_INFINITY
    for (const [id, stored] of domain.templates) {
      if (stored.lastUsedMilliseconds >= oldestUse) continue
      oldest = id
      oldestUse = stored.lastUsedMilliseconds
    }
    this.withdraw(domain, oldest)
    this.evictions++
  }

  /** Takes from the domain that holds the most, so that one noisy exporter cannot push out the others'. */
  private evictFromAll(): void {
    let largest: Domain | undefined
    for (const exporter of this.exporters) {
      for (const domain of exporter.domains.values()) {
        if (largest === undefined || domain.templates.size > largest.templates.size) largest = domain
      }
    }
    if (largest !== undefined) this.evictFrom(largest)
  }
}

export function templateDocument(domain: Domain, stored: StoredTemplate): TemplateDocument {
  const { address, listenerPort, transport, protocol, observationDomainId } = domain.identity
  return {
    address: formatAddress(address),
    listenerPort,
    transport,
    protocol,
    observationDomainId,
    templateId: stored.template.id,
    kind: stored.template.kind,
    definition: Buffer.from(stored.template.definition).toString('hex'),
    learntMilliseconds: stored.learntMilliseconds,
  }
}

function makeDomain(
  identity: ExporterIdentity,
  configuredSamplingInterval: number,
  definedElements: ElementNames,
  nameBudget: NameBudget,
): Domain {
  return {
    identity,
    templates: new Map(),
    samplers: new Map(),
    interfaceSampling: new Map(),
    samplingInterval: 0,
    samplingLearntMilliseconds: 0,
    headerSamplingInterval: 0,
    configuredSamplingInterval,
    applications: new Map(),
    interfaces: new Map(),
    vrfs: new Map(),
    systemInitMilliseconds: Number.NaN,
    systemInitLearntMilliseconds: 0,
    optionsRevision: 0,
    definedElements,
    learntElements: new Map(),
    reported: {
      exporterAddresses: new Set(),
      originalExporterAddresses: new Set(),
      originalObservationDomains: new Set(),
      observationDomainName: '',
    },
    nameBudget,
    sequence: new SequenceTracker(identity.protocol),
    statistics: {
      datagrams: 0,
      octets: 0,
      records: 0,
      optionsRecords: 0,
      firstSeenMilliseconds: 0,
      lastSeenMilliseconds: 0,
      clockSkewMilliseconds: Number.NaN,
      reportedSkewMilliseconds: 0,
      undecoded: new Map(),
      illFormedStrings: 0,
      impossibleTimes: 0,
    },
  }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false
  return true
}

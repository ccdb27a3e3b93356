/**
 * The one way of export packets into the store: decoder to builders, and what the decoder notices about exporters into
 * rows of their own. Sockets and imported captures both come through here.
 */
import { type Address, formatAddress } from '#core/records/address.js'
import {
  ExporterEventColumnIndex,
  type ExporterEventName,
  exporterEventNames,
  streamNames,
} from '#core/records/columns.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { shapeOf } from '#core/records/shape.js'
import type { BlockWriter } from '#core/store/writer.js'
import type { ExporterSession } from './exporter-table.js'
import { isSilent } from './exporter-watch.js'
import type { Domain } from './netflow/context.js'
import { NetflowDecoder } from './netflow/decoder.js'
import type { UndecodedReason } from './netflow/reasons.js'
import type { StoredTemplate, TemplateStore } from './netflow/template-store.js'
import type { Agent, AgentStore } from './sflow/agents.js'
import { isSflow, SflowDecoder } from './sflow/decoder.js'
import type { SflowUndecodedReason } from './sflow/reasons.js'

const EXPORTER_EVENT_STREAM = streamNames.indexOf('exporterEvent')
const exporterEventShape = shapeOf([0, 1, 2, ExporterEventColumnIndex.event, ExporterEventColumnIndex.value])

export type FlowIntakeOptions = {
  readonly writer: BlockWriter
  readonly store?: TemplateStore
  readonly agents?: AgentStore
  readonly onTemplate?: (domain: Domain, stored: StoredTemplate) => void
  readonly onOptions?: (domain: Domain) => void
  /** `from` is undefined where the datagram does not say whose it is. */
  readonly onUndecoded?: (
    reason: UndecodedReason | SflowUndecodedReason,
    from: Domain | Agent | undefined,
  ) => void
}

type DatagramTaker = (
  view: DataView,
  length: number,
  source: Address,
  listenerPort: number,
  receivedMilliseconds: number,
) => void

export type FlowIntake = {
  /** Its rows go to the writer's builders. */
  readonly decoder: NetflowDecoder
  readonly sflow: SflowDecoder
  /** Takes a datagram of any of these formats, by its first octets: people mistake one port for another. */
  readonly datagram: DatagramTaker
  /** Notes lost datagrams with every domain: any of them may have lost some. */
  noteDrops(count: number, receivedMilliseconds: number): void
  /** Notes refused datagrams with the domains of their senders. */
  noteRefused(refused: ReadonlyMap<Address, number>, receivedMilliseconds: number): void
  /** Notes once that an exporter with a known pace has fallen silent. */
  noteSilence(nowMilliseconds: number): void
}

export function createFlowIntake(options: FlowIntakeOptions): FlowIntake {
  const { writer, store, agents, onTemplate, onOptions, onUndecoded } = options
  const silentDomains = new Set<ExporterIdentity>()
  const writeEvent = (
    identity: ExporterIdentity,
    event: ExporterEventName,
    value: number,
    receivedMilliseconds: number,
  ) => {
    const builder = writer.builder(EXPORTER_EVENT_STREAM)
    const row = builder.begin(identity, exporterEventShape, receivedMilliseconds, 1)
    builder.setNumber(ExporterEventColumnIndex.event, row, exporterEventNames.indexOf(event))
    builder.setNumber(ExporterEventColumnIndex.value, row, value)
  }
  const writeDrops = (countOf: (exporter: ExporterSession) => number, receivedMilliseconds: number) => {
    const write = (exporter: ExporterSession, domains: Iterable<Domain | Agent>) => {
      const count = countOf(exporter)
      if (count === 0) return
      for (const { identity } of domains) writeEvent(identity, 'drops', count, receivedMilliseconds)
    }
    for (const exporter of decoder.store.exporters) write(exporter, exporter.domains.values())
    for (const exporter of sflow.store.exporters) write(exporter, exporter.agents)
  }
  const decoder = new NetflowDecoder({
    ...(store === undefined ? {} : { store }),
    sink: {
      builder: (stream) => writer.builder(stream),
      undecoded(reason, _context, domain) {
        onUndecoded?.(reason, domain)
      },
      exporterEvent(domain, event, value, receivedMilliseconds) {
        writeEvent(domain.identity, event, value, receivedMilliseconds)
      },
      templateLearnt(domain, stored) {
        onTemplate?.(domain, stored)
      },
      optionsLearnt(domain) {
        onOptions?.(domain)
      },
    },
  })
  const sflow = new SflowDecoder({
    ...(agents === undefined ? {} : { store: agents }),
    sink: {
      builder: (stream) => writer.builder(stream),
      undecoded(reason, _context, agent) {
        onUndecoded?.(reason, agent)
      },
      exporterEvent(agent, event, value, receivedMilliseconds) {
        writeEvent(agent.identity, event, value, receivedMilliseconds)
      },
    },
  })
  return {
    decoder,
    sflow,
    datagram(view, length, source, listenerPort, receivedMilliseconds) {
      if (isSflow(view, length)) sflow.datagram(view, length, source, listenerPort, receivedMilliseconds)
      else decoder.datagram(view, length, source, listenerPort, receivedMilliseconds)
    },
    noteDrops(count, receivedMilliseconds) {
      writeDrops(() => count, receivedMilliseconds)
    },
    noteRefused(refused, receivedMilliseconds) {
      if (refused.size === 0) return
      // An exporter known from before the start has another object for its address than the sockets.
      const byText = new Map<string, number>()
      for (const [sender, count] of refused) {
        const text = formatAddress(sender)
        byText.set(text, (byText.get(text) ?? 0) + count)
      }
      writeDrops(({ address }) => byText.get(formatAddress(address)) ?? 0, receivedMilliseconds)
    },
    noteSilence(nowMilliseconds) {
      const note = ({ identity, statistics }: Domain | Agent) => {
        const { datagrams, firstSeenMilliseconds, lastSeenMilliseconds } = statistics
        const silent = isSilent(datagrams, firstSeenMilliseconds, lastSeenMilliseconds, nowMilliseconds)
        if (silent && !silentDomains.has(identity)) {
          writeEvent(identity, 'silence', nowMilliseconds - lastSeenMilliseconds, nowMilliseconds)
          silentDomains.add(identity)
        } else if (!silent) silentDomains.delete(identity)
      }
      for (const exporter of decoder.store.exporters)
        for (const domain of exporter.domains.values()) note(domain)
      for (const exporter of sflow.store.exporters) for (const agent of exporter.agents.values()) note(agent)
    },
  }
}

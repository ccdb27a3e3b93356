/** The receiving threads as one: their counts summed, their exporters in one list, each asked for what is its own. */
import type { ExporterStatus } from '#core/exporters.js'
import type { ReceivedCounts } from '#core/metrics.js'
import type { ExporterNews } from './exporter-directory.js'
import { type ReceiverClient, startReceiver } from './receiver-client.js'
import type { ListeningReport, ReceiverSetup } from './receiver-messages.js'

export type ReceiversOptions = {
  readonly setup: ReceiverSetup
  readonly onProblem: (message: string) => void
  /** Words for the log that are no fault. */
  readonly onNotice: (message: string) => void
  /** Told when a thread ended though nobody asked it to. */
  readonly onDeath: (error: Error) => void
}

export type Receivers = {
  readonly sockets: readonly ListeningReport[]
  readonly restoredTemplates: number
  /** Undefined before the first second. */
  counts(): ReceivedCounts | undefined
  /** Ids of the exporters that are known, in no order. */
  exporterIds(): string[]
  exporterCount(): number
  /** Those of `ids` that are known, in their order. */
  exporters(ids: readonly string[]): Promise<ExporterStatus[]>
  /** Devices with a known pace that send nothing. */
  silent(): Pick<ExporterNews, 'address' | 'listenerPort'>[]
  /** Ends the threads when everything received is stored. */
  close(): Promise<void>
}

/** Starts the threads. Throws PORT_UNAVAILABLE when a socket that must be there is not. */
export async function startReceivers(options: ReceiversOptions): Promise<Receivers> {
  const { setup, onProblem, onNotice, onDeath } = options
  const known = new Map<string, ExporterNews>()
  let counts: ReceivedCounts | undefined
  const client: ReceiverClient = await startReceiver({
    setup,
    onProblem,
    onNotice,
    onDeath,
    onStatus(status) {
      counts = status.counts
      for (const news of status.news) {
        if (news.isGone) known.delete(news.id)
        else known.set(news.id, news)
      }
    },
  })
  return {
    sockets: client.sockets,
    restoredTemplates: client.restoredTemplates,
    counts: () => counts,
    exporterIds: () => [...known.keys()],
    exporterCount: () => known.size,
    exporters: (ids) => client.exporters(ids.filter((id) => known.has(id))),
    silent: () => [...known.values()].filter(({ isSilent }) => isSilent),
    close: client.close,
  }
}

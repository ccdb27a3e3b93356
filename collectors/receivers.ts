/**
 * The receiving threads as one: their sockets opened, their counts summed, their exporters in one list, each asked of the
 * thread that has it. UDP is divided among them by exporter (datagram/steering.ts); TCP and TLS are the first one's.
 */
import type { Config } from '#core/config.js'
import type { Counters } from '#core/counters.js'
import type { ExporterStatus } from '#core/exporters.js'
import { type ReceivedCounts, type ReceivedReport, withTotals } from '#core/metrics.js'
import { type DatagramPorts, openDatagramPorts } from './datagram/ports.js'
import type { ExporterNews } from './exporter-directory.js'
import { sumReceived } from './received-counts.js'
import { type ReceiverClient, startReceiver } from './receiver-client.js'
import type { ListeningReport, ReceiverSetup, StreamPort } from './receiver-messages.js'

export type ReceiversOptions = {
  readonly listen: Config['listen']
  readonly counters: Counters
  readonly setup: Omit<
    ReceiverSetup,
    'counts' | 'listen' | 'worker' | 'workers' | 'datagramPorts' | 'streamPorts'
  >
  readonly onProblem: (message: string) => void
  /** Words for the log that are no fault. */
  readonly onNotice: (message: string) => void
  /** Told when a thread ended though nobody asked it to. */
  readonly onDeath: (error: Error) => void
}

export type Receivers = {
  /** What was opened, and what was not and why. */
  readonly sockets: readonly ListeningReport[]
  readonly workers: number
  readonly restoredTemplates: number
  /** Undefined before the first second. */
  counts(): ReceivedCounts | undefined
  /** Milliseconds since the thread that has been quiet the longest told its state, as each does once a second. */
  quietMilliseconds(): number
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

/** Opens the UDP ports and starts the threads. Throws PORT_UNAVAILABLE when a socket that must be there is not. */
export async function startReceivers(options: ReceiversOptions): Promise<Receivers> {
  const { listen, counters, onNotice } = options
  const ports = await openDatagramPorts(listen)
  if (ports.notice !== undefined) onNotice(ports.notice)
  const reports: ReceivedReport[] = []
  const toldAt = Array.from({ length: ports.workers }, () => performance.now())
  const known = new Map<string, { readonly worker: number; readonly news: ExporterNews }>()
  const takeNews = (worker: number, all: readonly ExporterNews[]) => {
    for (const news of all) {
      if (news.isGone) known.delete(news.id)
      else known.set(news.id, { worker, news })
    }
  }
  const started = await Promise.allSettled(
    Array.from({ length: ports.workers }, (_, worker) =>
      startReceiver({
        ...options,
        setup: setupOf(options, ports, worker),
        onStatus(status) {
          reports[worker] = status.report
          toldAt[worker] = performance.now()
          takeNews(worker, status.news)
        },
      }),
    ),
  )
  const clients = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const close = async () => {
    await Promise.all(clients.map((client) => client.close()))
    ports.close()
  }
  const failed = started.find((one) => one.status === 'rejected')
  if (failed !== undefined) {
    await close()
    throw failed.reason
  }
  return {
    sockets: clients[0]!.sockets,
    workers: ports.workers,
    restoredTemplates: clients.reduce((sum, { restoredTemplates }) => sum + restoredTemplates, 0),
    counts: () =>
      reports.length === 0 ? undefined : withTotals(sumReceived(Object.values(reports)), counters),
    quietMilliseconds: () => performance.now() - Math.min(...toldAt),
    exporterIds: () => [...known.keys()],
    exporterCount: () => known.size,
    exporters: (ids) => ask(clients, ids, (id) => known.get(id)?.worker),
    silent: () => [...known.values()].map(({ news }) => news).filter(({ isSilent }) => isSilent),
    close,
  }
}

function setupOf(
  { setup, counters, listen }: ReceiversOptions,
  ports: DatagramPorts,
  worker: number,
): ReceiverSetup {
  return {
    ...setup,
    listen,
    counts: counters.of(`receiver-${worker}`),
    worker,
    workers: ports.workers,
    datagramPorts: ports.of(worker),
    streamPorts: worker === 0 ? streamPortsOf(listen) : [],
  }
}

function streamPortsOf(listen: Config['listen']): StreamPort[] {
  const { ipfixTcpPorts, ipfixTlsPorts, syslogPorts, syslogTlsPorts, tls } = listen
  const of = (name: StreamPort['name'], transport: StreamPort['transport'], ports: readonly number[]) =>
    ports.map((port) => ({ name, transport, port }))
  return [
    ...of('ipfix', 'tcp', ipfixTcpPorts),
    ...of('syslog', 'tcp', syslogPorts),
    ...(tls === undefined
      ? []
      : [...of('ipfix', 'tls', ipfixTlsPorts), ...of('syslog', 'tls', syslogTlsPorts)]),
  ]
}

/** Asks each thread for what is its own, and gives all in the order asked for. */
async function ask(
  clients: readonly ReceiverClient[],
  ids: readonly string[],
  workerOf: (id: string) => number | undefined,
): Promise<ExporterStatus[]> {
  const found = new Map<string, ExporterStatus>()
  await Promise.all(
    clients.map(async (client, worker) => {
      const own = ids.filter((id) => workerOf(id) === worker)
      if (own.length === 0) return
      for (const status of await client.exporters(own)) found.set(status.id, status)
    }),
  )
  return ids.flatMap((id) => found.get(id) ?? [])
}

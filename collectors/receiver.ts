/**
 * A receiving thread: sockets, decoders, builders, the store of blocks and templates. Nothing slow may run here. It is
 * started as a worker by src/main.ts and speaks receiver-messages.ts.
 */
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { createClock } from '#core/clock.js'
import { Count } from '#core/counters.js'
import type { ReceivedReport } from '#core/metrics.js'
import type { Address } from '#core/records/address.js'
import { createBlockStore } from '#core/store/blocks.js'
import { createDocuments } from '#core/store/documents.js'
import { WRITTEN_TO } from '#core/store/holes.js'
import { createLowWater } from '#core/store/low-water.js'
import { askForMending } from '#core/store/mend.js'
import { createBlockWriter } from '#core/store/writer.js'
import { keepVitals } from '#core/thread-vitals.js'
import { readKernelDrops } from './datagram/kernel-drops.js'
import { workerOf } from './datagram/steering.js'
import { createExporterAnswers } from './exporter-answers.js'
import { createExporterDirectory } from './exporter-directory.js'
import { createExporterSettings } from './exporter-settings.js'
import { createQuota, createTimeoutMeter } from './exporter-watch.js'
import { createFlowIntake } from './flow-intake.js'
import { createIpfixSessions } from './ipfix-sessions.js'
import { openListeners } from './listeners.js'
import { namesOf } from './netflow/elements.js'
import { TemplateStore } from './netflow/template-store.js'
import type { FromReceiver, ReceiverSetup, ToReceiver } from './receiver-messages.js'
import { AgentStore } from './sflow/agents.js'
import { exporterKinds } from './status.js'
import { createSyslogIntake } from './syslog-intake.js'
import { createTemplateArchive } from './template-archive.js'

/** A block waits at most this long: what a killed process loses. */
const SEAL_MILLISECONDS = 1000
/** One a second, with room on the disk. */
const MAX_FAILED_SYNCS = 10

async function run(setup: ReceiverSetup): Promise<void> {
  const port = parentPort!
  const say = (message: FromReceiver) => port.postMessage(message)
  const problem = (error: Error) => say({ type: 'problem', message: error.message })
  const settingsOf = createExporterSettings(setup.exporters)
  const clock = createClock(setup.clock)

  const store = createBlockStore({
    location: join(setup.data, 'blocks'),
    sequence: setup.sequence,
    isFirst: false,
  })
  const documents = createDocuments({ location: join(setup.data, 'documents') })
  await store.open()
  await documents.open()
  const archive = createTemplateArchive(documents, clock.now)
  const samplingOf = (address: Address) => settingsOf(address)?.samplingInterval ?? 0
  const elements = namesOf(setup.elements)
  const templates = new TemplateStore(samplingOf, {}, elements, archive.forget)
  const agents = new AgentStore(samplingOf)
  const restoredTemplates = await archive.restore(
    templates,
    (address) => workerOf(address, setup.workers) === setup.worker,
  )

  const timeouts = createTimeoutMeter()
  const writer = createBlockWriter({ store, now: clock.now, onFailure: problem, onSeal: timeouts.observe })
  // Before anything is received: a thread that cannot look at its folder does not start.
  const lowWater = createLowWater(setup.data, setup.stopBelowFreeOctets, clock.now)
  let stopped = await lowWater.look()
  writer.stop(stopped !== undefined)
  const undecoded: Record<string, number> = {}
  const { counts } = setup
  keepVitals(counts)
  const onUndecoded = (reason: string, from: object | undefined) => {
    if (from === undefined) undecoded[reason] = (undecoded[reason] ?? 0) + 1
  }
  const flows = createFlowIntake({
    writer,
    store: templates,
    agents,
    onTemplate: archive.keep,
    onOptions: archive.keepOptions,
    onUndecoded,
  })
  // Sessions over TCP and TLS send their templates anew with each connection: nothing of them is kept.
  const streams = createFlowIntake({
    writer,
    store: new TemplateStore(samplingOf, {}, elements),
    onUndecoded,
  })
  const sessions = createIpfixSessions(streams.decoder, clock.now, (octets) => {
    counts[Count.datagrams]!++
    counts[Count.octets]! += octets
  })
  const syslog = createSyslogIntake({
    writer,
    zoneOf: (address) => settingsOf(address)?.zone,
    mappings: setup.mappings,
    onRefused: () => onUndecoded('exporter-limit', undefined),
  })

  const quota = createQuota(setup.listen.datagramsPerSecondPerExporter)
  const listeners = await openListeners({
    setup,
    now: clock.now,
    onDatagram(protocol, view, length, address, listenerPort, receivedMilliseconds) {
      counts[Count.datagrams]!++
      counts[Count.octets]! += length
      if (!quota.admit(address, receivedMilliseconds)) return
      if (protocol === 'syslog') {
        const end = lineEnd(view, length)
        syslog.octets(view, 0, end, address, listenerPort, 0, receivedMilliseconds)
      } else flows.datagram(view, length, address, listenerPort, receivedMilliseconds)
    },
    onLine(octets, start, end, address, listenerPort, transport) {
      counts[Count.datagrams]!++
      counts[Count.octets]! += end - start
      syslog.octets(viewOf(octets), start, end, address, listenerPort, transport, clock.now())
    },
    openIpfix: sessions.open,
    drained: writer.drained,
    onProblem: problem,
    onNotice: (message) => say({ type: 'notice', message }),
  })
  const { sockets } = listeners
  say({ type: 'listening', sockets, restoredTemplates })

  const directory = createExporterDirectory(
    exporterKinds({
      flows: flows.decoder,
      sflow: agents,
      streams: streams.decoder,
      sessions,
      syslog,
      timeouts,
    }),
  )
  const openSockets = sockets.filter(({ ok, transport }) => ok && transport === 'udp')
  let drops: ReadonlyMap<number, number> | undefined
  let reportedDrops = 0
  let dropped = 0
  let lastDropMilliseconds: number | undefined
  let lastKernelDropMilliseconds: number | undefined
  let failedSyncs = 0
  /**
   * A LevelDB that failed to write for want of space, or to merge a damaged table, takes nothing more until it is opened
   * anew: a new start does that, and looks for what is damaged.
   */
  const syncOrEnd = async () => {
    try {
      await syncRows()
      failedSyncs = 0
    } catch (error) {
      if (++failedSyncs < MAX_FAILED_SYNCS) throw error
      await askForMending(setup.data).catch(problem)
      setImmediate(() => {
        throw error
      })
    }
  }
  const tick = async () => {
    try {
      stopped = await lowWater.look()
    } catch (error) {
      // What was found last holds: rows are sealed, and the status is told, all the same.
      problem(error as Error)
    }
    writer.stop(stopped !== undefined)
    writer.seal()
    const now = clock.now()
    drops = readKernelDrops(openSockets)
    const total = drops === undefined ? 0 : [...drops.values()].reduce((sum, count) => sum + count, 0)
    if (total > reportedDrops) {
      flows.noteDrops(total - reportedDrops, now)
      reportedDrops = total
      lastKernelDropMilliseconds = now
    }
    const refused = quota.takeRefused()
    for (const count of refused.values()) counts[Count.overQuota]! += count
    flows.noteRefused(refused, now)
    flows.noteSilence(now)
    const { rows, blocks, octets, droppedRows, failures } = writer.counts
    if (droppedRows > dropped) lastDropMilliseconds = now
    dropped = droppedRows
    counts[Count.rows] = rows
    counts[Count.blocks] = blocks
    counts[Count.blockOctets] = octets
    counts[Count.droppedRows] = droppedRows
    counts[Count.storeFailures] = failures
    counts[Count.truncated] = listeners.truncated()
    const report: ReceivedReport = {
      ...(stopped === undefined ? {} : { stopped }),
      ...(lastDropMilliseconds === undefined ? {} : { lastDropMilliseconds }),
      ...(lastKernelDropMilliseconds === undefined ? {} : { lastKernelDropMilliseconds }),
      undecoded,
      ...listeners.report(),
      ...(drops === undefined ? {} : { kernelDrops: Object.fromEntries(drops) }),
    }
    say({ type: 'status', news: directory.look(now), report })
    if (stopped === undefined) await Promise.all([syncOrEnd(), archive.write()])
  }
  let notedTo = 0
  const syncRows = async () => {
    const writtenTo = store.sequence.watermark()
    await store.sync()
    if (writtenTo === notedTo) return
    await documents.put(WRITTEN_TO, writtenTo, { sync: false })
    notedTo = writtenTo
  }
  const timer = setInterval(() => void tick().catch(problem), clock.timer(SEAL_MILLISECONDS))

  const answers = createExporterAnswers({
    status(id) {
      const status = directory.status(id, clock.now())
      const kernelDrops = status?.transport === 'udp' ? drops?.get(status.listenerPort) : undefined
      return status === undefined || kernelDrops === undefined ? status : { ...status, kernelDrops }
    },
    answer: (request, exporters, isLast) => say({ type: 'exporters', request, exporters, isLast }),
  })

  port.on('message', (message: ToReceiver) => {
    if (message.type === 'exporters') answers.ask(message.request, message.ids)
    else {
      clearInterval(timer)
      void stop().catch(problem)
    }
  })
  const stop = async () => {
    await listeners.close()
    // On a full disk the end must not wait for what cannot be written.
    await tick().catch(problem)
    await writer.flush()
    await syncRows().catch(problem)
    await archive.write(true).catch(problem)
    await store.close()
    await documents.close()
    say({ type: 'stopped' })
    port.close()
  }
}

/** What a connection sent, to be read in words: its lines share it, so that it is wrapped once. */
let wrapped: Uint8Array = new Uint8Array(0)
let wrap: DataView = new DataView(wrapped.buffer)
function viewOf(octets: Uint8Array): DataView {
  if (wrapped !== octets) {
    wrapped = octets
    wrap = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  }
  return wrap
}

/** Some senders end a datagram's line as they would in a file. */
function lineEnd(datagram: DataView, length: number): number {
  let end = length
  while (end > 0) {
    const last = datagram.getUint8(end - 1)
    if (last !== 10 && last !== 13 && last !== 0) break
    end--
  }
  return end
}

await run(workerData as ReceiverSetup)

// A flow exporter: the faults on the way in, a meter, an encoder of its protocol version, and the faults on the
// way out. It keeps no clock: whoever drives it says what time it is.
import type { Activity } from './activity.js'
import { createIpfixEncoder } from './encode/ipfix.js'
import { createNetflowV5Encoder, type NetflowV5Record } from './encode/netflow-v5.js'
import { createNetflowV9Encoder } from './encode/netflow-v9.js'
import { createFlowTemplates } from './flow-templates.js'
import { createMeter, type FlowRecord } from './meter.js'
import type { ExporterSettings } from './network.js'
import type { Random } from './random.js'

/** Records wait at most this long for company before they are sent. */
const EXPORT_DELAY_MILLISECONDS = 1000
const MAX_PENDING_RECORDS = 30

/** Receives datagrams with the time at which they arrive, epoch milliseconds. */
export type DatagramSink = (timeMilliseconds: number, payload: Uint8Array) => void

/** A running exporter. */
export interface Exporter {
  observe(activity: Activity, ingressInterface: number, egressInterface: number): void
  /** Ends due flows and sends what has waited long enough. */
  advance(timeMilliseconds: number): void
  /** Ends all flows and sends everything. */
  close(timeMilliseconds: number): void
  /** Every record that the meter emitted and the export process got, also those whose datagram is lost. */
  recordCount(): number
}

type Encode = (records: readonly FlowRecord[], timeMilliseconds: number) => Uint8Array[]

function createV5Encode(settings: ExporterSettings, systemInit: number, clockOffset: number): Encode {
  const encoder = createNetflowV5Encoder({
    systemInitTimeMilliseconds: systemInit,
    engineId: settings.observationDomainId & 0xff,
    samplingInterval: settings.samplingInterval > 1 ? settings.samplingInterval : 0,
  })
  return (records, time) => {
    const flows: NetflowV5Record[] = []
    for (const record of records) {
      // Version 5 has no room for IPv6: such an exporter is blind to it.
      if (record.source.address.family === 6) continue
      const isIcmp = record.protocolIdentifier === 1
      flows.push({
        sourceIPv4Address: record.source.address.octets,
        destinationIPv4Address: record.destination.address.octets,
        ingressInterface: record.ingressInterface,
        egressInterface: record.egressInterface,
        packets: record.packets,
        octets: record.octets,
        startMilliseconds: record.startMilliseconds + clockOffset,
        endMilliseconds: record.endMilliseconds + clockOffset,
        sourceTransportPort: record.sourceTransportPort,
        destinationTransportPort: isIcmp
          ? record.icmpType * 256 + record.icmpCode
          : record.destinationTransportPort,
        tcpControlBits: record.tcpControlBits,
        protocolIdentifier: record.protocolIdentifier,
        ipClassOfService: record.ipClassOfService,
        sourceIPv4PrefixLength: 24,
        destinationIPv4PrefixLength: 24,
      })
    }
    return encoder.encode(flows, time)
  }
}

function createTemplateEncode(settings: ExporterSettings, systemInit: number, clockOffset: number): Encode {
  const templates = createFlowTemplates(settings)
  const encoderOptions = {
    observationDomainId: settings.observationDomainId,
    templates: templates.templates,
    optionsRecords: () => templates.optionsRecords(systemInit),
    templateRefreshMilliseconds: settings.templateRefreshMilliseconds,
    templateRefreshDatagrams: settings.templateRefreshDatagrams,
    systemInitTimeMilliseconds: systemInit,
  }
  const encoder =
    settings.version === 9 ? createNetflowV9Encoder(encoderOptions) : createIpfixEncoder(encoderOptions)
  return (records, time) => {
    const context = {
      exportTimeMilliseconds: time,
      systemInitTimeMilliseconds: systemInit,
      clockOffsetMilliseconds: clockOffset,
    }
    return encoder.encode(
      records.map((record) => templates.toDataRecord(record, context)),
      time,
    )
  }
}

/** Creates an exporter that started `uptimeMilliseconds` before `startMilliseconds`. */
export function createExporter(
  settings: ExporterSettings,
  random: Random,
  startMilliseconds: number,
  sink: DatagramSink,
  uptimeMilliseconds = 86_400_000,
): Exporter {
  const { faults } = settings
  const clockOffset = faults.clockOffsetMilliseconds ?? 0
  const restarts = [...(faults.restartsAtMilliseconds ?? [])].sort((left, right) => left - right)
  const createEncode = settings.version === 5 ? createV5Encode : createTemplateEncode
  let encode = createEncode(settings, startMilliseconds - uptimeMilliseconds + clockOffset, clockOffset)
  let pending: FlowRecord[] = []
  let pendingSince = 0
  /** A datagram that arrives after its successor. */
  let late: Uint8Array | undefined
  let records = 0

  function send(time: number): void {
    const datagrams = encode(pending, time + clockOffset)
    pending = []
    for (const payload of datagrams) {
      if (random.chance(faults.datagramLossProbability ?? 0)) continue
      if (late === undefined && random.chance(faults.datagramReorderProbability ?? 0)) {
        late = payload
        continue
      }
      sink(time, payload)
      if (late !== undefined) sink(time, late)
      late = undefined
    }
  }

  function queue(record: FlowRecord, time: number): void {
    if (pending.length === 0) pendingSince = time
    pending.push(record)
    records += 1
    if (pending.length >= MAX_PENDING_RECORDS) send(time)
  }

  const doubled = faults.doubleMetering
  const doubledDirection = doubled === 'forward' ? 0 : 1
  const meter = createMeter({
    activeTimeoutMilliseconds: settings.activeTimeoutMilliseconds,
    idleTimeoutMilliseconds: settings.idleTimeoutMilliseconds,
    sweepMilliseconds: settings.sweepMilliseconds,
    maximumFlows: settings.maximumFlows,
    samplingInterval: faults.unannouncedSamplingInterval ?? settings.samplingInterval,
    biflow: settings.biflow,
    random,
    emit(record, time) {
      queue(record, time)
      if (doubled !== undefined && (doubled === 'both' || record.direction === doubledDirection)) {
        queue({ ...record, flowDirection: 1 }, time)
      }
    },
  })

  function restartIfDue(time: number): void {
    while (restarts.length > 0 && time >= restarts[0]!) {
      const restart = restarts.shift()!
      meter.clear()
      pending = []
      encode = createEncode(settings, restart + clockOffset, clockOffset)
    }
  }

  const isFaulty =
    faults.meterDropProbability !== undefined ||
    faults.missingForwardProbability !== undefined ||
    faults.missingReverseProbability !== undefined ||
    faults.layer2OctetsForward !== undefined ||
    faults.layer2OctetsReverse !== undefined

  function observeFaulty(activity: Activity, ingress: number, egress: number): void {
    const isForward = activity.direction === 0
    const missing = (isForward ? faults.missingForwardProbability : faults.missingReverseProbability) ?? 0
    const layer2 = (isForward ? faults.layer2OctetsForward : faults.layer2OctetsReverse) ?? 0
    const lost = 1 - (1 - missing) * (1 - (faults.meterDropProbability ?? 0))
    const packets = activity.packets - random.binomial(activity.packets, lost)
    if (packets === 0) return
    const share =
      packets === activity.packets ? activity.octets : (activity.octets * packets) / activity.packets
    meter.observe(activity, ingress, egress, packets, Math.round(share) + layer2 * packets)
  }

  return {
    observe(activity, ingress, egress) {
      if (restarts.length > 0) restartIfDue(activity.timeMilliseconds)
      if (isFaulty) observeFaulty(activity, ingress, egress)
      else meter.observe(activity, ingress, egress)
    },
    advance(time) {
      if (restarts.length > 0) restartIfDue(time)
      meter.advance(time)
      if (pending.length > 0 && time - pendingSince >= EXPORT_DELAY_MILLISECONDS) send(time)
    },
    close(time) {
      meter.flush(time)
      send(time)
      if (late !== undefined) sink(time, late)
      late = undefined
    },
    recordCount: () => records,
  }
}

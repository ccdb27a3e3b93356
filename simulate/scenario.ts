// Composition: behaviours make traffic, the traffic crosses exporters and firewalls, and their datagrams come out
// in order of time, one by one, beside the ground truth. Time is simulated; nothing here reads a clock.
import { type Behaviour, mergeByTime } from './activity.js'
import { createExporter, type DatagramSink } from './exporter.js'
import type { ExporterFaults } from './faults.js'
import { createFirewall } from './firewall.js'
import { createPaths, type Host, type Network } from './network.js'
import { createRandom } from './random.js'
import type { TrafficContext } from './traffic/packets.js'

/** One datagram on its way to the collector. */
export interface Datagram {
  /** When it arrives, epoch milliseconds. */
  readonly timeMilliseconds: number
  readonly exporterAddress: string
  readonly sourcePort: number
  readonly listenerPort: number
  readonly transport: 'udp'
  readonly payload: Uint8Array
}

/** What a pair of hosts really does. */
export interface Label {
  readonly label: 'icmp_tunnel' | 'icmp_benign' | 'port_mismatch' | 'benign'
  /** The behaviour, such as `idle-tunnel` or `smokeping`. */
  readonly shape: string
  readonly sourceAddress: string
  readonly destinationAddress: string
  readonly protocolIdentifier: number
  /** 0 for ICMP. */
  readonly destinationTransportPort: number
  readonly startMilliseconds: number
  readonly endMilliseconds: number
  /** When a tunnel first carries data; absent where nobody said. */
  readonly carriesFromMilliseconds?: number
  /** Names of the exporters and firewalls on the path. */
  readonly devices: readonly string[]
}

/** What a label needs beside what the plan knows. */
export interface LabelDetails {
  readonly label: Label['label']
  readonly shape: string
  readonly source: Host
  readonly destinations: Host | readonly Host[]
  readonly protocolIdentifier: number
  readonly destinationTransportPort?: number
  readonly startMilliseconds?: number
  readonly endMilliseconds?: number
  readonly carriesFromMilliseconds?: number | undefined
}

/** Where behaviours are registered. */
export interface TrafficPlan {
  readonly startMilliseconds: number
  readonly endMilliseconds: number
  /** A context of its own for each name: adding one behaviour leaves the others' numbers as they are. */
  context(name: string, startMilliseconds?: number): TrafficContext
  add(behaviour: Behaviour, ...labels: LabelDetails[]): void
}

/** What is simulated. */
export interface SimulationOptions {
  readonly seed: number
  readonly startMilliseconds: number
  readonly durationMilliseconds: number
  readonly network: Network
  /** Registers the traffic; called once per run, and must do the same each time. */
  readonly populate: (plan: TrafficPlan) => void
  /** Faults by exporter name, over those of the network. */
  readonly faults?: Readonly<Record<string, ExporterFaults>>
  /** Ends all flows and sessions at the end; by default the caches are left as they are, as a network leaves them. */
  readonly flush?: boolean
}

/** A simulation: its datagrams may be iterated again and are then the same. */
export interface Simulation {
  readonly network: Network
  readonly labels: readonly Label[]
  readonly datagrams: Iterable<Datagram>
}

const TICK_MILLISECONDS = 1000
const FIRST_SOURCE_PORT = 50_000

interface Device<Interface> {
  observe(
    activity: Parameters<ReturnType<typeof createExporter>['observe']>[0],
    from: Interface,
    to: Interface,
  ): void
  advance(timeMilliseconds: number): void
  close(timeMilliseconds: number): void
}

/** Prepares a simulation; nothing runs until its datagrams are iterated. */
export function simulate(options: SimulationOptions): Simulation {
  const { seed, startMilliseconds, durationMilliseconds, network } = options
  const endMilliseconds = startMilliseconds + durationMilliseconds
  const root = createRandom(seed)
  const exporterPaths = createPaths(network.exporters)
  const firewallPaths = createPaths(network.firewalls)

  function labelsOf(details: LabelDetails): Label[] {
    const { label, shape, source, destinations, protocolIdentifier, carriesFromMilliseconds } = details
    const list: readonly Host[] = 'address' in destinations ? [destinations] : destinations
    return list.map((destination) => ({
      label,
      shape,
      sourceAddress: source.address.text,
      destinationAddress: destination.address.text,
      protocolIdentifier,
      destinationTransportPort: details.destinationTransportPort ?? 0,
      startMilliseconds: details.startMilliseconds ?? startMilliseconds,
      endMilliseconds: Math.min(endMilliseconds, details.endMilliseconds ?? endMilliseconds),
      ...(carriesFromMilliseconds === undefined ? {} : { carriesFromMilliseconds }),
      devices: [
        ...exporterPaths(source.zone, destination.zone).map(({ index }) => network.exporters[index]!.name),
        ...firewallPaths(source.zone, destination.zone).map(({ index }) => network.firewalls[index]!.name),
      ],
    }))
  }

  function populate() {
    const behaviours: Behaviour[] = []
    const labels: Label[] = []
    options.populate({
      startMilliseconds,
      endMilliseconds,
      context: (name, start = startMilliseconds) => ({ random: root.fork(name), startMilliseconds: start }),
      add(behaviour, ...details) {
        behaviours.push(behaviour)
        for (const detail of details) labels.push(...labelsOf(detail))
      },
    })
    return { behaviours, labels }
  }

  function* run(): Generator<Datagram, void> {
    const queue: Datagram[] = []
    const sinkOf = (exporterAddress: string, sourcePort: number, listenerPort: number): DatagramSink => {
      return (timeMilliseconds, payload) => {
        queue.push({ timeMilliseconds, exporterAddress, sourcePort, listenerPort, transport: 'udp', payload })
      }
    }
    const exporters: Device<number>[] = network.exporters.map((base, index) => {
      const settings = { ...base, faults: { ...base.faults, ...options.faults?.[base.name] } }
      const sink = sinkOf(settings.address, FIRST_SOURCE_PORT + index, settings.listenerPort)
      return createExporter(settings, root.fork(`exporter ${settings.name}`), startMilliseconds, sink)
    })
    const firewalls: Device<string>[] = network.firewalls.map((settings) =>
      createFirewall(
        settings,
        root.fork(`firewall ${settings.name}`),
        sinkOf(settings.address, 514, settings.listenerPort),
      ),
    )
    const devices = [...exporters, ...firewalls]
    let tick = startMilliseconds + TICK_MILLISECONDS
    function* drain(): Generator<Datagram, void> {
      yield* queue
      queue.length = 0
    }
    for (const activity of mergeByTime(populate().behaviours, endMilliseconds)) {
      for (; tick <= activity.timeMilliseconds; tick += TICK_MILLISECONDS) {
        for (const device of devices) device.advance(tick)
      }
      const from = activity.source.zone
      const to = activity.destination.zone
      if (from !== to) {
        for (const { index, ingress, egress } of exporterPaths(from, to)) {
          exporters[index]!.observe(activity, ingress, egress)
        }
        for (const { index, ingress, egress } of firewallPaths(from, to)) {
          firewalls[index]!.observe(activity, ingress, egress)
        }
      }
      if (queue.length > 0) yield* drain()
    }
    for (; tick <= endMilliseconds; tick += TICK_MILLISECONDS) {
      for (const device of devices) device.advance(tick)
      if (queue.length > 0) yield* drain()
    }
    if (options.flush === true) for (const device of devices) device.close(endMilliseconds)
    yield* drain()
  }

  return { network, labels: populate().labels, datagrams: { [Symbol.iterator]: run } }
}

/** The small network of the sixteen scenarios: monitors and tunnels of every kind, seen by one exporter or two. */

import type { Activity, Behaviour } from '#simulate/activity.js'
import { carriesFrom } from '#simulate/carrying.js'
import {
  createNetwork,
  type ExporterSettings,
  exporterDefaults,
  type Host,
  type Network,
} from '#simulate/network.js'
import { createRandom } from '#simulate/random.js'
import { type Simulation, simulate, type TrafficPlan } from '#simulate/scenario.js'
import {
  balancedTunnel,
  bulkTunnel,
  idleTunnel,
  interactiveTunnel,
  pollingShell,
} from '#simulate/traffic/icmp-tunnels.js'
import { healthChecks, mtr, pingSeries, smokeping, steadyPing } from '#simulate/traffic/monitors.js'

const MINUTE = 60_000
const START = Date.UTC(2026, 2, 2, 9)
const USERS = 40
/** The outer address of a translation. */
export const TRANSLATED = '198.51.100.1'
const OUTSIDERS = 60

/** Hosts of the world; `translated` is the address that inside hosts get outside. */
export type World = {
  readonly network: Network
  readonly users: readonly Host[]
  readonly outside: readonly Host[]
  readonly monitor: Host
  readonly router: Host
  readonly translated: Host
  readonly broadcast: Host
}

export type WorldOptions = {
  readonly seed: number
  readonly minutes: number
  /** One exporter for each: what differs from version 9, 60 s active, 15 s idle. */
  readonly exporters: readonly Partial<ExporterSettings>[]
  /** Replies that the network loses, all pairs alike. */
  readonly lossProbability?: number
  /** Changes what the wire carries, such as addresses. */
  readonly translate?: (activities: Activity[], world: World) => Activity[]
  /** Traffic beside that of every scenario. */
  readonly more?: (plan: TrafficPlan, world: World) => void
}

function buildWorld(exporters: readonly Partial<ExporterSettings>[]): World {
  const network = createNetwork()
  const users = Array.from({ length: USERS }, (_, index) =>
    network.addHost(`user-${index}`, 'workstation', 'office', `10.0.0.${20 + index}`),
  )
  const outside = Array.from({ length: OUTSIDERS }, (_, index) =>
    network.addHost(`outside-${index}`, 'internet', 'internet', `203.0.113.${10 + index}`),
  )
  for (const [index, settings] of exporters.entries()) {
    network.exporters.push(
      exporterDefaults({
        name: `edge-${index}`,
        address: `10.0.0.${1 + index}`,
        version: 9,
        listenerPort: 2055,
        timeStyle: 'sysUpTime',
        home: ['office', 'dmz'],
        interfaces: { office: 1, internet: 2, dmz: 1 },
        ...settings,
      }),
    )
  }
  return {
    network,
    users,
    outside,
    monitor: network.addHost('noc', 'monitor', 'office', '10.0.0.10'),
    router: network.addHost('router', 'router', 'office', '10.0.0.1'),
    translated: network.addHost('nat', 'router', 'dmz', TRANSLATED),
    broadcast: network.addHost('broadcast', 'internet', 'internet', '203.0.113.255'),
  }
}

function addMonitors(plan: TrafficPlan, { users, outside, monitor, router }: World): void {
  const add = (shape: string, source: Host, targets: Host | readonly Host[], behaviour: Behaviour) =>
    plan.add(behaviour, { label: 'icmp_benign', shape, source, destinations: targets, protocolIdentifier: 1 })
  const context = plan.context
  add('ping', monitor, outside[0]!, steadyPing(context('ping'), monitor, outside[0]!))
  add('windows-ping', users[0]!, outside[1]!, pingSeries(context('windows'), users[0]!, outside[1]!))
  const targets = outside.slice(2, 6)
  add('smokeping', monitor, targets, smokeping(context('smokeping'), monitor, targets))
  const checked = outside.slice(6, 10)
  add('health-check', monitor, checked, healthChecks(context('health'), monitor, checked))
  add(
    'ping-528',
    users[1]!,
    outside[10]!,
    steadyPing(context('528'), users[1]!, outside[10]!, 5000, { octets: 528 }),
  )
  add(
    'ping-1428',
    users[2]!,
    outside[11]!,
    steadyPing(context('1428'), users[2]!, outside[11]!, 1000, { octets: 1428 }),
  )
  add('mtr', users[3]!, outside[12]!, mtr(context('mtr'), users[3]!, [router, outside[12]!], 3000))
}

/** Tunnels that answer with data of their own; each begins in the first minute and goes on to the end. */
function addTunnels(plan: TrafficPlan, { users, outside }: World, minutes: number): void {
  const shapes = [
    ['interactive-tunnel', interactiveTunnel],
    ['idle-tunnel', idleTunnel],
    ['bulk-tunnel', (context, ends) => bulkTunnel(context, ends, 20_000_000)],
    ['balanced-tunnel', (context, ends) => balancedTunnel(context, ends, (minutes * MINUTE) / 2.2)],
    ['polling-shell', pollingShell],
    ['slow-polling-shell', (context, ends) => pollingShell(context, ends, 5000)],
  ] as const satisfies readonly (readonly [string, typeof idleTunnel])[]
  for (const [index, [shape, make]] of shapes.entries()) {
    const [client, server] = [users[20 + index]!, outside[40 + index]!]
    const behaviour = () => make(plan.context(shape), { client, server })
    plan.add(behaviour(), {
      label: 'icmp_tunnel',
      shape,
      source: client,
      destinations: server,
      protocolIdentifier: 1,
      carriesFromMilliseconds: carriesFrom(behaviour(), plan.endMilliseconds),
    })
  }
}

/** Applies a change to each batch of a behaviour. */
function* changed(
  behaviour: Behaviour,
  change: (batch: Activity[]) => Activity[],
): Generator<Activity[], void> {
  for (;;) {
    const step = behaviour.next()
    if (step.done === true) return
    yield change(step.value)
  }
}

/** The world as a simulation; `more` may add to its traffic. */
export function scenarioWorld(options: WorldOptions): Simulation {
  const { seed, minutes, exporters, lossProbability = 0, translate, more } = options
  const world = buildWorld(exporters)
  return simulate({
    seed,
    startMilliseconds: START,
    durationMilliseconds: minutes * MINUTE,
    network: world.network,
    populate(plan) {
      const losses = createRandom(seed ^ 0x10c5)
      const change = (batch: Activity[]) => {
        const kept =
          lossProbability === 0
            ? batch
            : batch.filter(
                ({ direction }, index) => index === 0 || direction === 0 || !losses.chance(lossProbability),
              )
        return translate === undefined ? kept : translate(kept, world)
      }
      const changing: TrafficPlan = {
        ...plan,
        add: (behaviour, ...labels) => plan.add(changed(behaviour, change), ...labels),
      }
      addMonitors(changing, world)
      addTunnels(changing, world, minutes)
      more?.(changing, world)
    },
  })
}

/** The stealth curve: how little an hour a channel must carry for its detection to be lost. */
import { defaultLearning, nothingKnown } from '#core/detectors/surroundings.js'
import type { Behaviour } from '#simulate/activity.js'
import { createNetwork, exporterDefaults, type Host } from '#simulate/network.js'
import { simulate, type TrafficPlan } from '#simulate/scenario.js'
import { mirroredBeacon, oneWayExfiltration } from '#simulate/traffic/icmp-tunnels.js'
import { echo, healthChecks } from '#simulate/traffic/monitors.js'
import { machinePace, type TrafficContext } from '#simulate/traffic/packets.js'
import { datagramsOf, truthsOf } from './enterprise.js'
import { evaluateStore } from './evaluate-store.js'
import { withStore } from './judge.js'

const START = Date.UTC(2026, 0, 5)
const HOUR = 3_600_000
const DAY = 24 * HOUR
/** What is hidden begins after learning and has this long to be noticed. */
const LEARNING_DAYS = 7
const HIDDEN_DAYS = 3
const JITTERS = [0, 0.1, 0.25]
const BEACON_OCTETS = 60
const ONE_WAY_OCTETS = 816
/** What one message of an answering tunnel carries, beside the pings that keep it open. */
const MESSAGE_OCTETS = 32
const KEEP_ALIVE_MILLISECONDS = 10_000
const periodsSeconds = [5, 20, 60, 300, 900, 1800, 3600, 7200, 21_600, 43_200]

/** A channel at one rate: of the octets that requests have an hour, or that messages carry an hour. */
export type StealthPoint = {
  readonly channel: 'mirrored beacon' | 'one-way stream' | 'answering tunnel'
  readonly octetsPerHour: number
  readonly found: number
  /** Of those, told of for what they carry; the others for being new and lasting pings. */
  readonly high: number
  readonly of: number
  /** Median, from the first packet. */
  readonly delayMilliseconds: number | undefined
}

/** Pings of one size, and every so often one whose reply brings a message. */
function answeringTunnel(
  context: TrafficContext,
  client: Host,
  server: Host,
  messageMilliseconds: number,
): Behaviour {
  let next = context.startMilliseconds + context.random.between(0, messageMilliseconds)
  return machinePace(context, KEEP_ALIVE_MILLISECONDS, 50, (time) => {
    const isMessage = time >= next
    if (isMessage) next += messageMilliseconds
    const replyOctets = isMessage ? 84 + MESSAGE_OCTETS : 84
    return echo(context, time, client, server, 5, { octets: 84, replyOctets })
  })
}

/** Channels at every rate in one site, with a monitor of its own to learn from. */
export async function evaluateStealth(seed: number): Promise<StealthPoint[]> {
  const network = createNetwork()
  network.exporters.push(
    exporterDefaults({
      name: 'edge',
      address: '10.0.0.1',
      version: 9,
      listenerPort: 2055,
      timeStyle: 'sysUpTime',
      home: ['office'],
      interfaces: { office: 1, internet: 2 },
    }),
  )
  const monitor = network.addHost('noc', 'monitor', 'office', '10.0.0.5')
  const targets = Array.from({ length: 8 }, (_, index) =>
    network.addHost(`target-${index}`, 'internet', 'internet', `203.0.113.${1 + index}`),
  )
  let count = 0
  const rates = new Map<string, { channel: StealthPoint['channel']; octetsPerHour: number }>()
  const ends = (channel: StealthPoint['channel'], octetsPerHour: number) => {
    const index = count++
    const address = `10.1.${Math.floor(index / 200)}.${1 + (index % 200)}`
    const client = network.addHost(`client-${index}`, 'workstation', 'office', address)
    const outside = `192.0.${2 + Math.floor(index / 200)}.${1 + (index % 200)}`
    const server = network.addHost(`server-${index}`, 'internet', 'internet', outside)
    rates.set(address, { channel, octetsPerHour: Math.round(octetsPerHour) })
    return { client, server }
  }
  const hiddenFrom = START + LEARNING_DAYS * DAY + HOUR
  const makers: ((plan: TrafficPlan) => void)[] = []
  const hide = (
    channel: StealthPoint['channel'],
    octetsPerHour: number,
    make: (context: TrafficContext, client: Host, server: Host) => Behaviour,
  ) => {
    const { client, server } = ends(channel, octetsPerHour)
    makers.push((plan) => {
      const context = plan.context(`${channel} ${client.name}`, hiddenFrom)
      plan.add(make(context, client, server), {
        label: 'icmp_tunnel',
        shape: channel,
        source: client,
        destinations: server,
        protocolIdentifier: 1,
        startMilliseconds: hiddenFrom,
      })
    })
  }
  for (const seconds of periodsSeconds) {
    const period = seconds * 1000
    for (const jitter of JITTERS) {
      hide('mirrored beacon', (BEACON_OCTETS * HOUR) / period, (context, client, server) =>
        mirroredBeacon(context, { client, server }, BEACON_OCTETS, period, jitter),
      )
      hide('one-way stream', (ONE_WAY_OCTETS * HOUR) / period, (context, client, server) =>
        oneWayExfiltration(context, { client, server }, ONE_WAY_OCTETS, period),
      )
      hide('answering tunnel', (MESSAGE_OCTETS * HOUR) / period, (context, client, server) =>
        answeringTunnel(context, client, server, period),
      )
    }
  }
  const simulation = simulate({
    seed,
    startMilliseconds: START,
    durationMilliseconds: (LEARNING_DAYS + HIDDEN_DAYS) * DAY,
    network,
    populate(plan) {
      plan.add(healthChecks(plan.context('monitor'), monitor, targets, 60_000, { octets: 84 }))
      for (const make of makers) make(plan)
    },
  })
  const surroundings = {
    ...nothingKnown,
    learning: { ...defaultLearning, periodMilliseconds: LEARNING_DAYS * DAY },
  }
  const truths = truthsOf(simulation)
  const { cases } = await withStore(datagramsOf(simulation), (store) =>
    evaluateStore(store, truths, { surroundings, withPeers: false }),
  )
  const points = new Map<string, { point: StealthPoint; delays: number[] }>()
  for (const { truth, isFound, severity, delayMilliseconds } of cases) {
    const rate = rates.get(truth.source)!
    const key = `${rate.channel} ${rate.octetsPerHour}`
    const known = points.get(key) ?? {
      point: { ...rate, found: 0, high: 0, of: 0, delayMilliseconds: undefined },
      delays: [],
    }
    const { point, delays } = known
    if (delayMilliseconds !== undefined) delays.push(delayMilliseconds)
    const high = point.high + Number(severity === 'high')
    const found = point.found + Number(isFound)
    points.set(key, { point: { ...point, found, high, of: point.of + 1 }, delays })
  }
  return [...points.values()].map(({ point, delays }) => {
    const middle = delays.sort((one, other) => one - other)[Math.floor(delays.length / 2)]
    return { ...point, delayMilliseconds: middle }
  })
}

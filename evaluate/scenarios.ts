/** (b) The sixteen scenarios of holes in telemetry and of pings that look odd, each with the same tunnels among them. */
import type { Activity } from '#simulate/activity.js'
import type { ExporterFaults } from '#simulate/faults.js'
import type { ExporterSettings, Host } from '#simulate/network.js'
import { createRandom } from '#simulate/random.js'
import type { TrafficPlan } from '#simulate/scenario.js'
import { echo, pingFlood, pingSeries, steadyPing } from '#simulate/traffic/monitors.js'
import { fragments, machinePace, type TrafficContext } from '#simulate/traffic/packets.js'
import { broadcastPing } from '#simulate/traffic/traps.js'
import { datagramsOf, truthsOf } from './enterprise.js'
import { evaluateStore } from './evaluate-store.js'
import { withStore } from './judge.js'
import { renumberingRelay } from './relay.js'
import { scenarioWorld, TRANSLATED, type World, type WorldOptions } from './scenario-world.js'
import type { Case, FalseAlarm, Truth } from './score.js'

type Scenario = Omit<WorldOptions, 'seed' | 'minutes' | 'exporters'> & {
  /** As in the list of what an evaluation must contain. */
  readonly number: number
  readonly name: string
  readonly exporters?: WorldOptions['exporters']
  readonly minutes?: number
  /** Judged so often; at the end of the data when it is longer than that. */
  readonly stepMilliseconds?: number
  /** Lost before a relay that numbers datagrams anew. */
  readonly hiddenLoss?: number
}

const MINUTES = 90
const DAY = 86_400_000

const faulty = (...faults: ExporterFaults[]): Partial<ExporterSettings>[] =>
  faults.map((own) => ({ faults: own }))

function ping(
  plan: TrafficPlan,
  shape: string,
  source: Host,
  destination: Host,
  make: (context: TrafficContext) => ReturnType<typeof steadyPing>,
): void {
  plan.add(make(plan.context(shape)), {
    label: 'icmp_benign',
    shape,
    source,
    destinations: destination,
    protocolIdentifier: 1,
  })
}

/** Both sides of an address translation are metered. */
function bothSides(batch: Activity[], { translated }: World): Activity[] {
  return batch.flatMap((activity) => {
    const { source, destination } = activity
    if (source.zone !== 'office' && destination.zone !== 'office') return [activity]
    const outer =
      source.zone === 'office'
        ? { ...activity, source: translated, timeMilliseconds: activity.timeMilliseconds + 0.1 }
        : { ...activity, destination: translated }
    return [activity, outer]
  })
}

function oddResponders(plan: TrafficPlan, { users, outside, broadcast }: World): void {
  const [one, two, three, four] = users.slice(4)
  ping(plan, 'truncating', one!, outside[13]!, (c) =>
    steadyPing(c, one!, outside[13]!, 1000, { octets: 128, replyOctets: 96 }),
  )
  ping(plan, 'duplicating', two!, outside[14]!, (c) =>
    steadyPing(c, two!, outside[14]!, 1000, { duplicateProbability: 0.004 }),
  )
  ping(plan, 'always twice', three!, outside[15]!, (c) =>
    steadyPing(c, three!, outside[15]!, 1000, { duplicateProbability: 1 }),
  )
  const responders = outside.slice(16, 24)
  plan.add(broadcastPing(plan.context('broadcast'), four!, broadcast, responders, 600_000, 120), {
    label: 'icmp_benign',
    shape: 'broadcast',
    source: four!,
    destinations: [broadcast, ...responders],
    protocolIdentifier: 1,
  })
}

function longPings(plan: TrafficPlan, { users, outside }: World): void {
  const [one, two] = users.slice(4)
  ping(plan, '5000 octets', one!, outside[13]!, (c) =>
    steadyPing(c, one!, outside[13]!, 1000, { octets: 5028 }),
  )
  // A frame of 9,000 octets leaves whole and comes back over a link of 1,500.
  ping(plan, 'jumbo, unequal MTU', two!, outside[14]!, (c) =>
    machinePace(c, 1000, 1, (time) =>
      echo(c, time, two!, outside[14]!, 8, { octets: 8000, mtuOctets: 9000 }).flatMap((packet) =>
        packet.direction === 1 ? fragments(packet, 1500) : [packet],
      ),
    ),
  )
}

function withOptions(plan: TrafficPlan, { users, outside }: World): void {
  const [one, two] = users.slice(4)
  ping(plan, 'record route', one!, outside[13]!, (c) =>
    steadyPing(c, one!, outside[13]!, 1000, { octets: 124 }),
  )
  ping(plan, 'options left out of replies', two!, outside[14]!, (c) =>
    steadyPing(c, two!, outside[14]!, 1000, { octets: 124, replyOctets: 84 }),
  )
}

function slowAndFast(plan: TrafficPlan, { users, outside }: World): void {
  const [one, two] = users.slice(4)
  ping(plan, 'round trip of 2.5 s', one!, outside[13]!, (c) =>
    steadyPing(c, one!, outside[13]!, 1000, { roundTripMilliseconds: 2500, lossProbability: 0.01 }),
  )
  ping(plan, 'ping -f', two!, outside[14]!, (c) => pingFlood(c, two!, outside[14]!, 0.01, 1_200_000))
}

/** Sizes go round: monitors of line quality. */
function cycling(
  context: TrafficContext,
  client: Host,
  server: Host,
  sizes: readonly number[],
  period: number,
) {
  let count = 0
  return machinePace(context, period, 20, (time) => {
    const octets = sizes[count++ % sizes.length]!
    return echo(context, time, client, server, 12, { octets, lossProbability: 0.005 })
  })
}

function otherMonitors(plan: TrafficPlan, { users, outside }: World): void {
  const add = (
    index: number,
    shape: string,
    make: (context: TrafficContext, client: Host, server: Host) => ReturnType<typeof steadyPing>,
  ) => {
    const [client, server] = [users[4 + index]!, outside[13 + index]!]
    ping(plan, shape, client, server, (context) => make(context, client, server))
  }
  add(0, 'five of 68 every 5 min', (c, from, to) =>
    pingSeries(c, from, to, 300_000, 5, 80, { octets: 96, lossProbability: 0.01 }),
  )
  add(1, 'five of 60 a minute', (c, from, to) => pingSeries(c, from, to, 60_000, 5, 500, { octets: 60 }))
  add(2, 'three every 10 s, lossy', (c, from, to) =>
    pingSeries(c, from, to, 10_000, 3, 20, { octets: 84, lossProbability: 0.05 }),
  )
  add(3, '28 octets a second', (c, from, to) => steadyPing(c, from, to, 1000, { octets: 28 }))
  add(4, 'five sizes in turn', (c, from, to) => cycling(c, from, to, [64, 128, 256, 512, 1024], 10_000))
  add(5, 'growing sizes', (c, from, to) =>
    cycling(
      c,
      from,
      to,
      Array.from({ length: 90 }, (_, n) => 60 + 16 * n),
      2000,
    ),
  )
  add(6, 'ten a second, lossy', (c, from, to) =>
    steadyPing(c, from, to, 100, { octets: 120, lossProbability: 0.02 }),
  )
}

/** Every row of the sixteen. */
export const scenarios: readonly Scenario[] = [
  { number: 1, name: 'judged as rows come' },
  { number: 1, name: 'judged at the end', stepMilliseconds: DAY },
  ...[0.001, 0.005, 0.02].flatMap((loss): Scenario[] => [
    {
      number: 2,
      name: `${loss * 100} % of datagrams lost, gaps show`,
      exporters: faulty({ datagramLossProbability: loss }),
    },
    { number: 2, name: `${loss * 100} % of datagrams lost, no gap shows`, hiddenLoss: loss },
  ]),
  { number: 2, name: '2 % of datagrams late', exporters: faulty({ datagramReorderProbability: 0.02 }) },
  { number: 3, name: 'meter drops 0.1 % of packets', exporters: faulty({ meterDropProbability: 0.001 }) },
  ...[0.002, 0.02, 0.1].map(
    (lossProbability): Scenario => ({
      number: 4,
      name: `network loses ${lossProbability * 100} % of replies`,
      lossProbability,
    }),
  ),
  { number: 5, name: 'in progress at the end, no flush', minutes: 40 },
  { number: 6, name: 'both directions metered twice', exporters: faulty({ doubleMetering: 'both' }) },
  { number: 6, name: 'only replies metered twice', exporters: faulty({ doubleMetering: 'reverse' }) },
  {
    number: 7,
    name: 'asymmetric: each way its exporter',
    exporters: faulty({ missingReverseProbability: 1 }, { missingForwardProbability: 1 }),
  },
  {
    number: 7,
    name: 'ECMP: half of the requests each',
    exporters: faulty(
      { missingForwardProbability: 0.5 },
      { missingForwardProbability: 0.5, missingReverseProbability: 1 },
    ),
  },
  { number: 7, name: 'both sides of an address translation', translate: bothSides },
  { number: 8, name: 'unannounced sampling 1:10', exporters: faulty({ unannouncedSamplingInterval: 10 }) },
  {
    number: 8,
    name: 'unannounced sampling 1:1000',
    exporters: faulty({ unannouncedSamplingInterval: 1000 }),
  },
  {
    number: 9,
    name: 'replies counted with 14 octets of layer 2',
    exporters: faulty({ layer2OctetsReverse: 14 }),
  },
  { number: 9, name: 'requests counted with a VLAN tag', exporters: faulty({ layer2OctetsForward: 4 }) },
  {
    number: 9,
    name: 'short replies padded to 46 octets',
    more: (plan, { users, outside }) =>
      ping(plan, 'padded', users[4]!, outside[13]!, (c) =>
        steadyPing(c, users[4]!, outside[13]!, 1000, { octets: 32, replyOctets: 46 }),
      ),
  },
  { number: 10, name: 'truncated, duplicated, broadcast', more: oddResponders },
  { number: 11, name: '5,000 octets and jumbo, unequal MTUs', more: longPings },
  { number: 12, name: 'IP options, kept and left out', more: withOptions },
  { number: 13, name: 'round trips beyond the interval, ping -f', more: slowAndFast },
  ...[60, 300, 1800].map(
    (seconds): Scenario => ({
      number: 14,
      name: `idle tunnel and others, active timeout ${seconds} s`,
      minutes: 180,
      exporters: [{ activeTimeoutMilliseconds: seconds * 1000 }],
    }),
  ),
  {
    number: 15,
    name: 'another meter: sweeps every 10 s, times in seconds',
    exporters: [{ sweepMilliseconds: 10_000, version: 10, timeStyle: 'seconds' }],
  },
  {
    number: 15,
    name: 'another meter: sweeps every 30 s, version 5',
    exporters: [
      { sweepMilliseconds: 30_000, version: 5, icmpStyle: 'destinationPort', observationDomainId: 0 },
    ],
  },
  {
    number: 15,
    name: 'another meter: biflows, 300 s',
    exporters: [{ biflow: true, version: 10, timeStyle: 'milliseconds', activeTimeoutMilliseconds: 300_000 }],
  },
  { number: 16, name: 'monitors of other makes', more: otherMonitors },
]

/** Behind a translation the same tunnels show once more, under the outer address. */
function withTranslated(truths: readonly Truth[], isTranslated: boolean): Truth[] {
  const hidden = isTranslated ? truths.filter(({ kind }) => kind !== 'benign') : []
  return [...truths, ...hidden.map((truth): Truth => ({ ...truth, kind: 'other', source: TRANSLATED }))]
}

export type ScenarioResult = {
  readonly number: number
  readonly name: string
  readonly cases: readonly Case[]
  readonly falseAlarms: readonly FalseAlarm[]
  /** Benign pairs of all runs. */
  readonly benignPairs: number
  /** What the detectors said that they could not see. */
  readonly blindness: readonly string[]
}

/** Runs one scenario with some seeds. */
export async function evaluateScenario(index: number, seeds: readonly number[]): Promise<ScenarioResult> {
  const {
    number,
    name,
    exporters = [{}],
    minutes = MINUTES,
    stepMilliseconds,
    hiddenLoss,
    ...rest
  } = scenarios[index]!
  const cases: Case[] = []
  const falseAlarms: FalseAlarm[] = []
  const blindness = new Set<string>()
  let benignPairs = 0
  for (const seed of seeds) {
    const simulation = scenarioWorld({ ...rest, seed, minutes, exporters })
    const sent = datagramsOf(simulation)
    const datagrams = hiddenLoss === undefined ? sent : renumberingRelay(sent, hiddenLoss, createRandom(seed))
    const truths = withTranslated(truthsOf(simulation), rest.translate !== undefined)
    const result = await withStore(datagrams, (store) =>
      evaluateStore(store, truths, {
        withPeers: false,
        ...(stepMilliseconds === undefined ? {} : { stepMilliseconds }),
      }),
    )
    cases.push(...result.cases)
    falseAlarms.push(...result.falseAlarms)
    benignPairs += truths.filter(({ kind }) => kind === 'benign').length
    for (const { observation } of result.alarms)
      if (observation.kind === 'coverage') for (const { code } of observation.reasons) blindness.add(code)
  }
  return { number, name, cases, falseAlarms, benignPairs, blindness: [...blindness] }
}

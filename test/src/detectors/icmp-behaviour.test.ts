/** What ICMP does over days: learned monitors, beacons that just echo, replies nobody asked for, odd types, errors. */
import t from 'tap'
import type { Learned, Tuple } from '#core/detectors/detector.js'
import { behaviourOf, type PairSurroundings, spreadOf } from '#core/detectors/icmp-tunnel/behaviour.js'
import { Histories } from '#core/detectors/icmp-tunnel/histories.js'
import { icmpTunnel } from '#core/detectors/icmp-tunnel/index.js'
import type { Slice } from '#core/detectors/icmp-tunnel/mirror.js'
import type { Settings } from '#core/detectors/icmp-tunnel/settings.js'
import { settingsOf } from '#core/detectors/settings.js'
import { makeSurroundings, nothingKnown, type SurroundingsData } from '#core/detectors/surroundings.js'
import type { Observation } from '#core/findings/finding.js'
import type { Activity, Behaviour } from '#simulate/activity.js'
import { createNetwork, exporterDefaults, type Host } from '#simulate/network.js'
import { type Simulation, simulate, type TrafficPlan } from '#simulate/scenario.js'
import { mirroredBeacon, oneWayExfiltration } from '#simulate/traffic/icmp-tunnels.js'
import { mtr, steadyPing, unreachableErrors } from '#simulate/traffic/monitors.js'
import { during, icmp, machinePace } from '#simulate/traffic/packets.js'
import { judgeDatagrams } from '../../support/judge.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const START = Date.UTC(2026, 2, 2)
const LEARNING_DAYS = 3
const learning = { periodMilliseconds: LEARNING_DAYS * DAY, halfLifeMilliseconds: 7 * DAY, isFrozen: false }
const surroundings: SurroundingsData = { ...nothingKnown, learning }
const settings = settingsOf(icmpTunnel, {}) as Settings

/** Three and a half days of a monitor that pings eight hosts, and whatever else begins after the third. */
function site(populate: (plan: TrafficPlan, hosts: Hosts, eventAt: number) => void): Simulation {
  const network = createNetwork()
  const host = (name: string, role: 'monitor' | 'server' | 'workstation' | 'router', last: number) =>
    network.addHost(name, role, 'office', `10.0.0.${last}`)
  const peers = Array.from({ length: 8 }, (_, index) =>
    network.addHost(`peer-${index}`, 'server', 'branch', `10.0.1.${10 + index}`),
  )
  const outside = Array.from({ length: 12 }, (_, index) =>
    network.addHost(`outside-${index}`, 'internet', 'internet', `203.0.113.${10 + index}`),
  )
  const hosts = {
    monitor: host('noc', 'monitor', 5),
    router: host('router', 'router', 1),
    users: Array.from({ length: 6 }, (_, index) => host(`user-${index}`, 'workstation', 50 + index)),
    peers,
    outside,
  }
  network.exporters.push(
    exporterDefaults({
      name: 'router',
      address: '10.0.0.1',
      listenerPort: 2055,
      version: 9,
      observationDomainId: 1,
      home: ['office'],
      interfaces: { office: 1, branch: 2, internet: 3 },
    }),
  )
  return simulate({
    seed: 11,
    startMilliseconds: START,
    durationMilliseconds: LEARNING_DAYS * DAY + 8 * HOUR,
    network,
    populate(plan) {
      for (const peer of [...hosts.peers, ...outside.slice(0, 3)])
        plan.add(steadyPing(plan.context(`ping ${peer.name}`), hosts.monitor, peer, MINUTE))
      populate(plan, hosts, START + LEARNING_DAYS * DAY + HOUR)
    },
  })
}

type Hosts = {
  monitor: Host
  router: Host
  users: readonly Host[]
  peers: readonly Host[]
  outside: readonly Host[]
}

async function judged(simulation: Simulation, around = surroundings) {
  const datagrams = function* () {
    for (const { timeMilliseconds, exporterAddress, listenerPort, payload } of simulation.datagrams)
      yield { timeMilliseconds, source: exporterAddress, port: listenerPort, payload }
  }
  return judgeDatagrams(datagrams(), icmpTunnel, around)
}

const findingsOf = ({ observations }: { observations: readonly Observation[] }) =>
  observations.filter(({ kind }) => kind === 'finding')
const pairsOf = (observations: readonly Observation[]) =>
  observations.map(
    ({ sourceAddresses, destinationAddresses }) => `${sourceAddresses[0]} ${destinationAddresses[0]}`,
  )

t.test('a beacon that is just echoed is told of once the site is known; what people do is not', async (t) => {
  const simulation = site((plan, { users, outside, peers, router }, at) => {
    const add = (name: string, behaviour: (context: ReturnType<TrafficPlan['context']>) => Behaviour) =>
      plan.add(behaviour(plan.context(name, at)))
    add('beacon', (context) =>
      mirroredBeacon(context, { client: users[0]!, server: outside[5]! }, 60, 20_000, 0.25),
    )
    add('sparse', (context) =>
      mirroredBeacon(context, { client: users[1]!, server: outside[6]! }, 84, 15 * MINUTE, 0.1),
    )
    // Somebody looks for a fault for forty minutes.
    add('person', (context) => during(steadyPing(context, users[2]!, outside[7]!), at, at + 40 * MINUTE))
    add('mtr', (context) => mtr(context, users[3]!, [router, peers[0]!, outside[8]!], 1200))
  })
  const { observations, judge } = await judged(simulation)
  const found = findingsOf({ observations })
  t.same(pairsOf(found).sort(), ['10.0.0.50 203.0.113.15', '10.0.0.51 203.0.113.16'])
  const [beacon] = found
  t.match(beacon?.title, /^unsanctioned monitor: /)
  t.ok(beacon?.severity === 'low' || beacon?.severity === 'medium')
  t.ok(
    beacon?.reasons.some(({ code }) => code === 'to-sanction'),
    'it says what would make it sanctioned',
  )

  const ask = (tuple: Pick<Tuple, 'source' | 'destination'>) =>
    judge!.explain!({ ...tuple, protocolIdentifier: 1 }, START + LEARNING_DAYS * DAY + 7 * HOUR)
  const usual = ask({ source: '10.0.0.5', destination: '10.0.1.10' })
  t.equal(usual.isUsual, true)
  t.match(usual.facts.join('; '), /has long pinged 5 peers and more/)
  t.equal(ask({ source: '10.0.0.50', destination: '203.0.113.15' }).isUsual, false)
})

t.test(
  'a monitor that is sanctioned, or put up for many at once, is no finding; nothing is new while learning',
  async (t) => {
    const beacon = (plan: TrafficPlan, { users, outside }: Hosts, at: number) =>
      plan.add(
        mirroredBeacon(
          plan.context('beacon', at),
          { client: users[0]!, server: outside[5]! },
          60,
          20_000,
          0.25,
        ),
      )
    const sanctioned: SurroundingsData = {
      ...surroundings,
      context: {
        ...nothingKnown.context,
        monitors: [{ source: '10.0.0.50', target: '203.0.113.0/24', octets: 60, owner: 'net team' }],
      },
    }
    t.same(pairsOf(findingsOf(await judged(site(beacon), sanctioned))), [])
    const many = site((plan, { users, peers }, at) => {
      for (const peer of peers)
        plan.add(steadyPing(plan.context(`new ${peer.name}`, at), users[0]!, peer, 30_000))
    })
    t.same(pairsOf(findingsOf(await judged(many))), [])
    const young = { ...surroundings, learning: { ...learning, periodMilliseconds: 30 * DAY } }
    t.same(pairsOf(findingsOf(await judged(site(beacon), young))), [])
  },
)

t.test('before anything came nothing is learned', async (t) => {
  const judge = icmpTunnel.start(settings, makeSurroundings(surroundings))
  judge.evaluate(START)
  t.equal(judge.learned!(), undefined)
})

t.test(
  'what is learned is the same whether a judge goes on or begins with what another learned',
  async (t) => {
    const { judge } = await judged(site(() => {}))
    const learned = JSON.parse(JSON.stringify(judge!.learned!())) as Learned
    t.same(icmpTunnel.faultsOf!(learned, learned.toMilliseconds), [])
    t.ok(learned.toMilliseconds - learned.fromMilliseconds >= LEARNING_DAYS * DAY)
    const again = await judged(
      site(() => {}),
      { ...surroundings, learned },
    )
    t.same(
      (again.judge!.learned!()!.data as { knowledge: unknown }).knowledge,
      (learned.data as { knowledge: unknown }).knowledge,
      'rows that were learned from are not learned from again',
    )
  },
)

/** One message each period, of a type and length of its own. */
function messages(
  context: ReturnType<TrafficPlan['context']>,
  from: Host,
  to: Host,
  type: number,
  code: number,
  octets: () => number,
  periodMilliseconds: number,
): Behaviour {
  return machinePace(context, periodMilliseconds, 0, (time): Activity[] => [
    icmp(time, from, to, type, code, octets(), 0, 1),
  ])
}

t.test('tier A beside the mirror: unasked replies, odd types, errors that nothing provoked', async (t) => {
  const simulation = site((plan, { users, outside, peers, router }, at) => {
    const context = (name: string) => plan.context(name, at)
    plan.add(messages(context('replies'), outside[4]!, users[0]!, 0, 0, () => 600, 5000))
    plan.add(messages(context('stamps'), users[1]!, outside[5]!, 13, 0, () => 400, 5000))
    plan.add(messages(context('plain stamps'), users[1]!, outside[6]!, 13, 0, () => 40, 5000))
    plan.add(messages(context('errors'), users[2]!, outside[7]!, 3, 3, () => 300, 5000))
    plan.add(oneWayExfiltration(context('one way'), { client: users[3]!, server: outside[8]! }))
    plan.add(unreachableErrors(context('closed ports'), users[4]!, peers, router))
  })
  const found = findingsOf(await judged(simulation))
  t.same(found.map(({ reasons, severity }) => `${severity} ${reasons[0]?.code}`).sort(), [
    'high odd-type',
    'high replies-without-requests',
    'medium long-session',
    'medium unprovoked-errors',
  ])
  t.match(pairsOf(found), new Set(['10.0.0.50 203.0.113.14', '10.0.0.51 203.0.113.15']))
})

t.test('points: at least two behaviours, and newness', async (t) => {
  const histories = new Histories()
  const slice = (start: number, packets: number, octets: number, length = MINUTE): Slice => ({
    packets,
    octets,
    startMilliseconds: start,
    endMilliseconds: start + length,
    receivedMilliseconds: start + length + 1000,
    row: 0,
  })
  const around: PairSurroundings = {
    isMature: true,
    isNewPair: true,
    isOutside: true,
    hostsPinging: 0,
    hostsWithSize: 5,
    role: undefined,
    deniedSessions: 0,
    isTwoSidedPoint: true,
    isSampled: false,
  }
  for (let minute = 0; minute < 90; minute++) {
    const at = START + minute * MINUTE
    histories.add(
      '10.0.0.1',
      '192.0.2.1',
      'p',
      [slice(at, 60, 5040, 59_000)],
      [slice(at + 5, 60, 5040, 59_000)],
    )
  }
  const history = histories.get('10.0.0.1', '192.0.2.1')!
  const judge = (changes: Partial<PairSurroundings>, more: Partial<Settings> = {}) =>
    behaviourOf(history, { ...around, ...changes }, { ...settings, ...more }, START + 91 * MINUTE)
  t.match(judge({}), { severity: 'low', behaviours: [{ code: 'long-session' }, { code: 'steady-rate' }] })
  t.equal(judge({ isNewPair: false }), undefined, 'an old pair')
  t.equal(judge({}, { persistenceMinutes: 120 }), undefined, 'not yet for long enough')
  t.equal(judge({}, { SessionDurationThreshold: 86_400 }), undefined, 'one behaviour alone')
  t.match(judge({ role: 'printer' }), { severity: 'medium' })
  t.equal(
    histories.add('10.0.0.1', '192.0.2.1', 'another', [slice(START + 90 * MINUTE, 60, 5040)], []),
    undefined,
    'a second point does not count the same pings again',
  )
})

t.test('the spread of gaps', async (t) => {
  const starts = (gaps: readonly number[]) => {
    const all = [0]
    for (const gap of gaps) all.push(all.at(-1)! + gap)
    return all
  }
  t.equal(spreadOf(starts([10, 10, 10])), undefined, 'too few to say')
  t.equal(spreadOf(starts(Array(10).fill(10))), 0)
  t.equal(spreadOf(starts([8, 12, 8, 12, 8, 12, 8, 12])), 0.2)
})

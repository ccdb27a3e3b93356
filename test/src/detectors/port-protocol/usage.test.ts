/** What is used here: surprise over distinct hosts, what is learned and what is not, and what findings make of it. */
import fc from 'fast-check'
import t from 'tap'
import { createContext } from '#core/context/context.js'
import { type ContextData, emptyContext } from '#core/context/data.js'
import { policyReview, type Use } from '#core/context/policy-review.js'
import type { Learned } from '#core/detectors/detector.js'
import { portProtocol } from '#core/detectors/port-protocol/index.js'
import { faultsOfLearned } from '#core/detectors/port-protocol/learned.js'
import { createLearning, type Ends } from '#core/detectors/port-protocol/learning.js'
import { createPlaces } from '#core/detectors/port-protocol/places.js'
import { createPoints, type Point } from '#core/detectors/port-protocol/points.js'
import type { Settings } from '#core/detectors/port-protocol/settings.js'
import { MOST_BITS, Usage, type UseOf } from '#core/detectors/port-protocol/usage.js'
import { restoreUsage, snapshotOf } from '#core/detectors/port-protocol/usage-snapshot.js'
import { settingsOf } from '#core/detectors/settings.js'
import { makeSurroundings, nothingKnown, type SurroundingsData } from '#core/detectors/surroundings.js'
import type { Observation } from '#core/findings/finding.js'
import { parseAddress } from '#core/records/address.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { createNetwork, exporterDefaults, type Host } from '#simulate/network.js'
import { simulate, type TrafficPlan } from '#simulate/scenario.js'
import { shortOnPort } from '#simulate/traffic/mispairs.js'
import { judgeDatagrams } from '../../../support/judge.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const START = Date.UTC(2026, 2, 2)
const today = START / DAY
const LEARNING_DAYS = 4
const learning = { periodMilliseconds: LEARNING_DAYS * DAY, halfLifeMilliseconds: 7 * DAY, isFrozen: false }
const surroundings: SurroundingsData = { ...nothingKnown, learning }
const settings = settingsOf(portProtocol, {}) as Settings

const server = Uint32Array.of(0, 0, 0, 0xc6336401)
/** A use by host number `host` of a group. */
function useOf(usage: Usage, host: number, more: Partial<UseOf> = {}): UseOf {
  return {
    group: usage.groupNamed('zone:office'),
    zone: usage.groupNamed('zone:outside'),
    application: -1,
    protocolIdentifier: 6,
    port: 6789,
    family: 4,
    keys: Uint32Array.of(0, 0, 0, 0x0a000000 + host),
    clientAt: 0,
    ...more,
  }
}
const learn = (usage: Usage, of: UseOf, day = today) => usage.learn(of, server, 0, of.port, day, day * 1440)

t.test('surprise: distinct hosts count, repeats and the host itself do not', (t) => {
  const sizes = fc.record({ group: fc.integer({ min: 1, max: 60 }), using: fc.integer({ min: 0, max: 60 }) })
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 5 }), ({ group, using }, repeats) => {
      const usage = new Usage(7 * DAY)
      for (let host = 1; host <= group; host++) learn(usage, useOf(usage, host, { port: 443 }))
      const few = Math.min(using, group)
      let before = Number.POSITIVE_INFINITY
      for (let host = 1; host <= few; host++) {
        for (let repeat = 0; repeat < repeats; repeat++) learn(usage, useOf(usage, host))
        const { bits } = usage.rarity(useOf(usage, 0), today)
        if (bits > before || bits < 0 || bits > MOST_BITS) return false
        before = bits
      }
      const { hosts, groupHosts } = usage.rarity(useOf(usage, 0), today)
      const own = usage.rarity(useOf(usage, 1), today)
      return (
        Math.round(hosts) === few &&
        Math.round(groupHosts) === group &&
        Math.round(own.hosts) === Math.max(0, few - 1) &&
        Math.round(own.groupHosts) === group - 1
      )
    }),
    { numRuns: 60 },
  )
  t.pass('bits fall as hosts come, and only then')

  const usage = new Usage(7 * DAY)
  for (let host = 1; host <= 40; host++) learn(usage, useOf(usage, host, { port: 443 }))
  for (let host = 1; host <= 10; host++) learn(usage, useOf(usage, host))
  // -log2((10 + 2 * 1/65536) / (40 + 2))
  t.ok(Math.abs(usage.rarity(useOf(usage, 99), today).bits - 2.0704) < 0.001, 'the formula')
  const later = usage.rarity(useOf(usage, 99), today + 7)
  t.ok(Math.abs(later.hosts - 5) < 1e-9, 'half of them after a half-life')
  t.equal(later.knownDays, 7)
  learn(usage, useOf(usage, 1), today + 7)
  t.ok(
    Math.abs(usage.rarity(useOf(usage, 99), today + 7).hosts - 5.5) < 1e-9,
    'who comes back counts whole again',
  )
  const other = usage.rarity(useOf(usage, 99, { group: usage.groupNamed('role:printer') }), today)
  t.ok(
    Math.abs(other.elsewhere - 0.25) < 0.1,
    'what other groups do speaks for a group of which nothing is known',
  )
  t.ok(
    other.bits <
      usage.rarity(useOf(usage, 99, { group: usage.groupNamed('role:printer'), port: 6790 }), today).bits,
  )
  const registered = usage.rarity(
    useOf(usage, 99, { group: usage.groupNamed('role:phone'), port: 25 }),
    today,
  )
  const unknown = usage.rarity(useOf(usage, 99, { group: usage.groupNamed('role:phone'), port: 6790 }), today)
  t.ok(registered.bits < unknown.bits, 'the registry speaks where few hosts are known')
  t.end()
})

t.test('what is used is put away and put back whole', (t) => {
  const usage = new Usage(7 * DAY)
  for (let host = 1; host <= 30; host++) {
    learn(usage, useOf(usage, host, { port: 443, application: 1 }))
    learn(usage, useOf(usage, host), today + (host % 3))
    if (host % 5 === 0)
      learn(usage, useOf(usage, host, { family: 6, keys: Uint32Array.of(0x20010db8, 0, 0, host) }))
  }
  const snapshot = JSON.parse(JSON.stringify(snapshotOf(usage)))
  const again = new Usage(7 * DAY)
  restoreUsage(again, snapshot)
  t.same(snapshotOf(again), snapshot)
  t.same(again.rarity(useOf(again, 3), today + 9), usage.rarity(useOf(usage, 3), today + 9))
  t.end()
})

const router: ExporterIdentity = {
  address: parseAddress('10.9.9.1')!,
  listenerPort: 2055,
  transport: 0,
  protocol: 10,
  observationDomainId: 1,
}
const endsOf = (client: string, port = 6789): Ends => ({
  keys: Uint32Array.from([...parseAddress(client)!.words, ...parseAddress('198.51.100.1')!.words]),
  clientAt: 0,
  serverAt: 4,
  family: 4,
  protocolIdentifier: 6,
  port,
  application: -1,
})

function learner(data: SurroundingsData) {
  const around = makeSurroundings(data)
  const places = createPlaces(around.context, [])
  const made = createLearning(around, places, settings)
  const points = createPoints(made.firstSeenOf)
  const point = points.of(router)
  point.firstReceivedMilliseconds ||= START
  const placeOf = ({ keys, family }: Ends, at: number) => places.of(keys, at, family)
  const note = (ends: Ends, at: Point, milliseconds: number) =>
    made.note(ends, at, milliseconds, placeOf(ends, ends.clientAt), placeOf(ends, ends.serverAt))
  return { ...made, note, point, all: points.all() }
}

t.test('nothing is learned from what is told of, unless it is settled, nor while frozen', (t) => {
  const usersOf = (learned: Learned | undefined) =>
    (learned?.data as { usage: { uses: unknown[] } } | undefined)?.usage.uses.length ?? 0
  const run = (data: SurroundingsData) => {
    const { note, tell, evaluate, learned, point, all } = learner(data)
    tell('198.51.100.1', 6789, 6, 'finding-1')
    for (const port of [6789, 6790]) note(endsOf('10.0.0.5', port), point, START + HOUR)
    evaluate(START + HOUR + MINUTE, all)
    return learned()
  }
  t.equal(usersOf(run(surroundings)), 1, 'the other port alone')
  t.equal(usersOf(run({ ...surroundings, settled: ['finding-1'] })), 2)
  t.equal(usersOf(run({ ...surroundings, learning: { ...learning, isFrozen: true } })), 0)
  const { note, evaluate, learned, point, all } = learner(surroundings)
  note(endsOf('203.0.113.9'), point, START + HOUR)
  evaluate(START + HOUR + MINUTE, all)
  t.equal(usersOf(learned()), 0, 'clients outside are not counted')
  t.end()
})

t.test('a new exporter teaches for an hour before anything of it is rare', (t) => {
  const { note, evaluate, standing, point, all } = learner(surroundings)
  for (let host = 1; host <= 30; host++) note(endsOf(`10.0.0.${host}`, 443), point, START)
  evaluate(START + MINUTE, all)
  const at = START + LEARNING_DAYS * DAY + HOUR
  evaluate(at, all)
  t.equal(standing(endsOf('10.0.0.5'), point, at, at)?.isRare, true)
  const young = { ...point, firstReceivedMilliseconds: at - 30 * MINUTE }
  t.equal(standing(endsOf('10.0.0.5'), young, at, at)?.isRare, false)
  t.equal(
    standing(endsOf('10.0.0.5'), point, START + DAY, at)?.isRare,
    false,
    'nor what began while learning',
  )
  t.end()
})

t.test('what is put in place is looked at', (t) => {
  const { note, evaluate, learned, point, all } = learner(surroundings)
  note(endsOf('10.0.0.5'), point, START)
  evaluate(START + MINUTE, all)
  const good = JSON.parse(JSON.stringify(learned()))
  const faults = (document: Learned) =>
    faultsOfLearned(document, START + HOUR).map(({ path, message }) => `/${path.join('/')} ${message}`)
  t.same(faults(good), [])
  t.match(faults({ ...good, version: 9 }), [/form is 9/])
  t.match(faults({ ...good, data: { ...good.data, told: 'all' } }), [/data\/told/])
  const broken = (usage: object) => ({
    ...good,
    data: { ...good.data, usage: { ...good.data.usage, ...usage } },
  })
  const { groups } = good.data.usage
  t.match(faults(broken({ addresses: ['router', 'x'] })), [/usage\/addresses\/0 is no address/])
  t.match(faults(broken({ uses: [[7, 0, 1, 1, 0, 1]] })), [/usage\/uses\/0/])
  t.match(faults(broken({ groups: [['zone:x', 1, 1]] })), [/first group/])
  t.match(faults(broken({ keys: [[0, 9, '', 6, 1, 1, 1, 1]] })), [/usage\/keys\/0/])
  t.match(faults(broken({ groups: [...groups, ['=\u001b<b>', 1e300, 4_000_000]] })), [
    /groups\/\d+\/0 must be without control characters/,
    /groups\/\d+\/1 must be a number of 0 or more/,
    /groups\/\d+\/2 must be a day from 1970 to now/,
  ])
  t.match(faults({ ...good, data: { ...good.data, exporters: [['x', 1e300]] } }), [/exporters\/0\/1/])
  t.end()
})

/** Places by intervals say what context says, whatever the prefixes. */
t.test('places agree with context', (t) => {
  const data: ContextData = {
    ...emptyContext,
    zones: [
      { prefix: '10.0.0.0/8', name: 'office' },
      { prefix: '10.1.0.0/16', name: 'partner', isOutside: true },
      { prefix: '2001:db8::/32', name: 'six' },
      { prefix: '255.255.255.255', name: 'last' },
    ],
    assets: [
      { prefix: '10.0.0.7', role: 'printer' },
      { prefix: '10.1.2.0/24', role: 'gateway' },
      { prefix: '2001:db8:1::/48', role: 'server' },
    ],
  }
  const context = createContext(data)
  const places = createPlaces(context, [])
  const words = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(0xffffffff))
  const near = fc.constantFrom(
    ...['10.0.0.6', '10.0.0.7', '10.0.0.8', '10.1.2.255', '10.1.3.0', '9.255.255.255', '255.255.255.255'],
    ...['2001:db8::', '2001:db8:1::5', '2001:db7:ffff::', '2001:db9::', '::', '192.168.3.4', '11.0.0.0'],
  )
  const addresses = fc.oneof(
    near.map((text) => parseAddress(text)!),
    words.map(([, , , word]) => ({ family: 4 as const, words: [0, 0, 0, word] as const })),
    words.map((four) => ({ family: 6 as const, words: four })),
  )
  fc.assert(
    fc.property(addresses, (address) => {
      const place = places.byNumber(places.of(Uint32Array.from([9, ...address.words]), 1, address.family))
      return (
        place.zone === context.zoneOf(address) &&
        place.role === context.roleOf(address) &&
        place.isInside === context.isInside(address) &&
        place.isGateway === context.isGateway(address)
      )
    }),
  )
  t.pass('at every edge, and anywhere')
  t.end()
})

t.test('policy review: allowed and used, allowed and unused, used and not allowed', (t) => {
  const context = createContext({
    ...emptyContext,
    services: [
      {
        client: 'zone:inside',
        server: '198.51.100.0/24',
        protocolIdentifier: 6,
        port: 443,
        owner: 'web team',
      },
      { protocolIdentifier: 6, port: 22, owner: 'nobody any more' },
    ],
  })
  const use = (client: string, port: number, lastDay = today): Use => ({
    client,
    server: '198.51.100.1',
    port,
    clientGroup: 'zone:inside',
    serverZone: 'zone:outside',
    application: '',
    protocolIdentifier: 6,
    lastDay,
  })
  const uses = [
    use('10.0.0.1', 443),
    use('10.0.0.2', 443),
    use('10.0.0.1', 4444),
    use('10.0.0.2', 4444),
    use('10.0.0.3', 8081),
    use('10.0.0.1', 22, today - 40),
  ]
  const review = policyReview(context, uses, { atMilliseconds: START, days: 30, limit: 1 })
  t.match(review.allowedUsed, [{ service: { port: 443 }, hosts: 2, lastSeenDay: '2026-03-02' }])
  t.match(review.allowedUnused, [{ port: 22, owner: 'nobody any more' }], 'use of long ago does not count')
  t.match(review.usedNotAllowed, [{ port: 4444, hosts: 2, clientGroup: 'zone:inside' }], 'most hosts first')
  t.equal(review.usedNotAllowed.length, 1)
  t.equal(review.usedNotAllowedTotal, 2)
  t.end()
})

const users = Array.from({ length: 24 }, (_, index) => `user-${index}`)

/** Users who look something up each hour, and some who use TCP/6789 now and then; what begins later is up to the test. */
function site(populate: (plan: TrafficPlan, hosts: Hosts, eventAt: number) => void) {
  const network = createNetwork()
  const hosts = {
    users: users.map((name, index) => network.addHost(name, 'workstation', 'office', `10.0.0.${20 + index}`)),
    outside: Array.from({ length: 30 }, (_, index) =>
      network.addHost(`outside-${index}`, 'internet', 'internet', `203.0.113.${10 + index}`),
    ),
  }
  network.addHost('router', 'router', 'office', '10.0.0.1')
  network.exporters.push(
    exporterDefaults({
      name: 'router',
      address: '10.0.0.1',
      listenerPort: 2055,
      version: 9,
      observationDomainId: 1,
      home: ['office'],
      interfaces: { office: 1, internet: 2 },
    }),
  )
  return simulate({
    seed: 7,
    startMilliseconds: START,
    durationMilliseconds: LEARNING_DAYS * DAY + 6 * HOUR,
    network,
    populate(plan) {
      hosts.users.forEach((user, index) => {
        plan.add(shortOnPort(plan.context(`web ${index}`), user, hosts.outside[0]!, 443, 'ssl', HOUR))
        const other = hosts.outside[1 + index]!
        if (index < 8) plan.add(shortOnPort(plan.context(`odd ${index}`), user, other, 6789, '', 7 * HOUR))
      })
      populate(plan, hosts, START + LEARNING_DAYS * DAY + HOUR)
    },
  })
}
type Hosts = { users: readonly Host[]; outside: readonly Host[] }
type Simulated = ReturnType<typeof site>

async function judged(
  simulation: Simulated,
  around = surroundings,
  within: readonly [from: number, to: number] = [0, Number.POSITIVE_INFINITY],
) {
  const datagrams = function* () {
    for (const { timeMilliseconds, exporterAddress, listenerPort, payload } of simulation.datagrams)
      if (timeMilliseconds >= within[0] && timeMilliseconds < within[1])
        yield { timeMilliseconds, source: exporterAddress, port: listenerPort, payload }
  }
  const { observations, judge } = await judgeDatagrams(datagrams(), portProtocol, around)
  return { found: observations.filter(({ kind }) => kind === 'finding'), judge: judge! }
}

const portsOf = (found: readonly Observation[]) =>
  found.map(({ destinationTransportPort }) => destinationTransportPort).sort()
const codesOf = (observation: Observation | undefined) => observation?.reasons.map(({ code }) => code) ?? []

/** After the learning: one regular exchange on a port that others use, one on a port that nobody uses. */
const busy = () =>
  site((plan, { users, outside }, at) => {
    const add = (user: number, to: number, port: number) =>
      plan.add(
        shortOnPort(plan.context(`event ${port}`, at), users[user]!, outside[to]!, port, '', 2 * MINUTE),
      )
    add(20, 25, 6789)
    add(21, 26, 6790)
    add(22, 27, 6791)
  })

t.test(
  'what many have long used is let be, what nobody uses weighs more, what is sanctioned is nothing',
  async (t) => {
    const { found, judge } = await judged(busy())
    t.same(portsOf(found), [6790, 6791], 'the usual port is let be')
    t.ok(codesOf(found[0]).includes('rare-here'))
    t.equal(found[0]!.severity, 'medium')

    const at = START + LEARNING_DAYS * DAY + 5 * HOUR
    const ask = (source: string, destination: string, port: number) =>
      judge.explain!({ source, destination, protocolIdentifier: 6, port }, at)
    const usual = ask('10.0.0.40', '203.0.113.35', 6789)
    t.equal(usual.isUsual, true)
    t.match(usual.facts.join('; '), /8\.\d of 23\.\d other hosts of zone:inside|7\.\d of 2\d\.\d other hosts/)
    t.equal(ask('10.0.0.41', '203.0.113.36', 6790).isUsual, false)
    t.match(ask('198.51.100.5', '10.0.0.40', 443).facts.join('; '), /nothing is learned/)

    const context: ContextData = {
      ...emptyContext,
      assets: [{ prefix: '10.0.0.42', role: 'printer' }],
      services: [{ server: '203.0.113.36', protocolIdentifier: 6, port: 6790, owner: 'lab team' }],
    }
    const allowed = await judged(busy(), { ...surroundings, context })
    t.same(portsOf(allowed.found), [6791])
    t.ok(codesOf(allowed.found[0]).includes('role'), 'a printer has no use for it')
    const explained = allowed.judge.explain!(
      { source: '10.0.0.41', destination: '203.0.113.36', protocolIdentifier: 6, port: 6790 },
      at,
    )
    t.equal(explained.isUsual, true)
    t.match(explained.facts[0], /lab team answers for it/)
    const review = allowed.judge.reviewPolicy!({ atMilliseconds: at, days: 30, limit: 100 })
    t.match(review.allowedUsed, [{ service: { port: 6790 }, hosts: 1 }])
    t.ok(review.usedNotAllowed.some(({ port, hosts }) => port === 443 && hosts >= 23))
  },
)

t.test('before the period has passed, findings are what they are without a baseline', async (t) => {
  const young = { ...surroundings, learning: { ...learning, periodMilliseconds: 30 * DAY } }
  const { found } = await judged(busy(), young)
  t.same(portsOf(found), [6789, 6790, 6791])
  t.ok(found.every(({ severity }) => severity === 'low'))
  t.notOk(found.some((one) => codesOf(one).some((code) => code.endsWith('-here'))))
})

t.test('a judge that begins with what another learned finds what one that went on finds', async (t) => {
  const cut = START + LEARNING_DAYS * DAY
  const first = await judged(busy(), surroundings, [0, cut])
  const learned = JSON.parse(JSON.stringify(first.judge.learned!())) as Learned
  t.same(portProtocol.faultsOf!(learned, learned.toMilliseconds), [])
  const after = [cut - HOUR, Number.POSITIVE_INFINITY] as const
  const again = await judged(busy(), { ...surroundings, learned }, after)
  const whole = await judged(busy())
  const plain = ({ found }: { found: readonly Observation[] }) =>
    found.map(({ id, score, severity, reasons }) => ({ id, score, severity, reasons }))
  t.same(plain(again), plain(whole))
  const frozen = { ...learning, isFrozen: true }
  const still = await judged(busy(), { ...surroundings, learning: frozen, learned }, after)
  t.same(
    (still.judge.learned!()!.data as { usage: unknown }).usage,
    (learned.data as { usage: unknown }).usage,
    'frozen',
  )
})

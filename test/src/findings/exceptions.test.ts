/**
 * Exceptions, the audit that tells of them, and tokens.
 */
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { type AuditEntry, createAudit } from '#core/findings/audit.js'
import {
  checkException,
  type ExceptionInput,
  type ExceptionMatch,
  type StoredException,
} from '#core/findings/exception.js'
import type { Observation, StoredFinding } from '#core/findings/finding.js'
import { applyExceptions, explainMatch, matches } from '#core/findings/matching.js'
import { createTokens, roleAllows, roles } from '#core/findings/tokens.js'
import { createVisibility } from '#core/findings/visibility.js'
import { createDocuments } from '#core/store/documents.js'
import { NOON, observation, startAppliance } from '../../api/appliance.js'

const finding = (changes: Partial<Observation> = {}, more: Partial<StoredFinding> = {}): StoredFinding => ({
  ...observation(1, changes),
  count: 1,
  history: [],
  sequence: 1,
  revision: 1,
  updatedAtMilliseconds: NOON,
  disposition: { state: 'open', version: 0 },
  ...more,
})

const input = (match: ExceptionMatch, changes: Partial<ExceptionInput> = {}): ExceptionInput => ({
  match,
  effect: { kind: 'hide' },
  owner: 'net team',
  reason: 'monitoring',
  neverExpires: true,
  ...changes,
})

t.test('each matcher, as it should and should not', (t) => {
  const two = ['10.0.0.1', '10.0.1.1']
  const dns = { protocolIdentifier: 17, destinationTransportPort: 53, applicationName: 'Dns' }
  const at = (time: number) => ({
    firstSeenMilliseconds: time,
    lastSeenMilliseconds: time,
    evidence: [{ receivedMilliseconds: time }],
  })
  const night = { days: [3], from: '22:00', to: '06:00' }
  const hour = 3_600_000
  const table: [ExceptionMatch, Partial<Observation>, boolean, Partial<StoredFinding>?][] = [
    [{ detector: 'icmp-tunnel' }, {}, true],
    [{ detector: 'icmp' }, {}, false],
    [{ sourceAddresses: ['10.0.0.0/24'] }, {}, true],
    [{ sourceAddresses: ['10.0.0.0/24'] }, { sourceAddresses: two }, false],
    [{ sourceAddresses: ['10.0.0.0/24', '10.0.1.0/24'] }, { sourceAddresses: two }, true],
    [{ sourceAddresses: ['10.0.0.0/23'] }, { sourceAddresses: two }, false, { addressesTruncated: true }],
    [{ sourceAddresses: ['0.0.0.0/0'] }, { sourceAddresses: [] }, false],
    [{ sourceAddresses: ['0.0.0.0/0'] }, { sourceAddresses: ['2001:db8::1'] }, false],
    [{ sourceAddresses: ['2001:db8::/32'] }, { sourceAddresses: ['2001:DB8:0::1'] }, true],
    [{ sourceAddresses: ['0.0.0.0/0'] }, { sourceAddresses: ['not an address'] }, false],
    [{ destinationAddresses: ['198.51.100.7'] }, {}, true],
    [{ destinationAddresses: ['198.51.100.6'] }, {}, false],
    [{ sourceAddresses: ['198.51.100.7'] }, {}, false],
    [{ sourceAddresses: ['198.51.100.7'], eitherDirection: true }, {}, true],
    [
      { sourceAddresses: ['198.51.100.7'], destinationAddresses: ['10.0.0.0/8'], eitherDirection: true },
      {},
      true,
    ],
    [
      { sourceAddresses: ['198.51.100.7'], destinationAddresses: ['192.168.0.0/16'], eitherDirection: true },
      {},
      false,
    ],
    [{ sourceAddresses: ['10.0.0.1'], destinationAddresses: ['10.0.0.1'], eitherDirection: true }, {}, false],
    [{ protocolIdentifier: 1 }, {}, true],
    [{ protocolIdentifier: 17 }, {}, false],
    [{ destinationTransportPorts: [53] }, dns, true],
    [{ destinationTransportPorts: [5353, { from: 50, to: 53 }] }, dns, true],
    [{ destinationTransportPorts: [{ from: 54, to: 60 }] }, dns, false],
    [{ destinationTransportPorts: [{ from: 0, to: 65535 }] }, {}, false],
    [{ icmpType: 8 }, {}, true],
    [{ icmpType: 0 }, {}, false],
    [{ applicationName: 'dNS' }, dns, true],
    [{ applicationName: 'dn' }, dns, false],
    [{ applicationName: 'dns' }, {}, false],
    [{ exporterAddress: '192.0.2.1' }, {}, true],
    [{ exporterAddress: '192.0.2.9' }, {}, false],
    [{ exporterAddress: '192.0.2.1' }, { exporters: [] }, false],
    [
      { exporterAddress: '192.0.2.1' },
      {
        exporters: [
          ...observation(1).exporters,
          { address: '192.0.2.2', listenerPort: 1, bothDirections: false },
        ],
      },
      false,
    ],
    // NOON is a Wednesday, day 3.
    [{ icmpType: 8, timeOfWeek: { days: [3], from: '12:00', to: '12:01' } }, at(NOON), true],
    [{ icmpType: 8, timeOfWeek: { days: [3], from: '11:59', to: '12:00' } }, at(NOON), false],
    [{ icmpType: 8, timeOfWeek: { days: [2, 4], from: '12:00', to: '12:01' } }, at(NOON), false],
    [{ icmpType: 8, timeOfWeek: { days: [3], from: '00:00', to: '00:00' } }, at(NOON), true],
    [{ icmpType: 8, timeOfWeek: night }, at(NOON + 10 * hour), true],
    [{ icmpType: 8, timeOfWeek: night }, at(NOON + 17 * hour), true],
    [{ icmpType: 8, timeOfWeek: night }, at(NOON - 7 * hour), false],
    [
      { icmpType: 8, timeOfWeek: { days: [7], from: '23:00', to: '01:00' } },
      at(NOON - (2 * 24 + 11.5) * hour),
      true,
    ],
    [{ icmpType: 8, timeOfWeek: { ...night, zone: 'Pacific/Auckland' } }, at(NOON - 3 * hour), true],
    [{ icmpType: 8, timeOfWeek: { ...night, zone: 'Pacific/Auckland' } }, at(NOON + 10 * hour), false],
    [{ icmpType: 8, timeOfWeek: night }, { ...at(NOON + 10 * hour), firstSeenMilliseconds: NOON }, false],
    [
      { icmpType: 8, timeOfWeek: night },
      { ...at(NOON + 10 * hour), evidence: [{ receivedMilliseconds: NOON }] },
      false,
    ],
    [{ icmpType: 8, timeOfWeek: night }, at(1e300), false],
    [{}, {}, false],
  ]
  t.plan(table.length * 2)
  for (const [match, changes, expected, more] of table) {
    const subject = finding(changes, more)
    const name = JSON.stringify(match)
    t.equal(matches({ match }, subject), expected, name)
    const explained = explainMatch({ match }, subject)
    t.equal(explained.length > 0 && explained.every(({ matched }) => matched), expected, `${name} explained`)
  }
})

const octet = fc.integer({ min: 0, max: 255 })
const address = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'))
const part: fc.Arbitrary<ExceptionMatch> = fc.oneof(
  fc.constant({ detector: 'icmp-tunnel' }),
  fc.integer({ min: 0, max: 32 }).map((length) => ({ sourceAddresses: [`10.0.0.1/${length}`] })),
  fc.array(address, { minLength: 1, maxLength: 3 }).map((list) => ({ destinationAddresses: list })),
  fc.constantFrom(1, 6, 17).map((protocolIdentifier) => ({ protocolIdentifier })),
  fc.constantFrom(0, 8).map((icmpType) => ({ icmpType })),
)

t.test('adding a matcher never makes an exception match more', (t) => {
  t.plan(1)
  const property = fc.property(part, part, fc.array(address, { maxLength: 3 }), (first, second, sources) => {
    const subject = finding({ sourceAddresses: ['10.0.0.1', ...sources] })
    const both = { ...first, ...second }
    const narrower = Object.keys(both).length === Object.keys(first).length + Object.keys(second).length
    if (!narrower || !matches({ match: both }, subject)) return true
    return matches({ match: first }, subject) && matches({ match: second }, subject)
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
})

t.test('a prefix matches as arithmetic on the address says', (t) => {
  t.plan(1)
  const toNumber = (text: string) => text.split('.').reduce((sum, one) => sum * 256 + Number(one), 0)
  const property = fc.property(address, address, fc.integer({ min: 0, max: 32 }), (network, host, length) => {
    const size = 2 ** (32 - length)
    const expected = Math.floor(toNumber(network) / size) === Math.floor(toNumber(host) / size)
    const match = { sourceAddresses: [`${network}/${length}`] }
    return matches({ match }, finding({ sourceAddresses: [host] })) === expected
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
})

t.test('applying exceptions changes what is seen, never what is kept', (t) => {
  const subject = finding()
  const copy = structuredClone(subject)
  const all = [
    { id: 'a', match: { icmpType: 8 }, effect: { kind: 'lower' as const, scoreFactor: 0.5 } },
    { id: 'b', match: { icmpType: 8 }, effect: { kind: 'lower' as const, severitySteps: 4 } },
    { id: 'c', match: { icmpType: 0 }, effect: { kind: 'hide' as const } },
    { id: 'd', match: { icmpType: 8 }, effect: { kind: 'hide' as const } },
  ]
  t.same(subject, copy)
  t.match(applyExceptions(subject, all), {
    score: 40,
    severity: 'informational',
    hiddenBy: ['d'],
    loweredBy: ['a', 'b'],
    original: { score: 80, severity: 'high' },
  })
  t.same(applyExceptions(subject, []), { ...subject, hiddenBy: [], loweredBy: [] })
  t.same(subject, copy)
  t.end()
})

t.test('what the schema cannot say is still refused, with its place', (t) => {
  const table: [Partial<ExceptionInput> & { match: ExceptionMatch }, string[]][] = [
    [{ match: { icmpType: 8 } }, []],
    [{ match: {} }, ['/match']],
    [{ match: { timeOfWeek: { days: [1], from: '01:00', to: '02:00' } } }, ['/match']],
    [{ match: { eitherDirection: true, icmpType: 8 } }, ['/match/eitherDirection']],
    [{ match: { sourceAddresses: ['10.0.0.0/8', '10.0.0.1/8'] } }, ['/match/sourceAddresses/1']],
    [{ match: { sourceAddresses: ['10.0.0.1/32', '10.0.0.1', '0.0.0.0/0', '192.168.128.0/17'] } }, []],
    [
      { match: { destinationAddresses: ['2001:db8::/32', '2001:db8::1/64', '::/0'] } },
      ['/match/destinationAddresses/1'],
    ],
    [
      { match: { destinationAddresses: ['*.example', '10.1'] } },
      ['/match/destinationAddresses/0', '/match/destinationAddresses/1'],
    ],
    [
      { match: { destinationTransportPorts: [1, { from: 9, to: 8 }] } },
      ['/match/destinationTransportPorts/1'],
    ],
    [{ match: { exporterAddress: 'router' } }, ['/match/exporterAddress']],
    [
      { match: { icmpType: 8, timeOfWeek: { days: [1], from: '01:00', to: '02:00', zone: 'Mars/North' } } },
      ['/match/timeOfWeek/zone'],
    ],
    [{ match: { icmpType: 8 }, effect: { kind: 'hide', scoreFactor: 0.5 } }, ['/effect']],
    [{ match: { icmpType: 8 }, expiresMilliseconds: NOON + 1 }, ['/neverExpires']],
  ]
  t.plan(table.length + 4)
  for (const [changes, expected] of table) {
    const problems = checkException(input(changes.match, changes), NOON)
    t.same(
      problems.map(({ pointer }) => pointer),
      expected,
      JSON.stringify(changes),
    )
  }
  const { neverExpires: _, ...endless } = input({ icmpType: 8 })
  const pointers = (changes: Partial<ExceptionInput>, previous?: StoredException) =>
    checkException({ ...endless, ...changes }, NOON, previous).map(({ pointer }) => pointer)
  t.same(pointers({}), ['/expiresMilliseconds'], 'no end')
  t.same(pointers({ expiresMilliseconds: NOON / 1000 }), ['/expiresMilliseconds'], 'seconds')
  t.same(pointers({ startMilliseconds: NOON + 9, expiresMilliseconds: NOON + 9 }), ['/expiresMilliseconds'])
  const expired = { expiresMilliseconds: NOON - 5 }
  t.same(pointers(expired, expired as StoredException), [], 'an expiry that it had before may be past')
})

t.test('approval: by another, lost by a change, asked for where configured', async (t) => {
  const appliance = await startAppliance(t.testdir(), { requireApproval: true })
  t.teardown(() => appliance.close())
  const { exceptions, findings, visibility } = appliance
  await findings.upsert([observation(1)])
  const hidden = async () => {
    const stored = await findings.get(observation(1).id)
    return (await visibility.reader())(stored!).hiddenBy
  }
  const made = await exceptions.create(input({ icmpType: 8 }), { by: 'ann' })
  t.equal(exceptions.state(made), 'waiting')
  t.same(await hidden(), [])
  await t.rejects(exceptions.approve(made.id, { by: 'ann' }), { code: 'INVALID' })
  await t.rejects(exceptions.approve(made.id, { by: 'bob', version: 7 }), { code: 'CONFLICT' })
  const approved = await exceptions.approve(made.id, { by: 'bob', version: 1 })
  t.match(approved, { approver: 'bob', requester: 'ann', version: 2 })
  t.same(await hidden(), [made.id])
  const changed = await exceptions.replace(made.id, input({ icmpType: 0 }), { by: 'ann', version: 2 })
  t.notOk('approver' in changed)
  t.equal(exceptions.state(changed), 'waiting')
  await exceptions.delete(made.id, { by: 'ann', version: 3 })
  t.equal((await exceptions.create(input({ icmpType: 8 }), { by: 'ann' })).id, 'exception-2', 'no id twice')
})

t.test('what expired while the appliance was off is told after the start', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { documents, exceptions, findings, visibility, now, clock } = appliance
  await findings.upsert([observation(1)])
  await findings.upsert([observation(2)])
  const { neverExpires: _, ...endless } = input({ sourceAddresses: ['10.0.0.1'] })
  await exceptions.create({ ...endless, expiresMilliseconds: NOON + 1000 }, { by: 'ann' })
  await visibility.settle()
  const before = await findings.revision()
  t.equal(before, 3, 'hiding was a change of the one finding')
  clock.milliseconds += 1000
  const restarted = createVisibility({ documents, findings, exceptions, now })
  await restarted.settle()
  const page = await findings.page({ order: 'updated', after: before, limit: 10 })
  t.same(
    page.items.map(({ id }) => id),
    [observation(1).id],
  )
  await Promise.all([restarted.settle(), restarted.settle()])
  t.equal(await findings.revision(), before + 1, 'once')
})

async function audited(location: string) {
  const documents = createDocuments({ location })
  await documents.open()
  const audit = createAudit({ documents, now: () => NOON })
  for (let index = 1; index <= 5; index++) {
    const event = { actor: 'ann', action: 'finding.disposition' as const, subject: `f${index}` }
    await audit.record({ ...event, before: { b: 1, a: undefined }, after: { text: '\u2028é' } })
  }
  return { documents, audit }
}

const key = (sequence: number) => `audit/sequence/${String(sequence).padStart(16, '0')}`
const tamperings: Record<
  string,
  [number, (get: (n: number) => Promise<AuditEntry>) => Promise<[string, unknown][]>]
> = {
  'a changed word': [3, async (get) => [[key(3), { ...(await get(3)), actor: 'bob' }]]],
  'an added key': [3, async (get) => [[key(3), { ...(await get(3)), note: 'x' }]]],
  'a removed entry': [3, async () => [[key(3), undefined]]],
  'a removed first entry': [1, async () => [[key(1), undefined]]],
  'a cut tail': [5, async () => [[key(5), undefined]]],
  'a removed head': [6, async () => [['audit/head', undefined]]],
  'two entries changed about': [
    2,
    async (get) => [
      [key(2), await get(3)],
      [key(3), await get(2)],
    ],
  ],
  'an inserted entry': [6, async (get) => [[key(6), await get(5)]]],
  'everything but the head removed': [
    1,
    async () => [1, 2, 3, 4, 5].map((sequence): [string, unknown] => [key(sequence), undefined]),
  ],
}

t.test('the audit holds, and every tampering shows at its place', async (t) => {
  const names = Object.entries(tamperings)
  t.plan(names.length + 3)
  const { documents, audit } = await audited(t.testdir())
  t.match(await audit.verify(), { intact: true, entries: 5 })
  const both = [1, 2].map((index) =>
    audit.record({ actor: 'x', action: 'token.create', subject: `t${index}` }),
  )
  t.same(
    (await Promise.all(both)).map(({ sequence }) => sequence),
    [6, 7],
  )
  t.match(await audit.verify(), { intact: true, entries: 7 }, 'entries written at once are a chain too')
  await documents.close()
  for (const [name, [place, tamper]] of names) {
    const { documents, audit } = await audited(t.testdir())
    const changes = await tamper(async (sequence) => (await documents.get<AuditEntry>(key(sequence)))!)
    await documents.batch(
      changes.map(([key, value]) =>
        value === undefined ? { type: 'delete', key } : { type: 'put', key, value },
      ),
    )
    const { intact, brokenAtSequence } = await audit.verify()
    t.same([intact, brokenAtSequence], [false, place], name)
    await documents.close()
  }
})

t.test('an entry is never written over, even when a repair brought back an old head', async (t) => {
  const { documents, audit } = await audited(t.testdir())
  t.teardown(() => documents.close())
  const second = await documents.get<AuditEntry>(key(2))
  await documents.put('audit/head', { sequence: 2, hash: second!.hash })
  t.match(await audit.verify(), { intact: false }, 'the old head shows')
  const added = await audit.record({ actor: 'ann', action: 'token.revoke', subject: 't' })
  t.equal(added.sequence, 6)
  t.match(await audit.verify(), { intact: true, entries: 6 })
})

t.test('the first token goes into a file for its owner alone, once', async (t) => {
  const directory = t.testdir()
  const documents = createDocuments({ location: join(directory, 'documents') })
  await documents.open()
  t.teardown(() => documents.close())
  const now = () => NOON
  const tokens = createTokens({ documents, audit: createAudit({ documents, now }), now })
  const path = join(directory, 'keys', 'first-token')
  // Whoever could write there first must not get the token through a link.
  mkdirSync(join(directory, 'keys'))
  writeFileSync(join(directory, 'elsewhere'), 'untouched')
  symlinkSync(join(directory, 'elsewhere'), path)
  t.equal(await tokens.ensureFirstToken(path), path)
  t.equal(readFileSync(join(directory, 'elsewhere'), 'utf8'), 'untouched')
  t.equal(statSync(path).mode & 0o777, 0o600)
  const secret = readFileSync(path, 'utf8').trim()
  const token = await tokens.verify(secret)
  t.match(token, { role: 'admin', createdBy: 'system' })
  t.equal(await tokens.ensureFirstToken(path), undefined)
  await tokens.create({ name: 'second', role: 'admin' }, 'first admin')
  await tokens.revoke(token!.id, 'second')
  t.equal(await tokens.verify(secret), undefined)
  t.equal(await tokens.ensureFirstToken(path), undefined, 'not even when all known tokens are revoked')
  const altered = secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A')
  t.equal(await tokens.verify(altered), undefined)
  await t.rejects(tokens.create({ name: 'second', role: 'viewer' }, 'x'), { code: 'INVALID' }, 'a name twice')
})

t.test('roles: each allows itself and those before it; ingest stands apart', (t) => {
  const allowed = roles.map((has) => roles.filter((asked) => roleAllows(has, asked)).join(' '))
  t.same(allowed, [
    'viewer',
    'viewer analyst',
    'viewer analyst approver',
    'viewer analyst approver admin ingest',
    'ingest',
  ])
  t.end()
})

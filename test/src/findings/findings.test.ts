/**
 * Findings as they are kept: merging, order, and paging while others write.
 */
import fc from 'fast-check'
import t from 'tap'
import { createAudit } from '#core/findings/audit.js'
import { findingId, MAX_EVIDENCE, type Observation, type StoredFinding } from '#core/findings/finding.js'
import { MAX_ADDRESSES, merge } from '#core/findings/merge.js'
import { reindexFindings } from '#core/findings/reindex.js'
import { createFindings, type FindingOrder, type FindingRepository } from '#core/findings/repository.js'
import { createRuns, type Run } from '#core/findings/runs.js'
import { createDocuments } from '#core/store/documents.js'
import { NOON, observation } from '../../api/appliance.js'

async function open(location: string) {
  const documents = createDocuments({ location })
  await documents.open()
  const clock = { milliseconds: NOON }
  const now = () => clock.milliseconds
  const audit = createAudit({ documents, now })
  const findings = createFindings({ documents, audit, now })
  return { documents, audit, findings, clock, now }
}

const stored = (merged: ReturnType<typeof merge>): StoredFinding => ({
  ...merged!,
  sequence: 1,
  revision: 1,
  updatedAtMilliseconds: NOON,
  disposition: { state: 'open', version: 0 },
})

t.test('ids follow from detector and subject, whatever the order of keys', (t) => {
  t.equal(findingId('d', { a: 1, b: 2 }), findingId('d', { b: 2, a: 1 }))
  t.not(findingId('d', { a: 1 }), findingId('e', { a: 1 }))
  t.match(findingId('d', {}), /^[0-9a-f]{32}$/)
  t.end()
})

t.test('created, unchanged, updated; the disposition stays', async (t) => {
  const { findings, documents, clock } = await open(t.testdir())
  t.teardown(() => documents.close())
  const { id } = observation(1)
  t.same(await findings.upsert([observation(1)]), ['created'])
  t.same(await findings.upsert([observation(1)]), ['unchanged'])
  t.match(await findings.get(id), { sequence: 1, revision: 1, count: 1 })
  await findings.setDisposition(id, { state: 'expected', comment: 'backup' }, { by: 'ann' })
  clock.milliseconds += 1000
  const later = { score: 40, severity: 'medium' as const, lastSeenMilliseconds: NOON }
  t.same(await findings.upsert([observation(1, later)]), ['updated'])
  t.match(await findings.get(id), {
    sequence: 1,
    revision: 3,
    count: 2,
    score: 40,
    severity: 'medium',
    firstSeenMilliseconds: NOON - 3_600_000,
    lastSeenMilliseconds: NOON,
    history: [{ atMilliseconds: NOON - 60_000, score: 80, severity: 'high' }],
    disposition: { state: 'expected', by: 'ann', comment: 'backup', version: 1 },
    updatedAtMilliseconds: NOON + 1000,
  })
  const older = { score: 99, firstSeenMilliseconds: NOON - 7_200_000, lastSeenMilliseconds: NOON - 7_000_000 }
  t.same(await findings.upsert([observation(1, older)]), ['updated'])
  t.match(
    await findings.get(id),
    { score: 40, firstSeenMilliseconds: NOON - 7_200_000, lastSeenMilliseconds: NOON },
    'an older observation widens the time but has no say on the score',
  )
})

t.test('what a finding keeps is bounded, and says when addresses were left out', (t) => {
  const addresses = Array.from(
    { length: MAX_ADDRESSES + 1 },
    (_, index) => `10.1.${index >> 8}.${index & 255}`,
  )
  const evidence = Array.from({ length: 3 * MAX_EVIDENCE }, (_, index) => ({ receivedMilliseconds: index }))
  const first = stored(merge(undefined, observation(1, { sourceAddresses: addresses, evidence })))
  t.equal(first.sourceAddresses.length, MAX_ADDRESSES)
  t.equal(first.addressesTruncated, true)
  t.same(first.evidence, evidence.slice(-MAX_EVIDENCE), 'the newest records are kept')
  const again = merge(first, observation(1, { sourceAddresses: addresses, evidence }))
  t.equal(again, undefined, 'and the same observation is still nothing new')
  const fewer = stored(merge(first, observation(1, { sourceAddresses: ['10.1.0.0'], score: 1 })))
  t.equal(fewer.addressesTruncated, true, 'what was left out once is not forgotten')
  t.end()
})

const observations: fc.Arbitrary<Observation> = fc
  .record({
    score: fc.integer({ min: 0, max: 100 }),
    first: fc.integer({ min: 0, max: 50 }),
    length: fc.integer({ min: 0, max: 50 }),
    source: fc.integer({ min: 1, max: 5 }),
    received: fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 30 }),
  })
  .map(({ score, first, length, source, received }) =>
    observation(1, {
      score,
      firstSeenMilliseconds: first,
      lastSeenMilliseconds: first + length,
      sourceAddresses: [`10.0.0.${source}`],
      evidence: received.map((receivedMilliseconds) => ({ receivedMilliseconds })),
    }),
  )

t.test('merging widens times, loses no address, and is idempotent', (t) => {
  t.plan(1)
  const property = fc.property(fc.array(observations, { minLength: 1, maxLength: 12 }), (list) => {
    let finding: StoredFinding | undefined
    for (const one of list) {
      const merged = merge(finding, one)
      if (merged !== undefined) finding = stored(merged)
      if (merge(finding, one) !== undefined) return false
    }
    const newest = Math.max(...list.map((one) => one.lastSeenMilliseconds))
    const lastNewest = list.filter((one) => one.lastSeenMilliseconds === newest).at(-1)!
    return (
      finding!.firstSeenMilliseconds === Math.min(...list.map((one) => one.firstSeenMilliseconds)) &&
      finding!.lastSeenMilliseconds === newest &&
      finding!.score === lastNewest.score &&
      list.every((one) => finding!.sourceAddresses.includes(one.sourceAddresses[0]!)) &&
      finding!.evidence.length <= MAX_EVIDENCE
    )
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }))
})

type Action = { kind: 'upsert' | 'touch'; subject: number; score: number } | { kind: 'read' }
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'read' } as const) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('upsert' as const, 'touch' as const),
      subject: fc.integer({ min: 1, max: 12 }),
      score: fc.integer({ min: 0, max: 9 }),
    }),
  },
)

async function act(findings: FindingRepository, one: Exclude<Action, { kind: 'read' }>) {
  const changes = observation(one.subject, { score: one.score, lastSeenMilliseconds: NOON })
  if (one.kind === 'upsert') await findings.upsert([changes])
  else await findings.touch([changes.id])
}

t.test('a reader loses and repeats nothing while others write', async (t) => {
  t.plan(3)
  for (const order of ['oldest', 'updated', 'newest'] as const satisfies FindingOrder[]) {
    const property = fc.asyncProperty(
      fc.array(action, { maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      async (actions, limit) => {
        const { findings, documents } = await open(t.testdir())
        try {
          for (let subject = 1; subject <= 5; subject++) await findings.upsert([observation(subject)])
          const before = new Set<string>()
          for await (const { id } of findings.all()) before.add(id)
          const read: StoredFinding[] = []
          let after: number | undefined
          const turn = async () => {
            const page = await findings.page({ order, after, limit })
            read.push(...page.items)
            after = page.position
            return page.hasMore
          }
          for (const one of actions) await (one.kind === 'read' ? turn() : act(findings, one))
          while (await turn());
          const ids = read.map(({ id }) => id)
          if (order === 'newest') {
            const seen = new Set(ids)
            // Those made while reading come before its place, and only those may be absent.
            return seen.size === ids.length && (read.length === 0 || [...before].every((id) => seen.has(id)))
          }
          const now = new Map<string, StoredFinding>()
          for await (const finding of findings.all()) now.set(finding.id, finding)
          if (order === 'oldest') return new Set(ids).size === ids.length && ids.length === now.size
          const revisions = read.map(({ revision }) => revision)
          const rising = revisions.every((revision, index) => index === 0 || revision > revisions[index - 1]!)
          const last = new Map(read.map((finding) => [finding.id, finding]))
          return rising && [...now.values()].every(({ id, revision }) => last.get(id)?.revision === revision)
        } finally {
          await documents.close()
        }
      },
    )
    await t.resolves(fc.assert(property, { numRuns: 15 }), order)
  }
})

t.test('writes at the same moment get one revision each', async (t) => {
  const { findings, documents } = await open(t.testdir())
  t.teardown(() => documents.close())
  await Promise.all(
    Array.from({ length: 30 }, (_, index) => findings.upsert([observation(index % 10, { score: index })])),
  )
  const page = await findings.page({ order: 'updated', after: 0, limit: 100 })
  t.equal(page.items.length, 10)
  t.equal(new Set(page.items.map(({ revision }) => revision)).size, 10)
  t.equal(await findings.revision(), 30)
})

t.test('a page that looks at much and accepts little ends short, and goes on', async (t) => {
  const { findings, documents } = await open(t.testdir())
  t.teardown(() => documents.close())
  for (let subject = 0; subject < 10; subject++) await findings.upsert([observation(subject)])
  const last = observation(9).id
  const accept = ({ id }: StoredFinding) => id === last
  const first = await findings.page({ order: 'oldest', limit: 5, accept, maxScanned: 6 })
  t.same([first.items.length, first.position, first.hasMore], [0, 6, true])
  const second = await findings.page({
    order: 'oldest',
    after: first.position,
    limit: 5,
    accept,
    maxScanned: 6,
  })
  t.same([second.items.map(({ id }) => id), second.hasMore], [[last], false])
})

t.test('reading on from a time works although the clock goes back', async (t) => {
  const { findings, documents, clock } = await open(t.testdir())
  t.teardown(() => documents.close())
  const times = [0, 10, 20, 5, 30]
  for (const [subject, time] of times.entries()) {
    clock.milliseconds = NOON + time
    await findings.upsert([observation(subject)])
  }
  const since = async (time: number) => {
    const after = await findings.revisionBefore(NOON + time)
    return (await findings.page({ order: 'updated', after, limit: 10 })).items.map(({ revision }) => revision)
  }
  t.same(await since(-1), [1, 2, 3, 4, 5])
  t.same(await since(11), [3, 4, 5])
  t.same(await since(20), [3, 4, 5])
  t.same(await since(30), [5])
  t.same(await since(31), [])
})

t.test('a disposition is refused when the finding has moved on', async (t) => {
  const { findings, audit, documents } = await open(t.testdir())
  t.teardown(() => documents.close())
  const { id } = observation(1)
  await t.rejects(findings.setDisposition('none', { state: 'open' }, { by: 'ann' }), { code: 'NOT_FOUND' })
  await findings.upsert([observation(1)])
  const options = { by: 'ann', expects: ({ disposition }: StoredFinding) => disposition.version === 0 }
  const both = await Promise.allSettled([
    findings.setDisposition(id, { state: 'resolved' }, options),
    findings.setDisposition(id, { state: 'expected' }, options),
  ])
  t.same(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
  t.equal((await findings.get(id))?.disposition.state, 'resolved')
  t.equal((await audit.page({ limit: 10 })).length, 1, 'what was refused is not in the audit')
})

t.test('the orders can be made anew after a repair has lost records', async (t) => {
  const { documents, findings } = await open(t.testdir())
  t.teardown(() => documents.close())
  for (let subject = 1; subject <= 6; subject++) await findings.upsert([observation(subject)])
  await findings.touch([observation(2).id])
  const third = await findings.get(observation(3).id)
  await documents.batch([
    { type: 'delete', key: 'finding/counters' },
    { type: 'delete', key: `finding/sequence/${'1'.padStart(16, '0')}` },
    { type: 'delete', key: `finding/revision/${'7'.padStart(16, '0')}` },
    { type: 'delete', key: `finding/id/${observation(6).id}` },
    { type: 'put', key: `finding/id/${observation(4).id}`, value: { ...third, id: observation(4).id } },
  ])
  t.equal(await reindexFindings(documents), 5)
  const oldest = await findings.page({ order: 'oldest', limit: 10 })
  const updated = await findings.page({ order: 'updated', limit: 10 })
  const ids = [1, 2, 3, 4, 5].map((subject) => observation(subject).id).sort()
  t.same(oldest.items.map(({ id }) => id).sort(), ids)
  t.same(updated.items.map(({ id }) => id).sort(), ids)
  t.equal(updated.items.at(-1)?.revision, 8, 'what was given anew comes last')
  await findings.upsert([observation(7)])
  t.match(await findings.get(observation(7).id), { sequence: 8, revision: 9 }, 'no number twice')
  t.equal(await reindexFindings(documents), 6)
  t.same(
    (await findings.page({ order: 'updated', limit: 10 })).items.map(({ revision }) => revision),
    [...updated.items.map(({ revision }) => revision), 9],
    'doing it again changes nothing',
  )
})

t.test('order goes on after a restart', async (t) => {
  const location = t.testdir()
  const first = await open(location)
  await first.findings.upsert([observation(1)])
  await first.documents.close()
  const second = await open(location)
  t.teardown(() => second.documents.close())
  await second.findings.upsert([observation(2)])
  t.match(await second.findings.get(observation(2).id), { sequence: 2, revision: 2 })
})

t.test('runs: newest first, replaced by id and start, bounded by age and number', async (t) => {
  const { documents, now } = await open(t.testdir())
  t.teardown(() => documents.close())
  const runs = createRuns({ documents, now, maxRuns: 3, maxAgeDays: 1 })
  const run = (id: string, age: number, outcome: Run['outcome'] = 'ok'): Run => ({
    id,
    detector: 'icmp-tunnel',
    fromMilliseconds: 0,
    toMilliseconds: 1,
    startedAtMilliseconds: NOON - age,
    outcome,
    rowsRead: 0,
    blocksRead: 0,
    blocksFailed: 0,
    observations: 0,
    created: 0,
    updated: 0,
  })
  await runs.record(run('a', 3000, 'running'))
  await runs.record(run('a', 3000))
  await runs.record(run('b', 2000))
  await runs.record(run('c', 1000))
  const first = await runs.page({ limit: 2 })
  t.same(
    first.items.map(({ id, outcome }) => `${id} ${outcome}`),
    ['c ok', 'b ok'],
  )
  const second = await runs.page({ limit: 2, after: first.position })
  t.same([second.items.map(({ id }) => id), second.hasMore], [['a'], false])
  await runs.record(run('old', 2 * 86_400_000))
  for (let index = 0; index < 6; index++) await runs.record(run(`n${index}`, 10 - index))
  const ids = (await runs.page({ limit: 100 })).items.map(({ id }) => id)
  t.ok(ids.length <= 3 + 3, 'no more than the bound and what came since the last look')
  t.notOk(ids.includes('old'), 'nothing older than the bound')
})

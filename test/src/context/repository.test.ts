/** Context as it is kept: ids, versions, audit, what is refused, and all of it again after a start. */
import t from 'tap'
import type { Asset } from '#core/context/data.js'
import { MOST_ENTRIES } from '#core/context/kinds.js'
import { createContextRepository } from '#core/context/repository.js'
import { createAudit } from '#core/findings/audit.js'
import { createDocuments } from '#core/store/documents.js'

const NOW = 1_700_000_000_000
const by = 'ada'

async function open(location: string) {
  const documents = createDocuments({ location })
  await documents.open()
  const now = () => NOW
  const audit = createAudit({ documents, now })
  return { documents, audit, repository: createContextRepository({ documents, audit, now }) }
}

t.test(
  'entries have ids and versions; the whole has one that changes with each; all outlive a start',
  async (t) => {
    const location = t.testdir()
    const first = await open(location)
    const { repository, audit } = first
    t.match(await repository.current(), { version: 0, data: { zones: [], assets: [] } })
    const zone = await repository.create('zones', { prefix: '2001:DB8::/32', name: 'lab' }, { by })
    t.match(zone, { id: 'zone-1', version: 1, prefix: '2001:db8::/32', createdAtMilliseconds: NOW })
    const asset = await repository.create('assets', { prefix: '10.0.0.1/32', role: 'printer' }, { by })
    const other = await repository.create('assets', { prefix: '10.0.0.2' }, { by })
    t.same([asset.id, asset.prefix, other.id], ['asset-1', '10.0.0.1', 'asset-2'])
    const current = await repository.current()
    t.equal(current.version, 3)
    t.equal(await repository.current(), current, 'the same while nothing changes')

    const replaced = await repository.replace('assets', 'asset-1', { prefix: '10.0.0.3' }, { by, version: 1 })
    t.match(replaced, { id: 'asset-1', version: 2, prefix: '10.0.0.3' })
    t.equal('role' in replaced, false, 'what is not said is gone')
    await t.rejects(repository.replace('assets', 'asset-1', { prefix: '10.0.0.4' }, { by, version: 1 }), {
      code: 'CONFLICT',
    })
    await t.rejects(repository.delete('assets', 'asset-9', { by }), { code: 'NOT_FOUND' })
    await repository.delete('assets', 'asset-2', { by, version: 1 })
    const entries = await audit.page({ limit: 10 })
    t.same(
      entries.map(({ action, subject, actor }) => [action, subject, actor]),
      [
        ['context.create', 'zone-1', by],
        ['context.create', 'asset-1', by],
        ['context.create', 'asset-2', by],
        ['context.update', 'asset-1', by],
        ['context.delete', 'asset-2', by],
      ],
    )
    t.match(entries[3], {
      before: { prefix: '10.0.0.1', version: 1 },
      after: { prefix: '10.0.0.3', version: 2 },
    })
    await first.documents.close()

    const again = await open(location)
    t.teardown(() => again.documents.close())
    t.match(await again.repository.current(), {
      version: 5,
      data: {
        zones: [{ prefix: '2001:db8::/32', name: 'lab' }],
        assets: [{ prefix: '10.0.0.3' }],
        monitors: [],
      },
    })
    const next = await again.repository.create('assets', { prefix: '10.0.0.2' }, { by })
    t.equal(next.id, 'asset-3', 'a number is never used again')
  },
)

t.test('what cannot be kept is refused, with its place', async (t) => {
  const { repository, documents } = await open(t.testdir())
  t.teardown(() => documents.close())
  await repository.create('zones', { prefix: '10.0.0.0/8', name: 'campus' }, { by })
  const past = NOW - 1
  const table = [
    ['zones', { prefix: '10.0.0.0/8', name: 'other' }, '/prefix', /zone-1 is the same already/],
    ['zones', { prefix: '10.1.0.0/8', name: 'other' }, '/prefix', /bits set/],
    ['assets', { prefix: 'router' }, '/prefix', /neither/],
    ['monitors', { owner: 'noc' }, '/source', /is required, or target/],
    ['monitors', { source: 'zone:', owner: 'noc' }, '/source', /names nothing/],
    ['monitors', { source: 'office', owner: 'noc' }, '/source', /zone:NAME/],
    ['monitors', { target: '10.0.0.1/8', owner: 'noc' }, '/target', /bits set/],
    ['services', { protocolIdentifier: 6, owner: 'noc' }, '/client', /or server/],
    [
      'services',
      { client: '10.0.0.1', protocolIdentifier: 6, owner: 'x', expiresMilliseconds: past },
      '/expiresMilliseconds',
      /past/,
    ],
  ] as const
  for (const [kind, entry, pointer, message] of table) {
    t.match(await repository.problems(kind, entry as never), [{ pointer, message }], JSON.stringify(entry))
    await t.rejects(repository.create(kind, entry as never, { by }), { code: 'INVALID', message })
  }
  t.same(await repository.problems('zones', { prefix: '10.0.0.0/8', name: 'x' }, 'zone-1'), [], 'itself')
  t.equal((await repository.current()).version, 1)
})

t.test('what has expired may be kept as it is when the rest changes', async (t) => {
  const { repository, documents, audit } = await open(t.testdir())
  t.teardown(() => documents.close())
  const entry = { source: '10.0.0.1', owner: 'noc', expiresMilliseconds: NOW + 1 }
  await repository.create('monitors', entry, { by })
  const later = createContextRepository({ documents, audit, now: () => NOW + 5 })
  t.match(await later.replace('monitors', 'monitor-1', { ...entry, owner: 'ops' }, { by }), { owner: 'ops' })
  await t.rejects(
    later.replace('monitors', 'monitor-1', { ...entry, expiresMilliseconds: 5 }, { by }),
    /past/,
  )
})

t.test('an import is one version and one entry of the audit', async (t) => {
  const { repository, documents, audit } = await open(t.testdir())
  t.teardown(() => documents.close())
  const assets = (entries: Asset[]) => entries.map((entry) => ({ kind: 'assets', entry }) as const)
  const keep = { replaces: [], merges: false } as const
  const many = Array.from(
    { length: 600 },
    (_, index): Asset => ({ prefix: `10.1.${index >> 8}.${index & 255}` }),
  )
  await repository.import(assets(many), { ...keep, by })
  const plan = await repository.import(
    assets([{ prefix: '10.1.0.0', name: 'new' }, { prefix: '10.1.0.1' }, { prefix: '10.2.0.0' }]),
    { replaces: ['assets'], merges: false, by },
  )
  t.equal(plan.changes.length, 600, 'one changed, one added, 598 removed')
  t.equal(plan.unchanged.assets, 1)
  t.same((await repository.current()).data.assets, [
    { prefix: '10.1.0.0', name: 'new' },
    { prefix: '10.1.0.1' },
    { prefix: '10.2.0.0' },
  ])
  const merged = await repository.import(assets([{ prefix: '10.1.0.0', role: 'server' }]), {
    replaces: [],
    merges: true,
    by,
  })
  t.match(merged.changes, [{ after: { name: 'new', role: 'server' } }])
  const nothing = await repository.import(assets([{ prefix: '10.2.0.0' }]), { ...keep, by })
  t.equal(nothing.changes.length, 0)
  t.equal((await repository.current()).version, 3, 'an import of what is there already is no change')
  const entries = await audit.page({ limit: 10 })
  t.same(
    entries.map(({ action }) => action),
    ['context.import', 'context.import', 'context.import'],
  )
  const { changed, changes, digest } = entries[1]!.after as {
    changed: number
    changes: unknown[]
    digest: string
  }
  t.same([changed, changes.length, digest.length], [600, 500, 64])
  t.match(await audit.verify(), { intact: true })
})

t.test('changes at the same time come one after another', async (t) => {
  const { repository, documents } = await open(t.testdir())
  t.teardown(() => documents.close())
  const same = { prefix: '10.0.0.1' }
  const tried = await Promise.allSettled([1, 2, 3].map(() => repository.create('assets', same, { by })))
  t.equal(tried.filter(({ status }) => status === 'fulfilled').length, 1)
  t.equal((await repository.all('assets')).length, 1)
})

t.test('there is an end to how many are kept', async (t) => {
  const { repository, documents } = await open(t.testdir())
  t.teardown(() => documents.close())
  const monitors = Array.from({ length: MOST_ENTRIES.monitors + 1 }, (_, index) => ({
    kind: 'monitors' as const,
    entry: { source: `10.0.${index >> 8}.${index & 255}`, owner: 'noc' },
  }))
  const options = { replaces: [], merges: false, by }
  await t.rejects(repository.import(monitors, options), {
    code: 'INVALID',
    message: /more than 5000 monitors/,
  })
  t.equal((await repository.current()).version, 0)
})

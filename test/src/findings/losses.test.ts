/** What is acknowledged of losses, and what shows all the same. */
import { join } from 'node:path'
import t from 'tap'
import { createAudit } from '#core/findings/audit.js'
import { type LossAcknowledgement, type Losses, lossesOf, openLosses, openOf } from '#core/findings/losses.js'
import { createDocuments } from '#core/store/documents.js'
import { NO_SCRUB } from '#core/store/scrub.js'
import { healthOf } from '../../support/health.js'

const hole = (fromSequence: number, toSequence: number) => ({
  fromSequence,
  toSequence,
  fromMilliseconds: 1000,
  toMilliseconds: 2000,
})
const losses = (changes: Partial<Losses>): Losses => ({
  holes: [],
  blocks: [],
  unnamedRows: 0,
  unnamedBlocks: 0,
  ...changes,
})
const acknowledged = (changes: Partial<Losses>): LossAcknowledgement => ({
  id: 'loss-1',
  atMilliseconds: 1,
  by: 'one',
  note: 'known',
  losses: losses(changes),
})
const block = (name: string) => ({ name, reason: 'damaged' })

t.test('what of losses is open', async (t) => {
  const cases: readonly (readonly [string, Partial<Losses>, Partial<Losses>[], Partial<Losses>])[] = [
    [
      'all without an acknowledgement',
      { holes: [hole(1, 5)], unnamedRows: 3 },
      [],
      { holes: [hole(1, 5)], unnamedRows: 3 },
    ],
    ['nothing of what was acknowledged', { holes: [hole(1, 5)] }, [{ holes: [hole(1, 5)] }], {}],
    [
      'the rest of a hole that has grown',
      { holes: [hole(1, 9)] },
      [{ holes: [hole(3, 5)] }],
      { holes: [hole(1, 3), hole(5, 9)] },
    ],
    ['nothing of one that retention has cut', { holes: [hole(3, 5)] }, [{ holes: [hole(1, 5)] }], {}],
    [
      'nothing of two in one',
      { holes: [hole(1, 9)] },
      [{ holes: [hole(1, 5)] }, { holes: [hole(5, 9)] }],
      {},
    ],
    [
      'a block by its name',
      { blocks: [block('flow4/1'), block('flow4/9')] },
      [{ blocks: [block('flow4/1')] }],
      { blocks: [block('flow4/9')] },
    ],
    [
      'no more unnamed ones than were',
      { unnamedRows: 7, unnamedBlocks: 2 },
      [{ unnamedRows: 7, unnamedBlocks: 3 }],
      {},
    ],
    ['more unnamed ones', { unnamedRows: 8 }, [{ unnamedRows: 7 }], { unnamedRows: 8 }],
  ]
  for (const [title, now, known, open] of cases)
    t.same(openOf(losses(now), known.map(acknowledged)), losses(open), title)
})

t.test('what is missing: holes, blocks of the index, blocks that scrubbing found', async (t) => {
  const damage = { lostRows: 10, damagedBlocks: 3, holes: [hole(1, 5)], damaged: [block('flow4/1')] }
  const scrub = {
    ...NO_SCRUB,
    damaged: ['flow4/1', 'flow4/7'].map((name) => ({ name, reason: 'a piece', foundMilliseconds: 1 })),
  }
  t.same(lossesOf(damage, scrub), {
    holes: [hole(1, 5)],
    blocks: [block('flow4/1'), { name: 'flow4/7', reason: 'a piece' }],
    unnamedRows: 6,
    unnamedBlocks: 2,
  })
  t.same(lossesOf(undefined, undefined), losses({}))
})

t.test('an acknowledgement ends the fault, over a restart too, until more is lost', async (t) => {
  const documents = createDocuments({ location: join(t.testdir(), 'documents') })
  await documents.open()
  t.teardown(() => documents.close())
  let time = 1_000_000
  const now = () => time
  const audit = createAudit({ documents, now })
  let missing = losses({ holes: [hole(1, 5)], blocks: [block('flow4/7')] })
  const open = () => openLosses({ documents, audit, now, current: () => missing })
  let repository = await open()
  let droppedRows = 4
  const scrub = { ...NO_SCRUB, damaged: [{ ...block('flow4/7'), foundMilliseconds: 1 }] }
  const checks = () => {
    const health = healthOf({
      counts: () => ({ droppedRows, lastDropMilliseconds: time - 90_000 }) as never,
      losses: repository.report,
      acknowledgedMilliseconds: () => repository.acknowledgements().at(-1)?.atMilliseconds,
      scrub: () => scrub,
      now,
    })
    const { checks } = health.report()
    return Object.fromEntries(checks.map(({ name, status }) => [name, status]))
  }
  const degraded = { store: 'degraded', 'stored rows': 'degraded', scrub: 'degraded' }
  t.match(checks(), degraded)
  const change = { by: 'one', expects: () => true }
  await t.rejects(repository.acknowledge({ note: 'x' }, { ...change, expects: () => false }), {
    code: 'CONFLICT',
  })
  t.match(checks(), degraded)
  const made = await repository.acknowledge({ note: 'power cut' }, change)
  t.match(made, { id: 'loss-1', atMilliseconds: time, by: 'one', note: 'power cut', losses: missing })
  t.match(checks(), { store: 'ok', 'stored rows': 'ok', scrub: 'ok' })
  t.match(repository.report(), { lostRows: 4, damagedBlocks: 1, open: losses({}) }, 'it stays on record')
  await t.rejects(repository.acknowledge({ note: 'x' }, change), { code: 'INVALID' })

  repository = await open()
  t.match(checks(), { 'stored rows': 'ok', scrub: 'ok' }, 'after a restart')
  t.same(repository.acknowledgements(), [made])

  missing = { ...missing, holes: [...missing.holes, hole(20, 30)] }
  t.match(checks(), { 'stored rows': 'degraded', scrub: 'ok' })
  time += 200_000
  droppedRows += 10
  t.match(checks(), { store: 'degraded' }, 'dropped since')
  t.match(await repository.acknowledge({ note: 'disk' }, change), {
    id: 'loss-2',
    losses: losses({ holes: [hole(20, 30)] }),
  })
  t.match(checks(), { store: 'ok', 'stored rows': 'ok' })
  t.match(await audit.verify(), { intact: true, entries: 2 })
  const [entry] = await audit.page({ limit: 1 })
  t.match(entry, { action: 'loss.acknowledge', actor: 'one', subject: 'loss-1', after: made })
})

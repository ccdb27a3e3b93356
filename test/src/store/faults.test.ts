/** What can happen to the files of a store; the whole appliance over the same folders is in test/e2e. */
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { openDataFolder } from '#core/data-folder.js'
import { startMended } from '#core/mended-start.js'
import { createBallast } from '#core/store/ballast.js'
import { findHoles } from '#core/store/holes.js'
import { askForMending, findSetAside } from '#core/store/mend.js'
import { emptyScanCounts, scan } from '#core/store/scan.js'
import { BLOCKS, faults, makeFolder, ROWS } from './faulty-folder.js'

const logger = pino({ level: 'silent' })
const RECEIVED = Date.UTC(2026, 0, 5)

/** As the appliance does it: opened, read, mended where reading fails, opened and read again. */
async function openAndRead(data: string) {
  let closers: (() => Promise<void>)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  const start = async () => {
    closers = []
    const folder = await openDataFolder({ data, logger, onOpen: (closer) => closers.push(closer) })
    return {
      store: folder.blocks,
      damage: await findHoles(folder.blocks, folder.blocks.sequence.watermark()),
    }
  }
  const { store, damage } = await startMended({
    data,
    logger,
    start,
    close,
    ballast: createBallast(data, 0, 0),
  })
  const counts = emptyScanCounts()
  const window = { stream: 'flow4' as const, fromMilliseconds: 0, toMilliseconds: Number.POSITIVE_INFINITY }
  for await (const _ of scan(store, window, counts)) {
    // The counts are all that is asked for.
  }
  await close()
  return { rows: counts.rowsRead, failed: counts.blocksFailed, damage }
}

for (const [title, { damage, losesAtMost, isRepaired }] of Object.entries(faults)) {
  t.test(title, async (t) => {
    const data = join(t.testdir(), 'data')
    await makeFolder(data, RECEIVED)
    await damage(join(data, 'blocks'))
    for (const start of ['first', 'next']) {
      const { rows, failed, damage: found } = await openAndRead(data)
      t.equal(
        rows + found.lostRows,
        BLOCKS * ROWS,
        `${start} start: ${found.lostRows} rows are told to be lost`,
      )
      t.equal(failed, 0, 'what is there can be read')
      t.equal(found.lostRows > 0, losesAtMost > 0)
      t.ok(found.lostRows <= losesAtMost)
      const [hole] = found.holes
      if (hole !== undefined) {
        const at = (sequence: number) => RECEIVED + sequence - 1
        t.ok(hole.fromMilliseconds <= at(hole.fromSequence) && hole.toMilliseconds >= at(hole.toSequence - 1))
      }
      t.same(
        (await findSetAside(data)).map(({ database }) => database),
        isRepaired ? ['blocks'] : [],
      )
      t.equal(existsSync(join(data, 'blocks', 'lost')), isRepaired)
    }
  })
}

t.test('a store that took nothing more is read whole at the next start, and mended', async (t) => {
  const data = join(t.testdir(), 'data')
  await makeFolder(data, RECEIVED)
  await openAndRead(data)
  await faults['damage inside of a table']!.damage(join(data, 'blocks'))
  await askForMending(data)
  const { rows, failed, damage } = await openAndRead(data)
  t.equal(rows + damage.lostRows, BLOCKS * ROWS)
  t.equal(failed, 0)
  t.ok(damage.lostRows > 0)
  t.notOk(existsSync(join(data, 'mend')), 'once')
})

t.test('a disk that is full when the folder is to be mended: the ballast is given up for that', async (t) => {
  const data = join(t.testdir(), 'data')
  await makeFolder(data, RECEIVED)
  await askForMending(data)
  // Where LevelDB is about to write as it opens, nothing has room.
  const full = Array.from({ length: 50 }, (_, number) => `MANIFEST-${String(number).padStart(6, '0')}`)
    .map((name) => join(data, 'documents', name))
    .filter((path) => !existsSync(path))
  for (const path of full) symlinkSync('/dev/full', path)
  let isReleased = false
  const release = async () => {
    isReleased = true
    for (const path of full) rmSync(path, { force: true })
  }
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  const start = () => openDataFolder({ data, logger, onOpen: (closer) => closers.push(closer) })
  await startMended({ data, logger, start, close, ballast: { release, keep: async () => 'absent' } })
  await close()
  t.ok(isReleased)
  t.notOk(existsSync(join(data, 'mend')), 'and it was mended')
})

t.test('a damaged index is made again from the blocks', async (t) => {
  for (const damage of ['footer', 'inside'] as const) {
    const data = join(t.testdir(), 'data')
    await makeFolder(data, RECEIVED)
    await openAndRead(data)
    const index = join(data, 'blocks', 'index')
    const [table] = readdirSync(index).filter((name) => name.endsWith('.ldb'))
    const octets = readFileSync(join(index, table!))
    if (damage === 'footer') octets.fill(0, octets.length - 48)
    else octets.fill(0xa5, 100, 2000)
    writeFileSync(join(index, table!), octets)
    const { rows, failed, damage: found } = await openAndRead(data)
    t.same([rows, failed, found.lostRows], [BLOCKS * ROWS, 0, 0], damage)
  }
})

import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ApplianceError } from '#core/errors.js'
import { createDocuments } from '#core/store/documents.js'

const collect = async (entries: AsyncIterable<[string, unknown]>) => {
  const keys: string[] = []
  for await (const [key] of entries) keys.push(key)
  return keys
}

t.test('values come back as written, and a missing key is undefined', async (t) => {
  const documents = createDocuments({ location: join(t.testdir(), 'new', 'documents') })
  await documents.open()
  t.teardown(() => documents.close())
  await documents.put('a/1', { text: '\u0000<b>\u001b[31m', list: [1, null] })
  t.same(await documents.get('a/1'), { text: '\u0000<b>\u001b[31m', list: [1, null] })
  t.equal(await documents.get('a/2'), undefined)
  await documents.delete('a/1')
  t.equal(await documents.get('a/1'), undefined)
})

t.test('a listing keeps to its prefix, its direction and its bounds', async (t) => {
  const documents = createDocuments({ location: t.testdir() })
  await documents.open()
  t.teardown(() => documents.close())
  const keys = ['a/1', 'a/2', 'a/2/x', 'a/3\u{1f600}', 'b/1', 'a0']
  await documents.batch(keys.map((key) => ({ type: 'put', key, value: 1 })))
  const inA = ['a/1', 'a/2', 'a/2/x', 'a/3\u{1f600}']
  t.same(await collect(documents.list('a/')), inA)
  t.same(await collect(documents.list('a/', { reverse: true })), [...inA].reverse())
  t.same(await collect(documents.list('a/', { limit: 2 })), inA.slice(0, 2))
  t.same(await collect(documents.list('a/', { from: 'a/2' })), inA.slice(1))
  t.same(await collect(documents.list('a/', { after: 'a/2' })), inA.slice(2))
  t.same(await collect(documents.list('a/', { from: 'a/2', reverse: true })), ['a/2', 'a/1'])
  t.same(await collect(documents.list('a/', { after: 'a/2', reverse: true })), ['a/1'])
})

t.test('a listing shows the moment at which it began', async (t) => {
  const documents = createDocuments({ location: t.testdir() })
  await documents.open()
  t.teardown(() => documents.close())
  await documents.batch([
    { type: 'put', key: 'a/1', value: 1 },
    { type: 'put', key: 'a/2', value: 2 },
  ])
  const seen: string[] = []
  for await (const [key] of documents.list('a/')) {
    seen.push(key)
    if (seen.length === 1) await documents.put('a/3', 3)
  }
  t.same(seen, ['a/1', 'a/2'])
})

t.test('a second process is told that the store is locked', async (t) => {
  const location = t.testdir()
  const documents = createDocuments({ location })
  await documents.open()
  t.teardown(() => documents.close())
  const script = `
    import { createDocuments } from '#core/store/documents.js'
    await createDocuments({ location: ${JSON.stringify(location)} }).open().catch((error) => console.log(error.code))
  `
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  t.equal(child.stdout.trim(), 'STORE_LOCKED', child.stderr)
})

const damages: Record<string, (location: string) => void> = {
  'an emptied CURRENT': (location) => truncateSync(join(location, 'CURRENT')),
  'a deleted CURRENT': (location) => rmSync(join(location, 'CURRENT')),
  'a deleted MANIFEST': (location) => {
    for (const name of readdirSync(location)) if (name.startsWith('MANIFEST')) rmSync(join(location, name))
  },
}

t.test('a damaged store is repaired once, loses nothing here, and says so', async (t) => {
  t.plan(3 * Object.keys(damages).length)
  for (const [name, damage] of Object.entries(damages)) {
    const location = t.testdir()
    const first = createDocuments({ location })
    await first.open()
    for (let index = 0; index < 50; index++) await first.put(`k/${index}`, index, { sync: false })
    await first.close()
    damage(location)
    const causes: Error[] = []
    const second = createDocuments({ location, onRepair: (cause) => causes.push(cause) })
    await second.open()
    t.equal((await collect(second.list('k/'))).length, 50, name)
    t.equal(causes.length, 1, `${name} is reported`)
    t.ok(causes[0] instanceof Error, `${name} has a cause`)
    await second.close()
  }
})

t.test('a folder that cannot be one is STORE_DAMAGED', async (t) => {
  const directory = t.testdir()
  writeFileSync(join(directory, 'file'), '')
  const documents = createDocuments({ location: join(directory, 'file') })
  const error = await documents.open().catch((caught: unknown) => caught)
  t.ok(error instanceof ApplianceError)
  t.equal((error as ApplianceError).code, 'STORE_DAMAGED')
})

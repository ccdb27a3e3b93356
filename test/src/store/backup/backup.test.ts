import { existsSync, readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { ClassicLevel } from 'classic-level'
import { packTar, type TarHeader, unpackTar } from 'modern-tar'
import t from 'tap'
import { streamNamed } from '#core/records/columns.js'
import { MANIFEST_NAME, type Manifest, SEGMENT_OCTETS, segmentName } from '#core/store/backup/format.js'
import { openRaw, restoreArchive } from '#core/store/backup/restore.js'
import { RESTORING, refuseUnfinished } from '#core/store/backup/unfinished.js'
import { verifyArchive } from '#core/store/backup/verify.js'
import { writeArchive } from '#core/store/backup/write.js'
import { createBlockStore } from '#core/store/blocks.js'
import { createDocuments } from '#core/store/documents.js'
import { findHoles } from '#core/store/holes.js'
import { blockKey } from '#core/store/keys.js'
import { queryRows } from '#core/store/query/rows.js'
import { builderOf } from '../rows.js'

const FAST = { now: () => 1_700_000_000_000, octetsPerSecond: 1e12 }

/** A folder with rows of two streams and some documents, and what else is to happen before it is closed. */
async function makeFolder(data: string, { blocks = 40, onStore = async (_: Opened) => {} } = {}) {
  const opened = await openFolder(data)
  for (let count = 0; count < blocks; count++) {
    await opened.store.append(builderOf(200, count * 200, count % 3 === 0 ? 'icmp4' : 'flow4'), 1000 + count)
    await opened.documents.put(`note/${count}`, { text: 'x'.repeat(100), count }, { sync: false })
  }
  await opened.store.sync()
  await onStore(opened)
  await opened.close()
}

type Opened = Awaited<ReturnType<typeof openFolder>>

async function openFolder(data: string) {
  await mkdir(data, { recursive: true })
  const store = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  const documents = createDocuments({ location: join(data, 'documents') })
  const rollups = createBlockStore({ location: join(data, 'rollups'), what: 'rollups', isFirst: true })
  await store.open()
  await documents.open()
  await rollups.open()
  const close = async () => {
    await rollups.close()
    await store.close()
    await documents.close()
  }
  return { store, documents, rollups, close }
}

async function archiveOf(data: string, watermark?: number): Promise<Uint8Array> {
  const documents = await openRaw(join(data, 'documents'), 'documents')
  const blocks = await openRaw(join(data, 'blocks'), 'blocks')
  const rollups = await openRaw(join(data, 'rollups'), 'rollups')
  const store = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  await store.open()
  const next = store.sequence.next()
  const chunks: Uint8Array[] = []
  const source = { documents, blocks, rollups, watermark: () => watermark ?? next, rollupWatermark: () => 1 }
  const archive = writeArchive(source, FAST)
  for await (const chunk of archive) chunks.push(chunk)
  await Promise.all([documents.close(), blocks.close(), rollups.close(), store.close()])
  return Buffer.concat(chunks)
}

async function* pieces(archive: Uint8Array, size = 70_001): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size)
}

async function rowsOf(data: string) {
  const { store, documents, rollups, close } = await openFolder(data)
  const page = await queryRows(store, { limit: 1000 })
  const keys: string[] = []
  for await (const [key] of documents.list('note/')) keys.push(key)
  const holes = await findHoles(store)
  const next = store.sequence.next()
  const sums = await rollups.index('rollup4')
  const note = Buffer.from((await rollups.note()) ?? []).toString()
  const nextSum = rollups.sequence.next()
  await close()
  return { page, keys, holes, next, sums, note, nextSum }
}

t.test('what is restored answers as what was backed up', async (t) => {
  const folder = t.testdir()
  const data = join(folder, 'data')
  await makeFolder(data, {
    onStore: async ({ store, rollups }) => {
      await store.removeBefore(new Map([['flow4', (await store.index('flow4'))[3]!.firstSequence]]))
      await rollups.appendNoted([builderOf(30, 0, 'rollup4')], 1000, Buffer.from('as far as this'))
    },
  })
  const archive = await archiveOf(data)
  const report = await verifyArchive(pieces(archive))
  t.match(report, { documents: 40, blocks: 37, rows: 7400, damage: [], damagedBlocks: 0, lostRows: 0 })
  t.match(report, { rollupBlocks: 1, rollupRows: 30 })
  const restored = join(folder, 'restored')
  t.same(await restoreArchive(pieces(archive, 511), restored), report)
  t.same(await rowsOf(restored), await rowsOf(data))
  t.match(await rowsOf(restored), { sums: [{ rows: 30 }], note: 'as far as this', nextSum: 31 })
  t.same(readdirSync(restored).sort(), ['blocks', 'documents', 'rollups'], 'nothing else is in the folder')
})

t.test(
  'an archive is of one moment: what is written meanwhile is not in it, what is in flight neither',
  async (t) => {
    const folder = t.testdir()
    const data = join(folder, 'data')
    const { store, documents, close } = await openFolder(data)
    const raw = {
      documents: await openRaw(join(data, 'documents'), 'documents'),
      blocks: await openRaw(join(data, 'blocks'), 'blocks'),
      rollups: await openRaw(join(data, 'rollups'), 'rollups'),
      rollupWatermark: () => 1,
    }
    await store.append(builderOf(10, 0), 1000)
    await documents.put('note/1', 1)
    const inFlight = store.sequence.reserve(5)
    await store.append(builderOf(10, 20, 'icmp4'), 1000)
    const archive = writeArchive({ ...raw, watermark: store.sequence.watermark }, FAST)
    store.sequence.committed(inFlight)
    await store.append(builderOf(10, 40), 1000)
    await documents.put('note/2', 2)
    const chunks: Uint8Array[] = []
    for await (const chunk of archive) chunks.push(chunk)
    const report = await verifyArchive(pieces(Buffer.concat(chunks)))
    t.match(report, { rows: 10, documents: 1, damage: [], nextSequence: 11 })
    await Promise.all([raw.documents.close(), raw.blocks.close(), raw.rollups.close()])
    await close()
    await restoreArchive(pieces(Buffer.concat(chunks)), join(folder, 'restored'))
    t.match(await rowsOf(join(folder, 'restored')), { next: 11, holes: { lostRows: 0 } })
  },
)

t.test('a reader that goes away ends the backup; large stores come in many segments', async (t) => {
  const data = join(t.testdir(), 'data')
  await makeFolder(data, {
    blocks: 3,
    onStore: async ({ documents }) => {
      for (let count = 0; count < 12; count++)
        await documents.put(`long/${count}`, 'x'.repeat(SEGMENT_OCTETS / 3))
    },
  })
  const archive = await archiveOf(data)
  const names = (await unpackTar(archive)).map(({ header }) => header.name)
  t.ok(names.includes(segmentName('documents', 4)), names.join(' '))
  t.ok(names.includes(segmentName('blocks', 1)))
  t.match(await verifyArchive(pieces(archive)), { documents: 15, damage: [] })

  const documents = await openRaw(join(data, 'documents'), 'documents')
  const blocks = await openRaw(join(data, 'blocks'), 'blocks')
  const rollups = await openRaw(join(data, 'rollups'), 'rollups')
  const source = { documents, blocks, rollups, watermark: () => 1000, rollupWatermark: () => 1 }
  const reader = writeArchive(source, FAST).getReader()
  await reader.read()
  await reader.cancel()
  await documents.close()
  await blocks.close()
  await rollups.close()
  t.pass('the databases close: no snapshot is held')
})

t.test('a store that was not whole is backed up as it is, and that is told by name', async (t) => {
  const folder = t.testdir()
  const data = join(folder, 'data')
  await makeFolder(data)
  const database = new ClassicLevel<Uint8Array, Uint8Array>(join(data, 'blocks'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  const key = blockKey({ stream: streamNamed('flow4'), firstSequence: 201, level: 0 })
  const block = (await database.get(key))!
  block[block.length - 1]! ^= 1
  await database.put(key, block)
  await database.del(blockKey({ stream: streamNamed('flow4'), firstSequence: 401, level: 0 }))
  await database.close()
  const archive = await archiveOf(data)
  const report = await verifyArchive(pieces(archive))
  t.match(report, { blocks: 39, damagedBlocks: 1, lostRows: 200 })
  t.match(report.damage, [/^block flow4\/201: .*checksum/, /^200 rows are missing from sequence 401 on$/])
  await restoreArchive(pieces(archive), join(folder, 'restored'))
  t.match(await rowsOf(join(folder, 'restored')), { holes: { lostRows: 200 } }, 'it is as it was')
})

t.test('a file in the place of the folder is named', async (t) => {
  const data = join(t.testdir({ file: '' }), 'file')
  await t.rejects(restoreArchive(pieces(new Uint8Array(0)), data), {
    code: 'CONFIG_INVALID',
    message: /file cannot be read as a folder/,
  })
})

type TarEntry = { header: TarHeader; data?: Uint8Array }

const hostile: Record<
  string,
  (entries: TarEntry[], archive: Uint8Array) => Promise<Uint8Array> | Uint8Array
> = {
  'cut in the middle': (_, archive) => archive.subarray(0, archive.length >> 1),
  'cut before the manifest': (entries) => packTar(entries.slice(0, -2)),
  'cut before the hash of the manifest': (entries) => packTar(entries.slice(0, -1)),
  'without the end of the tar': (_, archive) => archive.subarray(0, -1024),
  empty: () => new Uint8Array(0),
  compressed: (_, archive) => gzipSync(archive),
  'twice in one': (_, archive) => Buffer.concat([archive, archive]),
  'no tar': () => Buffer.alloc(4096, 'no tar '),
  'a flipped bit': (_, archive) => {
    const octets = archive.slice()
    octets[3000]! ^= 1
    return octets
  },
  'a flipped bit in the manifest': (entries) => {
    const manifest = entries.find(({ header }) => header.name === MANIFEST_NAME)!.data!
    manifest[manifest.indexOf(0x37)] = 0x38
    return packTar(entries)
  },
  'a segment left out': (entries) => packTar(entries.slice(1)),
  'a segment twice': (entries) => packTar([entries[0]!, ...entries]),
  'segments in another order': (entries) => packTar([entries[1]!, entries[0]!, ...entries.slice(2)]),
  'an entry behind the end': (entries) => packTar([...entries, entries[0]!]),
  'a name that leaves the folder': (entries) =>
    packTar([{ header: { name: '../../x', size: 1 }, data: Uint8Array.of(1) }, ...entries]),
  'an absolute name': (entries) =>
    packTar([{ header: { name: '/x', size: 1 }, data: Uint8Array.of(1) }, ...entries]),
  'a link': (entries) =>
    packTar([
      { header: { name: entries[0]!.header.name, size: 0, type: 'symlink', linkname: '/' } },
      ...entries,
    ]),
  'a size beyond all bounds': async (entries) => {
    const octets = Buffer.from(await packTar(entries))
    octets.write('77777777777', 124)
    octets.fill(' ', 148, 156)
    const checksum = octets.subarray(0, 512).reduce((sum, octet) => sum + octet, 0)
    octets.write(checksum.toString(8).padStart(6, '0'), 148)
    return octets
  },
  'a size in a pax record': (entries) =>
    packTar([
      { header: { ...entries[0]!.header, pax: { size: String(2 ** 45) } }, data: entries[0]!.data! },
      ...entries.slice(1),
    ]),
  'lengths that do not add up': (entries) => {
    entries[0]!.data!.fill(0xff, 0, 6)
    return packTar(entries)
  },
}

t.test('archives that are not whole, and hostile ones, are refused and leave nothing behind', async (t) => {
  const folder = t.testdir()
  const data = join(folder, 'data')
  await makeFolder(data)
  const archive = await archiveOf(data)
  t.plan(3 * Object.keys(hostile).length + 1)
  for (const [title, change] of Object.entries(hostile)) {
    const entries = (await unpackTar(archive)).map(({ header, data }) => ({ header, data: data!.slice() }))
    const changed = await change(entries, archive)
    await t.rejects(verifyArchive(pieces(changed)), { code: 'BACKUP_DAMAGED' }, title)
    const target = join(folder, 'target')
    await t.rejects(restoreArchive(pieces(changed), target), { code: 'BACKUP_DAMAGED' }, title)
    t.notOk(existsSync(target), `${title}: nothing is left`)
  }
  await t.rejects(verifyArchive(pieces(gzipSync(archive))), {
    message: /compressed by gzip: unpack it first/,
  })
})

t.test('a folder that is not empty is refused, one that an interrupted restore left is not', async (t) => {
  const folder = t.testdir({
    used: { file: '' },
    empty: {},
    broken: { [RESTORING]: { blocks: {} }, documents: {} },
  })
  const data = join(folder, 'data')
  await makeFolder(data, { blocks: 3 })
  const archive = await archiveOf(data)
  await t.rejects(restoreArchive(pieces(archive), join(folder, 'used')), {
    code: 'CONFIG_INVALID',
    message: /"file"/,
  })
  t.throws(() => refuseUnfinished(join(folder, 'broken')), { code: 'STORE_DAMAGED' })
  for (const name of ['empty', 'broken']) {
    await restoreArchive(pieces(archive), join(folder, name))
    refuseUnfinished(join(folder, name))
    t.same((await rowsOf(join(folder, name))).keys, ['note/0', 'note/1', 'note/2'], name)
  }
  await t.rejects(restoreArchive(pieces(archive.subarray(0, 5000)), join(t.testdirName, 'new')))
  await writeFile(join(folder, 'note'), '')
})

t.test('a restore that fails at the last leaves an empty folder empty', async (t) => {
  const folder = t.testdir({ empty: {} })
  const data = join(folder, 'data')
  const target = join(folder, 'empty')
  await makeFolder(data, { blocks: 3 })
  const archive = await archiveOf(data)
  async function* inTheWay() {
    yield* pieces(archive)
    // Somebody else's, of a name that a database is to have.
    await mkdir(join(target, 'blocks', 'other'), { recursive: true })
  }
  await t.rejects(restoreArchive(inTheWay(), target), { code: 'ENOTEMPTY' })
  t.same(readdirSync(target), ['blocks'], 'nothing of the restore')
  t.same(readdirSync(join(target, 'blocks')), ['other'])
})

t.test('the manifest names the version, the moment and each entry', async (t) => {
  const data = join(t.testdir(), 'data')
  await makeFolder(data, { blocks: 2 })
  const entries = await unpackTar(await archiveOf(data))
  const manifest = JSON.parse(
    Buffer.from(entries.find(({ header }) => header.name === MANIFEST_NAME)!.data!).toString(),
  ) as Manifest
  t.match(manifest, {
    format: 'culvert-backup',
    formatVersion: 1,
    createdMilliseconds: 1_700_000_000_000,
    nextSequence: 401,
    blocks: 2,
    rows: 400,
    documents: 2,
    entries: [{ name: 'culvert-backup-1/documents/00000001' }, { name: 'culvert-backup-1/blocks/00000001' }],
  })
  t.same(new Set(entries.map(({ header }) => header.mode)), new Set([0o600]))
})

/**
 * What can happen to the files of a store, each on real folders: the appliance starts, keeps what can be kept, tells what
 * was lost, still tells it after another start, and never says of a time with losses that nothing was found.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import t from 'tap'
import { streamNamed } from '#core/records/columns.js'
import { blockKey } from '#core/store/keys.js'
import { BLOCKS, faults, makeFolder, ROWS } from '../src/store/faulty-folder.js'
import { command, plainNode } from '../support/project.js'
import {
  eventually,
  freePort,
  getJson,
  getMetrics,
  type Running,
  startAppliance,
  stopAppliance,
} from '../support/running.js'

/** Each is mostly waiting. */
const TOGETHER = 3

type Check = { name: string; status: string; text: string }

async function look(running: Running) {
  const { rowsMatched: rows } = await getJson(running, 'flows/aggregate?sum=flows')
  const health = (await getJson(running, 'health')) as { status: string; checks: Check[] }
  const metrics = await getMetrics(running)
  const lost = Number(/^culvert_store_lost_rows (\d+)/m.exec(metrics)?.[1])
  const checkOf = (name: string) => health.checks.find((check) => check.name === name)
  return { rows: Number(rows), lost, status: health.status, checkOf }
}

t.jobs = TOGETHER
for (const [title, { damage, losesAtMost, isRepaired }] of Object.entries(faults)) {
  t.test(title, { buffered: true }, async (t) => {
    const folder = t.testdir()
    const location = join(folder, 'data', 'blocks')
    await makeFolder(join(folder, 'data'), Date.now() - 600_000)
    await damage(location)
    const options = { folder, netflow: await freePort(), syslog: await freePort() }
    for (const start of ['the first start', 'another start']) {
      const running = await startAppliance(options)
      t.teardown(() => stopAppliance(running, 'SIGKILL'))
      const outcome = losesAtMost > 0 ? 'partial' : 'ok'
      const run = await eventually(`a run that is ${outcome}`, async () => {
        const { items } = await getJson(running, `runs?detector=icmp-tunnel&outcome=${outcome}`)
        return items.at(-1)
      })
      const { rows, lost, status, checkOf } = await look(running)
      t.equal(rows + lost, BLOCKS * ROWS, `${start}: ${rows} rows there, ${lost} told to be lost`)
      t.ok(lost <= losesAtMost, 'no more than was hit')
      t.equal(running.report.lostRows, lost, 'the start told it')
      const stored = checkOf('stored rows')
      if (losesAtMost > 0) {
        t.ok(lost > 0)
        t.match(stored, { status: 'degraded', text: new RegExp(`^${lost} rows gone.* received between`) })
        t.match(run.error, /stored rows are gone/, 'a run over it is partial')
        const { items } = await getJson(running, 'findings?kind=coverage')
        t.match(
          items.find(({ title }: { title: string }) => /rows are gone/.test(title)),
          { kind: 'coverage' },
        )
      } else {
        t.match(stored, { status: 'ok' })
      }
      if (isRepaired)
        t.match(checkOf('blocks'), { status: 'degraded', text: /repaired .* put aside in blocks\/lost/ })
      else t.equal(checkOf('blocks'), undefined)
      t.equal(existsSync(join(location, 'lost')), isRepaired, 'what was damaged is kept to be looked at')
      t.equal(status, losesAtMost > 0 || isRepaired ? 'degraded' : 'ok')
      t.equal(await stopAppliance(running), 0)
    }
  })
}

t.test('scrubbing names a block that nobody has read, and the next start still does', async (t) => {
  const folder = t.testdir()
  const location = join(folder, 'data', 'blocks')
  await makeFolder(join(folder, 'data'), Date.now() - 600_000)
  const database = new ClassicLevel<Uint8Array, Uint8Array>(location, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
  })
  const key = blockKey({ stream: streamNamed('flow4'), firstSequence: 1 + 7 * ROWS, level: 0 })
  const octets = (await database.get(key))!
  octets[octets.length - 1]! ^= 1
  await database.put(key, octets)
  await database.close()
  const ports = { netflow: await freePort(), syslog: await freePort() }
  for (const scrub of [{ passHours: 0.01 }, { octetsPerSecond: 0 }]) {
    const running = await startAppliance({ folder, settings: { scrub }, ...ports })
    t.teardown(() => stopAppliance(running, 'SIGKILL'))
    const found = await eventually('the block is named', async () => {
      const { checks } = (await getJson(running, 'health')) as { checks: Check[] }
      return checks.find(({ name, status }) => name === 'scrub' && status === 'degraded')
    })
    t.match(found.text, /1 damaged: flow4\/701 \(.*checksum/)
    t.match(await getMetrics(running), /^culvert_scrub_damaged_blocks 1$/m)
    await stopAppliance(running)
  }
})

t.test('detect over a hole prints what it could not judge, and exits 1', async (t) => {
  const data = join(t.testdir(), 'data')
  await makeFolder(data, Date.UTC(2026, 0, 5))
  await faults['a log whose end is torn off']!.damage(join(data, 'blocks'))
  const { status, stdout, stderr } = spawnSync('env', [...plainNode, command, 'detect', '--data', data], {
    encoding: 'utf8',
  })
  t.equal(status, 1)
  t.match(stderr, /0 blocks could not be read and \d+ rows are gone, so the result is partial/)
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; detector: string; title: string })
  t.same(
    lines
      .filter(({ kind, title }) => kind === 'coverage' && /rows are gone/.test(title))
      .map(({ detector }) => detector),
    ['icmp-tunnel', 'port-protocol'],
  )
})

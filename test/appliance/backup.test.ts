/** A backup of a running appliance by the command line, verified, restored, and started from. */
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { get as httpGet } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { command, plainNode } from '../support/project.js'
import {
  eventually,
  freePort,
  getJson,
  sendDatagrams,
  startAppliance,
  stopAppliance,
} from '../support/running.js'

type Said = { code: number; stdout: string; stderr: string }

function culvert(...args: string[]): Promise<Said> {
  return new Promise((resolve) => {
    execFile('env', [...plainNode, command, ...args], { maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    )
  })
}

const lines = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) =>
    Buffer.from(
      `<134>Jan  5 10:00:00 fw1 %ASA-4-106023: Deny tcp src inside:10.1.1.1/${1024 + from + index} dst outside:192.0.2.1/23 by access-group "acl" [0x0, 0x0]`,
    ),
  )

t.test('a backup while rows come in; restored, it answers the same', async (t) => {
  const folder = t.testdir()
  const ports = { netflow: await freePort(), syslog: await freePort() }
  const settings = { backup: { octetsPerSecond: 1e9 } }
  const running = await startAppliance({ folder, settings, ...ports })
  t.teardown(() => stopAppliance(running, 'SIGKILL'))
  await sendDatagrams(ports.syslog, lines(0, 300))
  const path = 'flows?limit=1000'
  await eventually('300 rows', async () => (await getJson(running, path)).items.length === 300)
  const archive = join(folder, 'backup.tar')
  const from = ['--url', running.url, '--token-file', join(folder, 'data', 'token')]

  let isDone = false
  const sending = (async () => {
    for (let from = 300; !isDone; from += 10) {
      await sendDatagrams(ports.syslog, lines(from % 60_000, 10))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  const made = await culvert('backup', '--to', archive, ...from, '--json')
  isDone = true
  await sending
  t.equal(made.code, 0, made.stderr)
  t.equal((await stat(archive)).mode & 0o777, 0o600, 'for its owner alone')
  const report = JSON.parse(made.stdout) as { rows: number; nextSequence: number; damage: string[] }
  t.ok(report.rows >= 300)
  t.same(report.damage, [])
  t.same(await culvert('verify', archive, '--json'), { code: 0, stdout: made.stdout, stderr: '' })
  const { items: audit } = await getJson(running, 'audit')
  t.ok(
    audit.some(({ action }: { action: string }) => action === 'backup.create'),
    'who took a backup is in the audit',
  )

  const piped = await culvert('backup', '--to', '-', ...from)
  t.equal(piped.code, 0)
  t.match(piped.stderr, /0 blocks damaged, 0 rows missing/)
  const again = await culvert('backup', '--to', archive, ...from)
  t.match(again, { code: 2, stderr: /is there already/ })
  const locked = await culvert('backup', '--to', join(folder, 'x.tar'), '--data', join(folder, 'data'))
  t.match(locked, { code: 1, stderr: /let it make the backup itself/ })
  await writeFile(join(folder, 'wrong'), `culvert_0123456789abcdef_${'A'.repeat(43)}`)
  const wrong = await culvert(
    'backup',
    '--to',
    join(folder, 'x.tar'),
    ...from.slice(0, 3),
    join(folder, 'wrong'),
  )
  t.match(wrong, { code: 1, stderr: /answers 401: the token is not valid/ })

  const restoredFolder = join(folder, 'elsewhere')
  await mkdir(restoredFolder)
  const restoring = await culvert('restore', archive, '--data', join(restoredFolder, 'data'))
  t.match(restoring, { code: 0, stdout: new RegExp(`with ${report.rows} rows`) })
  const before = (await getJson(running, path)).items as { row: number; sourceTransportPort: number }[]
  await stopAppliance(running)
  const restored = await startAppliance({
    folder: restoredFolder,
    netflow: await freePort(),
    syslog: await freePort(),
    token: running.token,
  })
  t.teardown(() => stopAppliance(restored, 'SIGKILL'))
  const after = (await getJson(restored, path)).items as typeof before
  t.equal(after.length, Math.min(1000, report.rows))
  const rowOf = new Map(before.map((row) => [row.row, row]))
  const shared = after.filter(({ row }) => rowOf.has(row))
  t.ok(shared.length > 0)
  t.same(
    shared,
    shared.map(({ row }) => rowOf.get(row)),
    'each row is what it was; the token is good there too',
  )
  t.match(restored.report, { lostRows: 0, damagedBlocks: 0 })
})

t.test('a backup that is broken off leaves no file; one at a time is made', async (t) => {
  const folder = t.testdir()
  const ports = { netflow: await freePort(), syslog: await freePort() }
  const running = await startAppliance({
    folder,
    settings: { backup: { octetsPerSecond: 65_536 } },
    ...ports,
  })
  t.teardown(() => stopAppliance(running, 'SIGKILL'))
  await sendDatagrams(ports.syslog, lines(0, 3000))
  await eventually('rows', async () => (await getJson(running, 'flows?limit=1')).items.length === 1)
  const headers = { authorization: `Bearer ${running.token}` }
  const slow = httpGet(`${running.url}/api/v1/backup`, { headers })
  await new Promise((resolve) => slow.once('response', resolve))
  const busy = await fetch(`${running.url}/api/v1/backup`, { headers })
  t.equal(busy.status, 503)
  await busy.body?.cancel()
  slow.destroy()
  slow.on('error', () => {})
  await eventually('the first one is over', async () => {
    const next = await fetch(`${running.url}/api/v1/backup`, { headers })
    await next.body?.cancel()
    return next.status === 200
  })
  t.equal(await stopAppliance(running), 0, 'and the appliance ends as it should')

  const data = join(folder, 'data')
  const archive = join(folder, 'offline.tar')
  const offline = await culvert('backup', '--to', archive, '--data', data)
  t.match(offline, { code: 0, stdout: /0 rows missing/ }, 'from a folder that nothing has open')
  await cp(archive, join(folder, 'torn.tar'))
  await truncate(join(folder, 'torn.tar'), 6000)
  const torn = await culvert('verify', join(folder, 'torn.tar'))
  t.match(torn, { code: 1, stdout: '', stderr: /the archive cannot be used: it is cut short after/ })
  t.match(await culvert('restore', join(folder, 'torn.tar'), '--data', join(folder, 'new')), { code: 1 })
  t.match(await culvert('verify', join(folder, 'none.tar')), { code: 1, stderr: /none.tar cannot be read/ })
  t.ok((await readFile(archive)).length > 6000)
})

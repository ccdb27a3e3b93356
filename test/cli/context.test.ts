/** `culvert context` in a process of its own: into a folder, into a running API, and out again. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { startAppliance } from '../api/appliance.js'
import { command, plainNode } from '../support/project.js'

async function culvert(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn('env', [...plainNode, command, 'context', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    text.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    text.err += chunk
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, ...text }
}

function folder(location: string): string {
  mkdirSync(join(location, 'documents'))
  return location
}

t.test('a file is tried, refused with its rows, taken, and comes out as it went in', async (t) => {
  const data = folder(t.testdir({ 'bad.csv': '', 'all.yaml': '' }))
  const bad = join(data, 'bad.csv')
  writeFileSync(bad, 'prefix,role,name\n10.0.0.1,printer,p\n10.0.0.2/8,camera,\n10.0.0.4\n')
  const refused = await culvert('import', bad, '--data', data)
  t.equal(refused.code, 1)
  t.match(refused.out, /^wrong: line 3, prefix: has bits set .* \(found "10\.0\.0\.2\/8"\)$/m)
  t.match(refused.out, /^wrong: line 4: 3 cells are expected/m)
  t.match(refused.err, /2 rows are wrong, so nothing is written/)
  const bare = join(data, 'bare.json')
  writeFileSync(bare, '[]')
  t.match((await culvert('import', bare, '--data', data)).out, /^wrong: a bare list: say the kind/m)
  t.equal(
    (await culvert('export', '--data', data)).out,
    'zones: []\nassets: []\nservices: []\nmonitors: []\n',
  )

  const tried = await culvert('import', bad, '--data', data, '--skip-invalid', '--dry-run', '--json')
  t.equal(tried.code, 0, tried.err)
  t.match(JSON.parse(tried.out), {
    isWritten: false,
    problemCount: 2,
    counts: [{ kind: 'assets', added: 1 }],
  })
  t.match(tried.err, 'dry run')

  const all = join(data, 'all.yaml')
  writeFileSync(
    all,
    `zones:
  - {prefix: 10.0.0.0/8, name: "=cmd|' /C calc'!A0"}
assets:
  - {prefix: 10.0.0.1, name: "red \\e[31m \\x9b \\u202e", role: printer}
services:
  - {server: 10.0.0.1, protocol: tcp, port: 9100, owner: it}
monitors:
  - {source: 10.0.0.9, target: "zone:=cmd|' /C calc'!A0", owner: "\\e]0;x\\a", expires: 2999-01-01}
`,
  )
  const taken = await culvert('import', all, '--data', data)
  t.equal(taken.code, 0, taken.err)
  t.match(taken.out, 'monitors: 1 added, 0 changed, 0 removed, 0 unchanged')
  const hostile = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e]/
  t.notMatch(taken.out, hostile)

  for (const format of ['yaml', 'json']) {
    const to = join(data, `out.${format}`)
    t.equal((await culvert('export', '--data', data, '--format', format, '--to', to)).code, 0)
    t.notMatch(readFileSync(to, 'utf8'), hostile, `${format} is safe on a terminal`)
    const again = await culvert('import', to, '--data', data, '--replace')
    t.notMatch(again.out, /[1-9]\d* (added|changed|removed)/, `${format} is what is there`)
    t.equal((await culvert('export', '--data', data, '--to', to)).code, 2, 'a file that is there stays')
  }
  const csv = await culvert('export', '--data', data, '--format', 'csv', '--kind', 'zones')
  t.equal(csv.out, `prefix,name,isOutside\r\n10.0.0.0/8,"'=cmd|' /C calc'!A0",\r\n`)
  const assets = await culvert('export', '--data', data, '--format', 'csv', '--kind', 'assets')
  t.notMatch(assets.out, hostile)
})

t.test('what cannot be asked is said', async (t) => {
  const data = folder(t.testdir({ 'latin.csv': Buffer.from('prefix,name\n10.0.0.1,Z\xfcrich\n', 'latin1') }))
  const table: [string[], number, RegExp][] = [
    [['export', '--data', data, '--format', 'csv'], 2, /needs --kind/],
    [['export', '--data', join(data, 'none')], 1, /no data folder/],
    [['import', join(data, 'none.csv'), '--data', data], 1, /cannot be read/],
    [['import', join(data, 'latin.csv'), '--data', data, '--kind', 'assets'], 1, /no text in UTF-8/],
    [['import', 'x', '--kind', 'hosts'], 2, /Allowed choices are zones/],
    [['import', 'x', '--role', 'printer'], 2, /NAME=ROLE/],
    [['import', join(data, 'latin.csv').replace('latin', 'x'), '--url', 'ftp://x'], 2, /a URL is written/],
  ]
  for (const [args, code, message] of table) {
    const result = await culvert(...args)
    t.equal(result.code, code, args.join(' '))
    t.match(result.err, message)
  }
})

t.test('a running appliance takes a NetBox export and gives the context', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  await appliance.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = appliance.app.server.address() as AddressInfo
  const files = t.testdir({
    token: appliance.bearer.analyst.authorization.replace('Bearer ', ''),
    'devices.csv':
      'Name,Status,Role,Type,IP Address\nfw1,Active,Edge Firewall,F,10.0.0.1/24\nap1,Active,Access Point,A,10.0.0.2/24\nsw1,Active,Switch,S,\n',
    'wrong.csv': 'Name,Role,IP Address\nfw2,Firewall,10.0.0.999/24\n',
  })
  const api = ['--url', `http://127.0.0.1:${port}`, '--token-file', join(files, 'token')]
  const file = join(files, 'devices.csv')
  const netbox = ['--format', 'netbox', '--role', 'Access Point=phone', ...api]
  const tried = await culvert('import', file, '--dry-run', ...netbox)
  t.equal(tried.code, 0, tried.err)
  t.match(tried.out, 'assets: 2 added')
  t.match(tried.out, 'understood: the role is firewall: 1 (Edge Firewall)')
  t.match(tried.out, 'not taken: a device without an address cannot be known by one: 1 (sw1)')
  t.equal((await appliance.context.current()).version, 0)
  t.equal((await culvert('import', file, ...netbox)).code, 0)
  t.same((await appliance.context.current()).data.assets, [
    { prefix: '10.0.0.1', name: 'fw1', role: 'firewall' },
    { prefix: '10.0.0.2', name: 'ap1', role: 'phone' },
  ])
  const wrong = await culvert('import', join(files, 'wrong.csv'), '--format', 'netbox', ...api)
  t.equal(wrong.code, 1)
  t.match(wrong.out, 'wrong: line 2, IP Address: is neither an address nor a prefix (found "10.0.0.999")')
  const csv = await culvert('export', '--format', 'csv', '--kind', 'assets', ...api)
  t.equal(csv.out, 'prefix,name,role,owner\r\n10.0.0.1,fw1,firewall,\r\n10.0.0.2,ap1,phone,\r\n')
})

t.test('fifty thousand assets in reasonable time', async (t) => {
  const data = folder(t.testdir())
  const lines = ['prefix,name,role,owner']
  for (let host = 0; host < 50_000; host++) {
    lines.push(`10.0.${host >> 8}.${host & 255},host-${host},server,team ${host % 9}`)
  }
  const file = join(data, 'assets.csv')
  writeFileSync(file, lines.join('\n'))
  const began = Date.now()
  const taken = await culvert('import', file, '--data', data)
  t.match(taken.out, 'assets: 50000 added')
  const again = await culvert('import', file, '--data', data, '--replace')
  t.match(again.out, '0 added, 0 changed, 0 removed, 50000 unchanged')
  // About 5 seconds on two shared cores.
  t.ok(Date.now() - began < 60_000, `${Date.now() - began} ms`)
})

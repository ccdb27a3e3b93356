/** `culvert query` in a process of its own, over rows whose texts are hostile. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { createBlockStore } from '#core/store/blocks.js'
import { exporter } from '../src/store/rows.js'
import { command, plainNode } from '../support/project.js'

const RECEIVED = Date.UTC(2026, 5, 1, 12)
const ROWS = 6

type Ended = { code: number; out: string; err: string }

const culvert = (...args: string[]) => culvertUnder([], ...args)

async function culvertUnder(nodeFlags: readonly string[], ...args: string[]): Promise<Ended> {
  const child = spawn('env', [...plainNode, ...nodeFlags, command, 'query', ...args], {
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

/** Rows 1 to 6 of two users; octets are 100 times the row. */
async function makeData(data: string, lostRows = 0): Promise<void> {
  const store = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  await store.open()
  const { sourceAddress, protocolIdentifier, octets, userName } = Column
  const shape = shapeOf([0, 1, 2, sourceAddress, protocolIdentifier, octets, userName])
  const builder = new BlockBuilder(streamNamed('flow4'), ROWS)
  for (let index = 0; index < ROWS; index++) {
    const row = builder.begin(exporter, shape, RECEIVED + 60_000 * index, 1)
    builder.setAddress(sourceAddress, row, [0, 0, 0, 0x0a000000 + index])
    builder.setNumber(protocolIdentifier, row, 6)
    builder.setUnsigned64(octets, row, 100 * (index + 1))
    builder.setText(userName, row, index < 4 ? '=cmd|"x"!A1' : '\u001b[31mred')
  }
  await store.append(builder, RECEIVED)
  if (lostRows > 0) {
    store.skip(lostRows)
    await store.append(builder, RECEIVED)
  }
  await store.sync()
  await store.close()
}

t.test('rows and groups, as table, CSV and JSON', async (t) => {
  const data = t.testdir()
  await makeData(data)
  const query = (...args: string[]) => culvert('--data', data, ...args)

  const json = await query('bytes >= 300 and src net 10.0.0.0/30', '--json')
  t.equal(json.code, 0, json.err)
  const rows = json.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.match(rows, [
    { sourceAddress: '10.0.0.3', octets: 400 },
    { sourceAddress: '10.0.0.2', octets: 300 },
  ])
  t.equal(rows.length, 2)

  const table = await query('--limit', '1')
  t.match(
    table.out,
    /^receivedMilliseconds +exporterAddress.*\n2026-06-01T12:05:00\.000Z +192\.0\.2\.1 +TCP +10\.0\.0\.5 +- /,
  )
  t.equal(table.out.trim().split('\n').length, 2)

  const groups = await query('tcp', '--by', 'user', '--sum', 'octets,flows', '--csv')
  t.same(groups.out.split('\r\n'), [
    'userName,octets,flows',
    '" [31mred",1100,2',
    `"'=cmd|""x""!A1",1000,4`,
    '',
  ])
  t.match(groups.err, '2 of 2 groups, 6 rows')
  const shown = await query('--by', 'user')
  t.match(shown.out, '·[31mred')
  t.notOk(shown.out.includes('\u001b'))
  t.match(shown.err, '6 rows do not state packets')

  const window = ['--from', '2026-06-01T12:01:00Z', '--to', '2026-06-01T12:04:00Z'] as const
  const history = await query(...window, '--by', 'time', '--bucket', '120', '--sum', 'flows', '--json')
  t.same(
    history.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      { timeMilliseconds: RECEIVED, flows: 1 },
      { timeMilliseconds: RECEIVED + 120_000, flows: 2 },
    ],
  )
  const total = await query('--sum', 'octets')
  t.equal(total.out, 'octets\n  2100\n')
})

t.test('what cannot be asked is a usage error that says where', async (t) => {
  const data = t.testdir()
  await makeData(data)
  const wrong: readonly (readonly [readonly string[], string])[] = [
    [
      ['tcp and port x'],
      'culvert: a number from 0 to 65535 is expected here\n  tcp and port x\n               ^\n',
    ],
    [['--by', 'colour'], 'culvert: rows cannot be grouped by `colour`'],
    [['--sum', 'octets,colour'], 'culvert: `colour` cannot be summed'],
    [['--json', '--csv'], 'culvert: either --json or --csv'],
    [['--top', '0'], 'a whole number from 1 to 999999999 is needed'],
    [['--limit', '999999999999'], 'a whole number from 1 to 999999999 is needed'],
    [['--from', '2026-06-02', '--to', '2026-06-01'], 'culvert: --from must be a time before --to'],
    [['--scaled'], 'culvert: --scaled is of sums: name --by, --sum or --top too'],
    [['--bucket', '60'], 'culvert: --bucket is of sums'],
    [['--resolution', '5m'], 'culvert: --resolution is of sums'],
    [['--by', 'src', '--limit', '5'], 'culvert: --limit is of rows: of groups, --top says how many'],
    [['proto', 'icmp'], "the filter is one argument: put it in quotes, like 'proto icmp'"],
    [['--by', 'a\u001b[31mb'], 'culvert: rows cannot be grouped by `a\u00b7[31mb`'],
    [['--no-\u001b[31m'], "unknown option '--no-\u00b7[31m'"],
  ]
  for (const [args, message] of wrong) {
    const { code, out, err } = await culvert('--data', data, ...args)
    t.equal(code, 2, args.join(' '))
    t.equal(out, '')
    t.ok(err.includes(message), err)
  }
  t.equal((await culvert('--data', join(data, 'none'))).code, 1)
})

t.test('rows that are gone make the result partial, and the exit code says so', async (t) => {
  const data = t.testdir()
  await makeData(data, 7)
  for (const asked of [
    ['--limit', '20'],
    ['--sum', 'octets'],
  ]) {
    const { code, out, err } = await culvert('--data', data, ...asked, '--json')
    t.equal(code, 1)
    t.equal(out.trim().split('\n').length, asked[0] === '--limit' ? 12 : 1, 'what is there is printed')
    t.match(err, 'stored rows of that time are gone, so the result is partial')
  }
  const before = await culvert('--data', data, '--to', '2026-06-01T12:00:00Z')
  t.equal(before.code, 0, before.err)
})

t.test('an engine without vectors is told, and no block is taken for damaged', async (t) => {
  const data = t.testdir()
  await makeData(data)
  const { code, out, err } = await culvertUnder(['--jitless'], '--data', data)
  t.equal(code, 1)
  t.equal(out, '')
  t.match(err, /blocks need WebAssembly/)
  t.notMatch(err, /could not be read/)
})

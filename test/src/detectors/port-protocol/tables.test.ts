/** The bounded tables: found, dropped, and told of. */
import t from 'tap'
import { createEvictionCoverage } from '#core/detectors/port-protocol/coverage.js'
import { KeyedTable } from '#core/detectors/port-protocol/table.js'
import { findings, judged, type Made, START, tcp } from './made.js'
import { shapes } from './shape-table.js'

t.test('what does not fit is told of', (t) => {
  const table = new KeyedTable(1, 2)
  const told = createEvictionCoverage([['conversations', table]])
  const add = (number: number) => table.insert(Uint32Array.of(number))
  for (let number = 0; number < 2; number++) add(number)
  t.same(told(START), [])
  add(2)
  t.match(told(START), [{ kind: 'coverage', reasons: [{ code: 'state-full', value: 1, threshold: 2 }] }])
  t.same(told(START), [], 'once')
  add(3)
  t.equal(told(START).length, 1, 'and when it has doubled')
  t.end()
})

t.test('the table: found, evicted by last use, grown, bounded', (t) => {
  const table = new KeyedTable(2, 3000)
  const value = table.f64()
  const evicted: number[] = []
  table.onEvict = (slot) => evicted.push(table.keys[slot * 2]!)
  const key = new Uint32Array(2)
  const of = (number: number) => {
    key[0] = number
    key[1] = number * 7
    return key
  }
  const add = (number: number) => {
    // A column's array is replaced when the table grows.
    const slot = table.insert(of(number))
    value.values[slot] = number
  }
  for (let number = 0; number < 3000; number++) add(number)
  for (let number = 0; number < 3000; number++) {
    if (value.values[table.find(of(number))] !== number) t.fail(`lost ${number}`)
  }
  table.touch(table.find(of(0)))
  for (let number = 3000; number < 3100; number++) add(number)
  t.equal(table.size, 3000)
  t.equal(table.evicted, 100)
  t.ok(table.find(of(0)) >= 0, 'what was just used stays')
  t.equal(evicted[0], 1)
  table.delete(table.find(of(50 + 2000)))
  t.equal(table.find(of(2050)), -1)
  t.equal(table.size, 2999)
  let count = 0
  for (let slot = table.oldest(); slot >= 0; slot = table.after(slot)) count++
  t.equal(count, 2999)
  t.end()
})

t.test('a flood of new conversations neither grows without bound nor hides a finding', (t) => {
  const flood: Made[] = []
  for (let index = 0; index < 6000; index++) {
    const server = `198.18.${index >> 8}.${(index & 0xff) % 250}`
    flood.push(tcp(7000 + (index % 900), { server, at: index / 20, up: [3, 160], down: [3, 160] }))
  }
  flood.push(tcp(443, { name: 'ssh', up: [400, 30_000], down: [400, 60_000], seconds: 600 }))
  const found = findings(flood)
  t.equal(found.length, 1)
  t.end()
})

t.test('the same rows give the same observations', (t) => {
  const made = shapes.flatMap(([, met], index) =>
    met.map((one) => ({ ...one, client: `10.3.0.${index + 1}`, server: `198.51.100.${index + 1}` })),
  )
  const first = JSON.stringify(judged(made))
  t.equal(JSON.stringify(judged(made)), first)
  t.ok(JSON.parse(first).length > 10)
  t.end()
})

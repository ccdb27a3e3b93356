import t from 'tap'
import type { Contexts } from '#core/rollups/contexts.js'
import { Groups, type RowColumns } from '#core/rollups/groups.js'
import { Sum } from '#core/rollups/schema.js'

/** All rows are of context 0; what is put together is of context 1. */
const contexts = { together: () => 1 } as unknown as Contexts
const ROWS = 60_000

/** One row of each of so many hosts, over and over; the higher a host's number, the more octets. */
function rowsOf(firstHost: number, hosts: number): RowColumns {
  const sources = Uint32Array.from({ length: ROWS }, (_, row) => firstHost + (row % hosts))
  const zeros = new Uint32Array(ROWS)
  return {
    count: ROWS,
    source: [sources],
    destination: [zeros],
    protocols: new Uint8Array(ROWS).fill(6),
    ports: new Uint16Array(ROWS).fill(443),
    contexts: zeros,
    flows: undefined,
    counts: [{ sum: Sum.octets, values: sources }],
    starts: Float64Array.from(sources, (source) => 1e12 - source),
    ends: Float64Array.from(sources, (source) => 1e12 + source),
  }
}

t.test('of too many groups the smaller ones make room now and then, and nothing is lost', async (t) => {
  const groups = new Groups(4, contexts, 1000)
  let octets = 0
  let rows = 0
  // Small hosts first, which fill the table; then large ones, long enough that the small ones are put together.
  for (const [firstHost, hosts, times] of [
    [1, 2000, 1],
    [10_000, 400, 40],
  ] as const) {
    for (let time = 0; time < times; time++) {
      const columns = rowsOf(firstHost, hosts)
      groups.add(columns)
      rows += columns.count
      octets += columns.source[0]!.reduce((sum, source) => sum + source, 0)
    }
  }
  const { table, together, firstTogether, sums } = groups
  t.same(together, [{ context: 1, protocol: 6 }])
  const kept = Array.from({ length: table.size - 1 }, (_, index) => index + 1)
  const sumOf = (sum: number) => [...kept, firstTogether].reduce((all, group) => all + sums[sum]![group]!, 0)
  t.equal(sumOf(Sum.flows), rows)
  t.equal(sumOf(Sum.octets), octets)
  t.equal(sums[Sum.flows]![firstTogether], groups.togetherRows)
  t.equal(sums[Sum.start]![firstTogether], 1e12 - 10_399, 'the first of all that were put together')
  const hosts = new Set(kept.map((group) => table.keys[group * table.width]!))
  t.ok(
    [...Array(400).keys()].every((host) => hosts.has(10_000 + host)),
    'the large hosts are there',
  )
  t.ok(kept.length <= 1000)
  for (const group of kept) {
    const host = table.keys[group * table.width]!
    if (sums[Sum.end]![group] !== 1e12 + host) t.fail(`the sums of host ${host} are another's`)
  }
})

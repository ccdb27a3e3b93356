import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { createRoller } from '#core/rollups/roller.js'
import { type BlockStore, createBlockStore } from '#core/store/blocks.js'
import { findHoles } from '#core/store/holes.js'
import { createMerger } from '#core/store/merge.js'
import { type AggregateQuery, aggregatePart, planAggregate } from '#core/store/query/aggregate.js'
import { allEffort } from '#core/store/query/effort.js'
import { parseFilter } from '#core/store/query/parse.js'
import { type AggregateResult, rankParts } from '#core/store/query/ranking.js'
import { rollupProblem } from '#core/store/query/resolution.js'
import { decodeProgress } from '#core/store/rollup-progress.js'
import {
  aggregations,
  build,
  type DrawnBlock,
  blocks as drawnBlocks,
  RECEIVED,
} from '../store/query/arbitrary.js'
import { exporter } from '../store/rows.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** Long after all rows of the tests. */
const LATER = RECEIVED + 24 * HOUR

type Stores = { readonly blocks: BlockStore; readonly rollups: BlockStore }

async function openStores(data: string): Promise<Stores> {
  const blocks = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  const rollups = createBlockStore({ location: join(data, 'rollups'), what: 'rollups', isFirst: true })
  await blocks.open()
  await rollups.open()
  return { blocks, rollups }
}

async function closeStores({ blocks, rollups }: Stores): Promise<void> {
  await blocks.close()
  await rollups.close()
}

async function rollAll(stores: Stores, now = LATER, maximumGroups?: number): Promise<void> {
  const roller = createRoller({ ...stores, ...(maximumGroups === undefined ? {} : { maximumGroups }) })
  while ((await roller.step(now)) !== undefined);
}

async function aggregated({ blocks, rollups }: Stores, query: AggregateQuery): Promise<AggregateResult> {
  const plan = await planAggregate(blocks, query, rollups)
  let next = 0
  const part = await aggregatePart(blocks, query, plan, () => next++, allEffort, rollups)
  return rankParts(query, plan, [part])
}

/** Without what says how an answer was found. */
function answerOf({ groups, groupCount, total, unknown }: AggregateResult) {
  const sorted = groups.map((group) => JSON.stringify(group)).sort()
  return { groups: sorted, groupCount, total, unknown }
}

/** Rows over some 80 minutes instead of seconds. */
function spread(drawn: readonly DrawnBlock[]): DrawnBlock[] {
  return drawn.map(({ stream, rows }) => ({
    stream,
    rows: rows.map((row) => ({ ...row, after: row.after * 1000 })),
  }))
}

const bySource: AggregateQuery = { by: [{ name: 'sourceAddress' }], sums: ['octets', 'flows'], top: 100 }

t.test('sums of rollups are those of the rows, by whatever both know', async (t) => {
  const property = fc.asyncProperty(
    fc.array(drawnBlocks, { minLength: 1, maxLength: 3 }),
    fc.array(aggregations, { minLength: 1, maxLength: 4 }),
    fc.constantFrom(LATER, RECEIVED + 20 * MINUTE),
    async (arrivals, queries, firstLook) => {
      const data = mkdtempSync(join(t.testdirName, 'data-'))
      let stores = await openStores(data)
      try {
        for (const [index, arrival] of arrivals.entries()) {
          for (const block of spread(arrival)) await stores.blocks.append(build(block).builder, 0)
          await rollAll(stores, index === 0 ? firstLook : LATER)
          await closeStores(stores)
          stores = await openStores(data)
        }
        await rollAll(stores)
        await createMerger(stores.rollups).pass(Date.now() + HOUR)
        for (const drawn of queries) {
          const by = drawn.by.map((dimension) =>
            dimension.name === 'timeMilliseconds' ? { ...dimension, bucketMilliseconds: HOUR } : dimension,
          )
          const query: AggregateQuery = { ...drawn, by, top: 10_000 }
          const rows = await aggregated(stores, query)
          for (const resolution of ['5m', '1h'] as const) {
            const asked = { ...query, resolution }
            if (rollupProblem(query, resolution) !== undefined)
              await assert.rejects(planAggregate(stores.blocks, asked, stores.rollups), { code: 'INVALID' })
            else assert.deepEqual(answerOf(await aggregated(stores, asked)), answerOf(rows))
          }
        }
        const damage = await findHoles(stores.rollups, stores.rollups.sequence.watermark())
        assert.equal(damage.lostRows, 0)
        assert.equal(decodeProgress(await stores.rollups.note())!.unreadRows, 0)
      } finally {
        await closeStores(stores)
        rmSync(data, { recursive: true })
      }
    },
  )
  t.testdir()
  await t.resolves(fc.assert(property, { numRuns: 60 }))
})

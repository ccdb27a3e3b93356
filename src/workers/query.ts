/**
 * A querying thread: reads blocks for the API and the command line, so that who asked stays free to answer others. Started
 * as a worker by query-client.ts; it speaks query-messages.ts. Works on several queries at a time, block by block.
 */
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { ApplianceError } from '../errors.js'
import type { BlockStore } from '../store/block-store.js'
import { createBlockStore } from '../store/blocks.js'
import { type AggregatePart, aggregatePart, planAggregate } from '../store/query/aggregate.js'
import type { Effort } from '../store/query/effort.js'
import { rankParts } from '../store/query/ranking.js'
import { queryRows } from '../store/query/rows.js'
import { querySessions } from '../store/sessions.js'
import { keepVitals } from '../thread-vitals.js'
import {
  CONTROL_CANCELLED,
  CONTROL_NEXT,
  type FromQuery,
  type QuerySetup,
  type QueryWork,
  type ToQuery,
} from './query-messages.js'

type Work = Extract<ToQuery, { type: 'work' }>

/** Both databases of rows. */
type Stores = { readonly blocks: BlockStore; readonly rollups: BlockStore | undefined }

async function run({ data, counts, sequence, rollupSequence, openedOctets }: QuerySetup): Promise<void> {
  const port = parentPort!
  if (counts !== undefined) keepVitals(counts)
  const blocks = createBlockStore({ location: join(data, 'blocks'), sequence, isFirst: false, openedOctets })
  const rollups =
    rollupSequence === undefined
      ? undefined
      : createBlockStore({
          location: join(data, 'rollups'),
          what: 'rollups',
          sequence: rollupSequence,
          isFirst: false,
          openedOctets,
        })
  await blocks.open()
  await rollups?.open()
  const stores: Stores = { blocks, rollups }
  port.on('message', (message: ToQuery) => {
    if (message.type === 'work') void answer(stores, message)
    else void stop(stores)
  })

  async function answer(stores: Stores, message: Work): Promise<void> {
    const { id } = message
    let reply: FromQuery
    let transfer: ArrayBuffer[] = []
    try {
      const answer = await work(stores, message)
      if (message.name === 'part') transfer = buffersOf(answer as AggregatePart)
      reply = { type: 'answer', id, answer }
    } catch (error) {
      const code = error instanceof ApplianceError ? error.code : undefined
      reply = { type: 'fault', id, code, message: (error as Error).message }
    }
    port.postMessage(reply, transfer)
  }

  async function stop({ blocks, rollups }: Stores): Promise<void> {
    await rollups?.close()
    await blocks.close()
    port.postMessage({ type: 'stopped' } satisfies FromQuery)
    port.close()
  }
}

function work({ blocks, rollups }: Stores, { name, ask, control, deadlineMilliseconds }: Work) {
  const effort: Effort = {
    deadlineMilliseconds,
    now: () => Date.now(),
    isCancelled: () => Atomics.load(control, CONTROL_CANCELLED) === 1,
  }
  switch (name) {
    case 'rows':
      return queryRows(blocks, ask as QueryWork['rows']['ask'], effort)
    case 'sessions':
      return querySessions(blocks, ask as QueryWork['sessions']['ask'], effort)
    case 'plan':
      return planAggregate(blocks, ask as QueryWork['plan']['ask'], rollups)
    case 'part': {
      const { query, plan } = ask as QueryWork['part']['ask']
      const take = () => Atomics.add(control, CONTROL_NEXT, 1)
      return aggregatePart(blocks, query, plan, take, effort, rollups)
    }
    case 'rank': {
      const { query, plan, parts } = ask as QueryWork['rank']['ask']
      return rankParts(query, plan, parts)
    }
  }
}

/** The arrays of a part are handed over, not copied. */
function buffersOf(part: AggregatePart): ArrayBuffer[] {
  return part.tables.flatMap(({ keys, sums }) => [keys, ...sums].map(({ buffer }) => buffer as ArrayBuffer))
}

await run(workerData as QuerySetup)

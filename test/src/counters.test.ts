/** Counters of threads in shared memory, and what a thread tells of itself. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { Count, createCounters } from '#core/counters.js'
import { keepVitals } from '#core/thread-vitals.js'

t.test('a row is the same memory in the thread that it is given to', async (t) => {
  const counters = createCounters()
  counters.of('main')[Count.datagrams] = 5
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    workerData[0] += 7
    parentPort.postMessage('counted')`
  const worker = new Worker(source, { eval: true, workerData: counters.of('receiver-0') })
  await once(worker, 'message')
  t.equal(counters.of('receiver-0')[Count.datagrams], 7)
  t.equal(counters.sum('datagrams'), 12)
  t.equal(counters.sum('octets'), 0)
  t.same(
    counters.threads().map(([thread]) => thread),
    ['main', 'receiver-0'],
  )
  await worker.terminate()
})

t.test('there are 32 rows, and no two threads share one', async (t) => {
  const counters = createCounters()
  for (let thread = 0; thread < 32; thread++) counters.of(`${thread}`).fill(thread)
  for (let thread = 0; thread < 32; thread++)
    t.ok(counters.of(`${thread}`).every((count) => count === thread))
  t.throws(() => counters.of('one more'), RangeError)
})

t.test('a thread tells of its heap, its buffers and its collections', async (t) => {
  const counts = createCounters().of('main')
  const leave = keepVitals(counts)
  t.teardown(leave)
  t.ok(counts[Count.heapOctets]! > 1e6)
  const held = Buffer.alloc(32 * 1024 * 1024)
  const isTold = () => counts[Count.garbageCollections]! > 0 && counts[Count.externalOctets]! >= held.length
  for (const end = Date.now() + 20_000; !isTold() && Date.now() < end; ) {
    Array.from({ length: 1e6 }, (_, index) => `${index}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.ok(isTold())
  t.ok(counts[Count.garbageCollectionSeconds]! > 0)
  t.equal(held[0], 0)
})

/** How the thread that asks is: what garbage collection takes of it, as the engine tells, and the memory that it holds. */
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { Count, type ThreadCounts } from './counters.js'

const LOOK_MILLISECONDS = 1000

/** Keeps a thread's row up to date until it ends, which this does not put off, or until the function returned is called. */
export function keepVitals(counts: ThreadCounts): () => void {
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      counts[Count.garbageCollectionSeconds]! += duration / 1000
      counts[Count.garbageCollections]!++
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  const look = () => {
    const { used_heap_size, external_memory } = getHeapStatistics()
    counts[Count.heapOctets] = used_heap_size
    counts[Count.externalOctets] = external_memory
  }
  look()
  const timer = setInterval(look, LOOK_MILLISECONDS).unref()
  return () => {
    observer.disconnect()
    clearInterval(timer)
  }
}

/** What garbage collection takes of the thread that asks: its runs are told by the engine. */
import { PerformanceObserver } from 'node:perf_hooks'

/** Counts that grow; time is in seconds. */
export function watchGarbageCollection(): { readonly seconds: number; readonly runs: number } {
  const counts = { seconds: 0, runs: 0 }
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      counts.seconds += duration / 1000
      counts.runs++
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return counts
}

/** Tasks over some threads, each thread one task at a time. */
import { Worker } from 'node:worker_threads'
import type { Task, TaskResult } from './tasks.js'

/** Results in the order of the tasks. `onDone` is told of each as it comes. */
export async function runTasks(
  tasks: readonly Task[],
  threads: number,
  onDone: (task: Task, seconds: number) => void,
): Promise<TaskResult[]> {
  const results = new Array<TaskResult>(tasks.length)
  let next = 0
  async function work(): Promise<void> {
    const worker = new Worker(new URL('./worker.js', import.meta.url))
    try {
      while (next < tasks.length) {
        const index = next++
        const began = performance.now()
        results[index] = await ask(worker, tasks[index]!)
        onDone(tasks[index]!, (performance.now() - began) / 1000)
      }
    } finally {
      await worker.terminate()
    }
  }
  await Promise.all(Array.from({ length: Math.min(threads, tasks.length) }, work))
  return results
}

function ask(worker: Worker, task: Task): Promise<TaskResult> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', ({ result, error }: { result: TaskResult; error?: string }) => {
      worker.off('error', reject)
      if (error === undefined) resolve(result)
      else reject(new Error(error))
    })
    worker.postMessage(task)
  })
}

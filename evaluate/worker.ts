/** A thread of an evaluation: tasks in, results out. */
import { parentPort } from 'node:worker_threads'
import { runTask, type Task } from './tasks.js'

parentPort!.on('message', (task: Task) => {
  runTask(task).then(
    (result) => parentPort!.postMessage({ result }),
    (error: unknown) =>
      parentPort!.postMessage({ error: error instanceof Error ? error.stack : String(error) }),
  )
})

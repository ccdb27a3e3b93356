/**
 * One write at a time: read, decide and write again must not interleave with another of its kind.
 */

/** Runs tasks one after another, in the order in which they were given. */
export type Serial = <T>(task: () => Promise<T>) => Promise<T>

/** Makes a queue of one; a task that fails does not stop those behind it. */
export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const result = last.then(task, task)
    last = result.catch(() => undefined)
    return result
  }
}

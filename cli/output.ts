/** Standard output as JSON Lines: results alone go there, progress and logs to standard error. */

export type Output = {
  line(value: unknown): void
  /** Resolves when the reader has kept up. */
  drained(): Promise<void>
}

export function openOutput(): Output {
  let waiting: Promise<void> | undefined
  // A reader that goes away (head, a closed pager) ends the command quietly.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  return {
    line(value) {
      if (process.stdout.write(`${JSON.stringify(value)}\n`)) return
      waiting ??= new Promise((resolve) => {
        process.stdout.once('drain', () => {
          waiting = undefined
          resolve()
        })
      })
    },
    async drained() {
      await waiting
    },
  }
}

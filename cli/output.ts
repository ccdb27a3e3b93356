/** Standard output, as JSON Lines or text: results alone go there, progress and logs to standard error. */

export type Output = {
  /** Writes a value as a line of JSON. */
  line(value: unknown): void
  /** Writes text as it is. */
  text(text: string): void
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
  const write = (text: string) => {
    if (process.stdout.write(text)) return
    waiting ??= new Promise((resolve) => {
      process.stdout.once('drain', () => {
        waiting = undefined
        resolve()
      })
    })
  }
  return {
    line: (value) => write(`${JSON.stringify(value)}\n`),
    text: write,
    async drained() {
      await waiting
    },
  }
}

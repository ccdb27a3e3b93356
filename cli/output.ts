/** Standard output, as JSON Lines or text: results alone go there, progress and logs to standard error. */

export type Output = {
  /** Writes a value as a line of JSON. */
  line(value: unknown): void
  /** Writes text as it is. */
  text(text: string): void
  /** Resolves when the reader has kept up. */
  drained(): Promise<void>
}

/**
 * One JSON line. JSON's own escapes leave C1 controls and overrides of direction as they are; a terminal obeys them, and
 * texts come from devices.
 */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value)
  return `${text.replace(/[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, escapeUnit)}\n`
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
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
    line: (value) => write(jsonLine(value)),
    text: write,
    async drained() {
      await waiting
    },
  }
}

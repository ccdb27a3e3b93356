/** The end of a command that runs until it is told to end: in order at the first signal, at once at a later one. */
import closeWithGrace from 'close-with-grace'

/** Longer than the receiving thread may take to flush and sync. */
const CLOSE_MILLISECONDS = 30_000
/** A terminal sends Ctrl-C to npm and to us, and npm passes it on: signals so near to each other are one. */
const ONE_SIGNAL_MILLISECONDS = 1000
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

export type EndOptions = {
  readonly close: () => Promise<void>
  readonly onSignal?: (signal: NodeJS.Signals) => void
  /** Told of what ends us beside signals, and of an end that was not in order. */
  readonly onError: (error: unknown) => void
}

/** From now on signals and faults end the process; returns what undoes that. */
export function endInOrder({ close, onSignal, onError }: EndOptions): () => void {
  let beganMilliseconds: number | undefined
  const handlers = closeWithGrace(
    { delay: CLOSE_MILLISECONDS, skip: [...SIGNALS], logger: { error: onError } },
    async ({ err }) => {
      if (err !== undefined) onError(err)
      await close()
    },
  )
  const take = (signal: NodeJS.Signals) => {
    const now = performance.now()
    if (beganMilliseconds === undefined) {
      beganMilliseconds = now
      onSignal?.(signal)
      void handlers.close()
    } else if (now - beganMilliseconds > ONE_SIGNAL_MILLISECONDS) {
      onError(`${signal} once more: ending at once`)
      process.exit(1)
    }
  }
  for (const signal of SIGNALS) process.on(signal, take)
  return () => {
    handlers.uninstall()
    for (const signal of SIGNALS) process.off(signal, take)
  }
}

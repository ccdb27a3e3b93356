/** A progress bar on standard error, for long work and only when the output is a terminal. */
import progress from 'cli-progress'

export type Progress = { update(value: number): void; stop(): void }

/** `total` in the unit that `label` names. */
export function openProgress(label: string, total: number): Progress {
  if (!process.stderr.isTTY || total <= 0) return { update() {}, stop() {} }
  const bar = new progress.SingleBar({
    format: `${label} [{bar}] {percentage}% | {eta_formatted} left`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  })
  bar.start(total, 0)
  return {
    update: (value) => bar.update(Math.min(value, total)),
    stop: () => bar.stop(),
  }
}

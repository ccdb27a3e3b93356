/** What stays in memory once the engine has given back what nobody refers to. */
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

/** Octets of array buffers more than `before`; threads of the engine give them back, so a few looks are taken. */
export async function keptBuffers(before: number, bound: number): Promise<number> {
  for (let look = 0; ; look++) {
    collectGarbage()
    const kept = process.memoryUsage().arrayBuffers - before
    if (kept < bound || look === 20) return kept
    await delay(50)
  }
}

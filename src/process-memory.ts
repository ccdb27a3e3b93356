/** How the process uses memory, as told to the engine once, before threads begin. */
import { setFlagsFromString } from 'node:v8'

/**
 * A heap is collected when it has grown by this share of what was in use. The engine's own rule goes by the memory of the
 * machine and by how little it would cost to wait: a thread that is mostly idle then holds many times what it needs.
 */
const HEAP_GROWING_PERCENT = 50

/** Keeps heaps close to what is in use, of threads that run already and of those to come. */
export function keepHeapsSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`)
}

/** How the process uses memory: told to the engine and to the C library once, before threads begin. */
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'

/**
 * A heap is collected when it has grown by this share of what was in use. The engine's own rule goes by the memory of the
 * machine and by how little it would cost to wait: a thread that is mostly idle then holds many times what it needs.
 */
const HEAP_GROWING_PERCENT = 50

/** Options of glibc's mallopt(3), by their numbers in malloc.h. */
const M_TRIM_THRESHOLD = -1
const M_MMAP_THRESHOLD = -3
const M_ARENA_MAX = -8
/** From this size on an array goes back to the system when it is freed; by itself the limit rises to 32 MiB. */
const MAPPED_OCTETS = 262_144
const TRIMMED_OCTETS = 1_048_576
/** Each arena keeps gaps of its own; by itself there are eight for each core. */
const ARENAS = 2
/** By itself an arena gives back what is free at its end; one small array that lives holds all before it. */
const TRIM_EVERY_MILLISECONDS = 2000

type Koffi = {
  load(path: null): { func(name: string, result: string, types: string[]): (...values: number[]) => number }
}

/**
 * Keeps heaps close to what is in use, of threads that run already and of those to come, and lets freed arrays go back to the
 * system, large ones at once, the gaps between small ones now and then. The latter through the package koffi, which is optional, and
 * glibc: elsewhere the allocator's own rules hold. Returns what ends the giving back.
 */
export function keepMemoryLow(): () => void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`)
  // Collections give back what they free, and what is new has little room.
  setFlagsFromString('--optimize-for-size')
  const allocator = findAllocator()
  if (allocator === undefined) return () => {}
  const { mallopt, trim } = allocator
  mallopt(M_MMAP_THRESHOLD, MAPPED_OCTETS)
  mallopt(M_TRIM_THRESHOLD, TRIMMED_OCTETS)
  mallopt(M_ARENA_MAX, ARENAS)
  const timer = setInterval(() => trim(0), TRIM_EVERY_MILLISECONDS).unref()
  return () => clearInterval(timer)
}

type Allocator = {
  readonly mallopt: (option: number, value: number) => number
  readonly trim: (padOctets: number) => number
}

function findAllocator(): Allocator | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi
    const library = koffi.load(null)
    return {
      mallopt: library.func('mallopt', 'int', ['int', 'int']),
      trim: library.func('malloc_trim', 'int', ['size_t']),
    }
  } catch {
    // Not installed, or a C library without them.
    return undefined
  }
}

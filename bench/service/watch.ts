/** Looks at a running Culvert while it is fed: memory each second, the API many times a second. */
import type { Api } from './api.js'
import { pause } from './collector.js'
import { residentOctets } from './process-time.js'
import { quantile, slope } from './series.js'

export type Watch = {
  /** Ends looking; what was seen. */
  end(): Promise<Watched>
}

export type Watched = {
  readonly memory: MemoryFigures
  readonly api: ApiFigures
}

export type MemoryFigures = {
  /** At most, as the kernel noted it. */
  readonly mostOctets: number
  readonly lastOctets: number
  /** Without the pages of files, which the kernel takes back when it needs them. */
  readonly mostOwnOctets: number
  /** Of the looks, one each second: half of them were below the first, 99 of 100 below the second. */
  readonly medianOwnOctets: number
  readonly p99OwnOctets: number
  /** Growth over the time after the first quarter, in which buffers and caches fill. */
  readonly octetsPerHour: number
  /** Second and resident octets, sixty points at most. */
  readonly points: readonly (readonly [second: number, octets: number])[]
}

export type ApiFigures = {
  readonly asked: number
  readonly failed: number
  readonly medianMilliseconds: number
  readonly p99Milliseconds: number
  readonly mostMilliseconds: number
}

const MEMORY_EVERY_MILLISECONDS = 1000
const ASK_EVERY_MILLISECONDS = 100
const MOST_POINTS = 60

/** `path` is asked below /api/v1, one question at a time. */
export function watchCulvert(pid: number, api: Api, path: string): Watch {
  const began = performance.now()
  const memory: [number, number][] = []
  const milliseconds: number[] = []
  let most = 0
  const own: number[] = []
  let failed = 0
  let isEnding = false
  const look = setInterval(() => {
    const octets = residentOctets(pid)
    if (octets === undefined) return
    most = octets.most
    own.push(octets.own)
    memory.push([Math.round((performance.now() - began) / 1000), octets.now])
  }, MEMORY_EVERY_MILLISECONDS)
  const asking = (async () => {
    while (!isEnding) {
      try {
        milliseconds.push((await api.get(path)).milliseconds)
      } catch {
        failed++
      }
      await pause(ASK_EVERY_MILLISECONDS)
    }
  })()
  return {
    async end() {
      clearInterval(look)
      isEnding = true
      await asking
      return {
        memory: {
          mostOctets: most,
          mostOwnOctets: quantile(own, 1),
          medianOwnOctets: quantile(own, 0.5),
          p99OwnOctets: quantile(own, 0.99),
          ...memoryFigures(memory),
        },
        api: {
          asked: milliseconds.length + failed,
          failed,
          medianMilliseconds: quantile(milliseconds, 0.5),
          p99Milliseconds: quantile(milliseconds, 0.99),
          mostMilliseconds: quantile(milliseconds, 1),
        },
      }
    },
  }
}

function memoryFigures(memory: readonly (readonly [number, number])[]) {
  const settled = memory.slice(Math.floor(memory.length / 4))
  const step = Math.max(1, Math.ceil(memory.length / MOST_POINTS))
  return {
    lastOctets: memory.at(-1)?.[1] ?? 0,
    octetsPerHour: slope(settled) * 3600,
    points: memory.filter((_, index) => index % step === 0),
  }
}

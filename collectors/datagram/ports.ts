/**
 * The UDP ports of the configuration, opened for as many threads as shall receive. By recvmmsg the sockets of a port are
 * opened together, before any thread runs; Node's own sockets belong to the thread that opens them, so there is one.
 */
import { availableParallelism } from 'node:os'
import type { Config } from '#core/config.js'
import { type Libc, loadLibc } from './libc.js'
import { type LinuxSocket, steeringRefusal } from './linux-socket.js'
import { openShared } from './recvmmsg.js'

/** Cores that are not for receiving: the API, detectors and retention, queries. */
const OTHER_CORES = 3
const MOST_AUTOMATIC_WORKERS = 8

export type DatagramPort = {
  readonly name: 'netflow' | 'sflow' | 'syslog'
  readonly port: number
  /** The thread's socket; absent where the thread opens its own. */
  readonly opened?: LinuxSocket
  /** Why there is none. */
  readonly error?: string
}

export type DatagramPorts = {
  /** Threads that shall receive. */
  readonly workers: number
  /** Why there are fewer threads than were asked for. */
  readonly notice: string | undefined
  /** The ports for a thread, counted from 0. What could not be opened is told to each. */
  of(worker: number): DatagramPort[]
  /** Closes what was opened here; no thread may receive by it any more. */
  close(): void
}

type Listen = Pick<
  Config['listen'],
  'host' | 'receive' | 'workers' | 'receiveBufferOctets' | 'netflowPorts' | 'sflowPorts' | 'syslogPorts'
>

export async function openDatagramPorts(
  listen: Listen,
  libc: Libc | string = listen.receive === 'dgram' ? 'listen.receive asks for dgram' : loadLibc(),
): Promise<DatagramPorts> {
  const { workers, notice } = planWorkers(listen.workers, libc)
  const sockets: LinuxSocket[] = []
  const ports: { port: DatagramPort; group: readonly LinuxSocket[] }[] = []
  for (const [name, numbers] of [
    ['netflow', listen.netflowPorts],
    ['sflow', listen.sflowPorts],
    ['syslog', listen.syslogPorts],
  ] as const) {
    for (const port of numbers) {
      if (typeof libc === 'string') {
        ports.push({ port: { name, port }, group: [] })
        continue
      }
      try {
        const group = await openShared(libc, { ...listen, port }, workers)
        sockets.push(...group)
        ports.push({ port: { name, port }, group })
      } catch (error) {
        ports.push({ port: { name, port, error: (error as Error).message }, group: [] })
      }
    }
  }
  return {
    workers,
    notice,
    of: (worker) =>
      ports.map(({ port, group }) => {
        const opened = group[worker]
        return opened === undefined ? port : { ...port, opened }
      }),
    close() {
      if (typeof libc !== 'string') for (const { fd } of sockets.splice(0)) libc.close(fd)
    },
  }
}

/** How many threads receive, by what is asked for and what there is. */
export function planWorkers(
  asked: Config['listen']['workers'],
  libc: Libc | string,
  cores = availableParallelism(),
): { readonly workers: number; readonly notice: string | undefined } {
  const wanted = asked === 'auto' ? automaticWorkers(cores) : asked
  const refusal = wanted === 1 ? undefined : typeof libc === 'string' ? libc : steeringRefusal(libc)
  if (refusal === undefined) return { workers: wanted, notice: undefined }
  return { workers: 1, notice: `one thread receives instead of ${wanted}: ${refusal}` }
}

/** One on up to four cores, then one for each core more. */
function automaticWorkers(cores: number): number {
  return Math.max(1, Math.min(MOST_AUTOMATIC_WORKERS, cores - OTHER_CORES))
}

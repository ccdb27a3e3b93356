/** A collector as the comparison sees it: a process that takes datagrams on a port and leaves records in a folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { reapedSeconds, treeSeconds } from './process-time.js'

export type Collector = {
  readonly name: string
  /** Absent: it can run here. Else what is missing and how it is had. */
  missing(): string | undefined
  /** The command, listening on 127.0.0.1; may write configuration into the folder. */
  command(folder: string, port: number): Promise<Command> | Command
  /** Records that lie in the folder once the process has ended. */
  stored(folder: string): Promise<number>
  /** Octets of the lines as received, where they are kept beside what was read from them. */
  lines?(folder: string): Promise<number>
  /** Where the records lie within the folder. */
  readonly kept: string
  /** Datagrams a second beyond which it is known to lose; it then gets this rate. */
  readonly mostDatagramsPerSecond?: number
}

export type Command = {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: NodeJS.Signals
}

export type Running = {
  readonly child: ChildProcess
  readonly port: number
  /** Processor seconds since it listened. */
  seconds(): number
  /** Ends it; processor seconds since it listened, those of ending included. */
  stop(): Promise<number>
}

const START_MILLISECONDS = 30_000
const STOP_MILLISECONDS = 120_000
const LOOK_MILLISECONDS = 20

/** Starts a collector and waits until its port is open. Throws with what it said when it ends instead. */
export async function startCollector(collector: Collector, folder: string): Promise<Running> {
  const port = await freePort()
  const { file, args, env, signal = 'SIGTERM' } = await collector.command(folder, port)
  const child = spawn(file, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  // An interrupted bench leaves nothing running.
  const kill = () => child.kill('SIGKILL')
  process.prependListener('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  let said = ''
  const hear = (octets: Buffer) => {
    said = (said + octets.toString()).slice(-4000)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const failed = once(child, 'error').then(([error]) => {
    said += String(error)
  })
  const pid = child.pid ?? 0
  const deadline = Date.now() + START_MILLISECONDS
  while (udpSocket(port) === undefined) {
    if (child.exitCode !== null || pid === 0) {
      if (pid === 0) await failed
      throw new Error(`${collector.name} did not start: ${said.trim()}`)
    }
    if (Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${collector.name} did not open its port: ${said.trim()}`)
    }
    await pause(LOOK_MILLISECONDS)
  }
  // What it does after opening its port is not part of receiving.
  await calm(pid)
  const before = treeSeconds(pid)
  return {
    child,
    port,
    seconds: () => treeSeconds(pid) - before,
    async stop() {
      if (child.exitCode !== null) throw new Error(`${collector.name} ended by itself: ${said.trim()}`)
      const reapedBefore = reapedSeconds()
      let last = treeSeconds(pid)
      const exited = once(child, 'exit')
      child.kill(signal)
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS)
      const look = setInterval(() => {
        last = Math.max(last, treeSeconds(pid))
      }, LOOK_MILLISECONDS)
      await exited
      clearInterval(look)
      clearTimeout(late)
      // Descendants that the process did not wait for are only in what was seen of it while it lived.
      return Math.max(last, reapedSeconds() - reapedBefore) - before
    },
  }
}

/** Waits until a process takes no more processor time in a while than it may, or so many whiles are over. */
async function settle(pid: number, milliseconds: number, mostSeconds: number, whiles: number): Promise<void> {
  let seconds = treeSeconds(pid)
  for (let tries = 0; tries < whiles; tries++) {
    await pause(milliseconds)
    const now = treeSeconds(pid)
    if (now - seconds <= mostSeconds) return
    seconds = now
  }
}

/** No more than a tick in a quarter of a second: it has started. */
const calm = (pid: number) => settle(pid, 250, 0.015, 40)

/** A twentieth of a core over a time in which detectors judge: it has caught up with what came. Waits ten minutes at most. */
export const atRest = (pid: number) => settle(pid, 20_000, 1, 30)

/** A port of 127.0.0.1 that nobody has for UDP. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

/** Octets that wait in a port's sockets and the datagrams that they have dropped; undefined when it is not open. */
export function udpSocket(port: number): { waiting: number; drops: number } | undefined {
  let found: { waiting: number; drops: number } | undefined
  for (const file of ['/proc/net/udp', '/proc/net/udp6']) {
    if (!existsSync(file)) continue
    for (const line of readFileSync(file, 'latin1').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      if (Number.parseInt(fields[1]?.split(':')[1] ?? '', 16) !== port) continue
      const waiting = Number.parseInt(fields[4]!.split(':')[1]!, 16)
      found = {
        waiting: (found?.waiting ?? 0) + waiting,
        drops: (found?.drops ?? 0) + Number(fields[12]),
      }
    }
  }
  return found
}

/** Octets of all files below a folder. */
export function octetsBelow(path: string): number {
  if (!existsSync(path)) return 0
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.size
  return readdirSync(path).reduce((sum, name) => sum + octetsBelow(join(path, name)), 0)
}

/** Line ends of a file; 0 when there is none. */
export async function countLines(path: string): Promise<number> {
  if (!existsSync(path)) return 0
  let lines = 0
  for await (const octets of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    for (let at = octets.indexOf(10); at >= 0; at = octets.indexOf(10, at + 1)) lines++
  }
  return lines
}

export const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

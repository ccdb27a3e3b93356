/** A real appliance as a child process, for suites that stop, kill and start it; and what is sent to it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command, plainNode } from './project.js'

export type StartReport = {
  readonly sockets: readonly {
    name: string
    transport: string
    port: number
    ok: boolean
    bufferGranted?: number
    receive?: string
  }[]
  readonly api: { readonly port: number }
  readonly restoredTemplates: number
  readonly receivers: number
  readonly lostRows: number
  readonly damagedBlocks: number
}

export type Running = {
  readonly child: ChildProcess
  readonly report: StartReport
  readonly token: string
  readonly url: string
  /** What it has written to standard error. */
  readonly log: () => string
}

export type StartOptions = {
  /** Where culvert.yaml is written; the data folder is `data` in it. */
  readonly folder: string
  readonly netflow: number
  readonly syslog: number
  readonly settings?: Record<string, unknown>
  /** When it is not `folder`/data/token. */
  readonly token?: string
}

/** Starts it and waits for its report; rejects with what it said when it ends before. */
export async function startAppliance(options: StartOptions): Promise<Running> {
  const { child, log } = await spawnAppliance(options)
  return reported(options.folder, { child, text: await firstLine(child), log }, options.token)
}

/** What ran up to the first line of its report; rejects with what it said when there is none. */
export async function reported(
  folder: string,
  { child, text, log }: { child: ChildProcess; text: string; log: () => string },
  token?: string,
): Promise<Running> {
  if (!text.includes('\n')) throw new Error(`it ended: ${log()}`)
  const report = JSON.parse(text) as StartReport
  return {
    child,
    report,
    token: token ?? (await readFile(join(folder, 'data', 'token'), 'utf8')).trim(),
    log,
    url: `http://127.0.0.1:${report.api.port}`,
  }
}

/** Starts it with no more listeners than those of `listen`, and waits for the first line of its report, or its end. */
export async function startListening(folder: string, listen: object, nodeFlags: readonly string[] = []) {
  const none = { netflowPorts: [], ipfixTcpPorts: [], sflowPorts: [], syslogPorts: [] }
  const settings = {
    data: join(folder, 'data'),
    listen: { host: '127.0.0.1', ...none, ...listen },
    api: { port: 0 },
  }
  const { child, log } = await spawnConfigured(folder, settings, nodeFlags)
  return { child, text: await firstLine(child), log }
}

/** What it says on standard output up to the first line's end, or its own. */
async function firstLine({ stdout }: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of stdout!) {
    text += chunk
    if (text.includes('\n')) break
  }
  return text
}

/** Starts it and does not wait. */
export function spawnAppliance({ folder, netflow, syslog, settings }: StartOptions) {
  const defaults = {
    data: join(folder, 'data'),
    listen: {
      host: '127.0.0.1',
      netflowPorts: [netflow],
      sflowPorts: [],
      ipfixTcpPorts: [],
      syslogPorts: [syslog],
    },
    api: { port: 0 },
    detection: { intervalSeconds: 1 },
    log: { level: 'warn' },
  }
  return spawnConfigured(folder, { ...defaults, ...settings })
}

async function spawnConfigured(folder: string, settings: object, nodeFlags: readonly string[] = []) {
  const config = join(folder, 'culvert.yaml')
  await writeFile(config, JSON.stringify(settings))
  const args = [...plainNode, ...nodeFlags, command, 'start', '--config', config, '--json']
  const child = spawn('env', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said = (said + chunk).slice(-20_000)
  })
  return { child, log: () => said }
}

export async function stopAppliance({ child }: Pick<Running, 'child'>, signal: NodeJS.Signals = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  const [code] = (await exited) as [number | null]
  return code
}

/** GET below /api/v1; rejects when the status is none of success. */
// biome-ignore lint/suspicious/noExplicitAny: answers are looked into key by key
export async function getJson({ url, token }: Running, path: string): Promise<any> {
  const answer = await fetch(`${url}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } })
  // Health that fails is an answer too.
  if (!answer.ok && answer.status !== 503) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

export async function getMetrics({ url, token }: Running): Promise<string> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  return answer.text()
}

/** Waits until `read` gives something. */
export async function eventually<T>(
  what: string,
  read: () => Promise<T | undefined | false> | T | undefined | false,
  withinMilliseconds = 15_000,
): Promise<T> {
  const until = Date.now() + withinMilliseconds
  for (;;) {
    const value = await read()
    if (value !== undefined && value !== false) return value
    if (Date.now() > until) throw new Error(`not within ${withinMilliseconds} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

/** Sends datagrams from one socket to a port of this host. */
export async function sendDatagrams(port: number, payloads: readonly Uint8Array[]): Promise<void> {
  const socket = createSocket('udp4')
  try {
    for (const payload of payloads)
      await new Promise<void>((resolve, reject) => {
        socket.send(payload, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()))
      })
  } finally {
    socket.close()
  }
}

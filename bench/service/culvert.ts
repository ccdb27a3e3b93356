/** Culvert as a process of its own: `culvert start` on a folder of the comparison, with the defaults but for ports. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { detectors } from '#core/detectors/registry.js'
import { openApi } from './api.js'
import { type Collector, startCollector } from './collector.js'
import { octetsOfLines } from './stored-lines.js'

/** The built command, so that bringing the build up to date is in nobody's figure. */
export const culvertProgram = fileURLToPath(new URL('../../cli/culvert.js', import.meta.url))

export type CulvertSettings = {
  readonly receive: 'recvmmsg' | 'dgram'
  readonly takes: 'flows' | 'syslog'
  readonly apiPort?: number
  readonly retention?: Readonly<Record<string, number>>
  /** Whether detectors judge what comes, as they do by themselves. */
  readonly isDetecting?: boolean
}

const idle = Object.fromEntries(detectors.map(({ id }) => [id, { enabled: false }]))

export async function writeCulvertConfig(folder: string, port: number, settings: CulvertSettings) {
  const { receive, takes, apiPort = 0, retention, isDetecting = true } = settings
  const config = {
    data: join(folder, 'data'),
    listen: {
      host: '127.0.0.1',
      netflowPorts: takes === 'flows' ? [port] : [],
      ipfixTcpPorts: [],
      ipfixTlsPorts: [],
      sflowPorts: [],
      syslogPorts: takes === 'syslog' ? [port] : [],
      syslogTlsPorts: [],
      receive,
    },
    api: { host: '127.0.0.1', port: apiPort },
    ...(retention === undefined ? {} : { retention }),
    ...(isDetecting ? {} : { detection: { detectors: idle } }),
    log: { level: 'warn' },
  }
  const path = join(folder, 'culvert.yaml')
  await writeFile(path, stringify(config))
  return { file: process.execPath, args: [culvertProgram, 'start', '--config', path, '--json'] }
}

export function culvert(settings: CulvertSettings): Collector {
  const { receive, takes, isDetecting = true } = settings
  return {
    name: `Culvert, ${receive}${isDetecting ? '' : ', without detectors'}`,
    missing: () => undefined,
    kept: 'data',
    command: (folder, port) => writeCulvertConfig(folder, port, settings),
    stored: (folder) => countRows(join(folder, 'data')),
    ...(takes === 'syslog' ? { lines: (folder) => octetsOfLines(join(folder, 'data')) } : {}),
  }
}

/** A running Culvert with its API, on a folder that may hold data already. */
export async function startCulvert(folder: string, settings: CulvertSettings) {
  const apiPort = await freeTcpPort()
  const running = await startCollector(culvert({ ...settings, apiPort }), folder)
  return { ...running, api: await openApi(join(folder, 'data'), apiPort) }
}

async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Rows of a data folder that no process has open. */
async function countRows(data: string): Promise<number> {
  const args = [culvertProgram, 'query', '--data', data, '--sum', 'flows', '--json']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .reduce((sum, line) => sum + ((JSON.parse(line) as { flows?: number }).flows ?? 0), 0)
}

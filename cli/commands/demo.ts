/**
 * `culvert demo`: the appliance on a temporary folder, a simulated company's devices sending to it through real sockets,
 * and the findings as they come. Its clock begins in the past and runs faster until it has caught up, so that an hour of
 * telemetry takes a minute; everything else is as in `start`.
 */
import { createSocket } from 'node:dgram'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { pino } from 'pino'
import { makeConfig } from '#core/config.js'
import type { Observation } from '#core/findings/finding.js'
import { type Appliance, createAppliance } from '#core/main.js'
import { printable } from '#core/printable.js'
import type { Simulation } from '#simulate/scenario.js'
import { smallCompany } from '#simulate/small-company.js'
import { endInOrder } from '../end-in-order.js'
import { numberOption } from '../options.js'
import { openProgress } from '../progress.js'
import { sendTimed, type TimedPayload } from '../sender.js'
import { describeStart } from '../start-report.js'

type DemoOptions = {
  seed: number
  minutes: number
  speed: number
  exit?: boolean
  json?: boolean
  data?: string
}

const MINUTE_MILLISECONDS = 60_000
/** After the last datagram the detectors still have to settle. */
const SETTLE_MILLISECONDS = 8000

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('run the appliance on a temporary folder and send it the telemetry of a simulated company')
    .option('--seed <n>', 'of the simulation; the same seed gives the same company', numberOption, 1)
    .option('--minutes <n>', 'of company time', numberOption, 60)
    .option('--speed <n>', "how much faster than ours the company's time runs", numberOption, 60)
    .option('--exit', 'end when everything was sent and judged, instead of leaving the API up')
    .option('--data <dir>', 'keep the data in this folder')
    .option('--json', 'findings as JSON Lines')
    .action(runDemo)
}

async function runDemo(options: DemoOptions): Promise<void> {
  const folder = options.data ?? (await mkdtemp(join(tmpdir(), 'culvert-demo-')))
  const isTemporary = options.data === undefined
  const ports = await freePorts()
  const config = makeConfig({
    data: folder,
    listen: {
      host: '127.0.0.1',
      netflowPorts: [ports.netflow],
      ipfixTcpPorts: [],
      sflowPorts: [],
      syslogPorts: [ports.syslog],
      receiveBufferOctets: 4 * 1024 * 1024,
    },
    api: { port: ports.api },
    log: { level: 'warn' },
  })
  const durationMilliseconds = options.minutes * MINUTE_MILLISECONDS
  const realOriginMilliseconds = Date.now()
  const startMilliseconds = Math.floor((realOriginMilliseconds - durationMilliseconds) / 1000) * 1000
  const simulation = smallCompany(options.seed, { startMilliseconds, durationMilliseconds })
  const seen = new Map<string, string>()
  let findings = 0
  const appliance = createAppliance({
    config,
    logger: pino({ level: config.log.level, base: null }, pino.destination(2)),
    clock: { originMilliseconds: startMilliseconds, realOriginMilliseconds, speed: options.speed },
    onFinding(observation) {
      const { id, severity, kind } = observation
      if (seen.get(id) === severity) return
      if (kind === 'finding' && !seen.has(id)) findings++
      seen.set(id, severity)
      process.stdout.write(
        options.json === true ? `${JSON.stringify(observation)}\n` : `${describe(observation)}\n`,
      )
    },
    onFatal(error) {
      process.stderr.write(`culvert: ${error.message}\n`)
      process.exit(1)
    },
  })
  const report = await appliance.start()
  if (options.json !== true) {
    process.stdout.write(
      `${describeStart(report)}\n\nSending ${options.minutes} minutes of a simulated company (seed ${options.seed}), ${options.speed} times as fast as time. Findings as they come:\n\n`,
    )
  }
  let isStopped = false
  const stayAlive = endInOrder({
    async close() {
      isStopped = true
      await end(appliance, folder, isTemporary)
    },
    onError(error) {
      process.stderr.write(`culvert: ${error instanceof Error ? error.stack : error}\n`)
    },
  })
  const senders = await openSenders(simulation)
  const progress = openProgress('sending', durationMilliseconds)
  const sent = await sendTimed(payloads(simulation, ports, senders), options.speed, {
    onSent: (time) => progress.update(time - startMilliseconds),
    isStopped: () => isStopped,
  })
  progress.stop()
  // The last minute is judged when the clock has gone past it.
  await pause(SETTLE_MILLISECONDS)
  if (isStopped) return
  if (options.json !== true) {
    process.stdout.write(`\n${sent} datagrams sent, ${findings} findings. `)
    process.stdout.write(
      options.exit === true
        ? 'Ending.\n'
        : `The API stays up on port ${report.api.port}; Ctrl-C ends the demo.\n`,
    )
  }
  if (options.exit !== true) return
  stayAlive()
  await end(appliance, folder, isTemporary)
}

async function end(appliance: Appliance, folder: string, isTemporary: boolean): Promise<void> {
  await appliance.close()
  if (isTemporary) await rm(folder, { recursive: true, force: true })
}

function describe({
  severity,
  score,
  title,
  kind,
  detector,
  sourceAddresses,
  destinationAddresses,
}: Observation): string {
  const pair =
    sourceAddresses.length === 0
      ? ''
      : ` [${sourceAddresses.slice(0, 3).join(' ')} → ${destinationAddresses.slice(0, 3).join(' ')}]`
  const label = kind === 'coverage' ? 'coverage' : `${severity} ${score}`
  return `${label.padEnd(16)} ${detector.padEnd(14)} ${printable(title)}${printable(pair)}`
}

/** A port of its own for each socket, so that the demo runs beside an appliance. */
async function freePorts(): Promise<{ netflow: number; syslog: number; api: number }> {
  return { netflow: await freeUdpPort(), syslog: await freeUdpPort(), api: await freeTcpPort() }
}

function freeUdpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
}

function freeTcpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

/** Each simulated device sends from a loopback address of its own, where the system has them (Linux does). */
async function openSenders({ network }: Simulation): Promise<Map<string, string>> {
  const senders = new Map<string, string>()
  const devices = [...network.exporters, ...network.firewalls].map(({ address }) => address)
  for (const [index, address] of devices.entries()) {
    const local = `127.0.1.${index + 1}`
    if (await canBind(local)) senders.set(address, local)
  }
  if (senders.size < devices.length) {
    process.stderr.write(
      'culvert: this system has one loopback address, so all devices appear as one exporter\n',
    )
  }
  return senders
}

function canBind(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => {
      socket.close()
      resolve(false)
    })
    socket.bind(0, address, () => socket.close(() => resolve(true)))
  })
}

function* payloads(
  { datagrams }: Simulation,
  ports: { netflow: number; syslog: number },
  senders: ReadonlyMap<string, string>,
): Generator<TimedPayload> {
  for (const { timeMilliseconds, exporterAddress, listenerPort, payload } of datagrams) {
    const port = listenerPort === 514 || listenerPort === 5514 ? ports.syslog : ports.netflow
    const from = senders.get(exporterAddress)
    yield { timeMilliseconds, payload, host: '127.0.0.1', port, ...(from === undefined ? {} : { from }) }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

// Other people's decoders on the same octets: node-netflowv9 (v1, v5, v7, v9), tshark and nfdump, each in a process of
// its own with a limit of time. What they say is brought to lists of records with our names for a few core fields.
import { spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { concatenate } from '#simulate/encode/bytes.js'
import { pcapChunks } from '#simulate/pcap.js'

/** A datagram of a case; addresses and ports are those of its capture. */
export type CaseDatagram = {
  readonly payload: Uint8Array
  readonly address: string
  readonly sourcePort: number
  readonly timeMilliseconds: number
}

/** Core fields that all of them have; absent where a record has none. */
export const coreFields = [
  'sourceAddress',
  'destinationAddress',
  'sourceTransportPort',
  'destinationTransportPort',
  'protocolIdentifier',
  'octets',
  'packets',
] as const
export type CoreField = (typeof coreFields)[number]
export type CoreRecord = Partial<Record<CoreField, string>>

/** What an oracle says; `trouble` when it did not end, or failed on some datagram. */
export type OracleResult = { readonly records: readonly CoreRecord[]; readonly trouble?: string }

const LIMIT_MILLISECONDS = 5000

const netflowNames: Readonly<Record<CoreField, readonly string[]>> = {
  sourceAddress: ['ipv4_src_addr', 'ipv6_src_addr'],
  destinationAddress: ['ipv4_dst_addr', 'ipv6_dst_addr'],
  sourceTransportPort: ['l4_src_port', 'ipv4_src_port'],
  destinationTransportPort: ['l4_dst_port', 'ipv4_dst_port'],
  protocolIdentifier: ['protocol'],
  octets: ['in_bytes'],
  packets: ['in_pkts'],
}

const oracleProgram = fileURLToPath(new URL('./node-netflowv9.js', import.meta.url))

/** node-netflowv9, which writes IPv6 addresses in hex. */
export function askNodeNetflow(datagrams: readonly CaseDatagram[]): OracleResult {
  const { status, stdout, signal } = spawnSync(process.execPath, [oracleProgram], {
    input: JSON.stringify(
      datagrams.map(({ payload, address, sourcePort }) => ({
        octets: Buffer.from(payload).toString('hex'),
        address,
        port: sourcePort,
      })),
    ),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: LIMIT_MILLISECONDS,
    killSignal: 'SIGKILL',
  })
  if (signal === 'SIGKILL') return { records: [], trouble: `no end within ${LIMIT_MILLISECONDS / 1000} s` }
  if (status !== 0) return { records: [], trouble: `ended with ${status}` }
  const results = JSON.parse(stdout) as { records: Record<string, unknown>[]; error?: string }[]
  const errors = results.flatMap(({ error }) => (error === undefined ? [] : [error]))
  const records = results
    .flatMap(({ records: all }) => all)
    .filter((flow) => flow['isOption'] !== true)
    .map((flow) => {
      const record: CoreRecord = {}
      for (const field of coreFields) {
        const name = netflowNames[field].find((one) => flow[one] !== undefined)
        if (name !== undefined) record[field] = String(flow[name])
      }
      return record
    })
  return { records, ...(errors.length === 0 ? {} : { trouble: `throws: ${errors[0]}` }) }
}

export function hasCommand(name: string): boolean {
  return spawnSync(name, ['-v'], { stdio: 'ignore' }).error === undefined
}

const tsharkFields: readonly (readonly [CoreField, readonly string[]])[] = [
  ['sourceAddress', ['cflow.srcaddr', 'cflow.srcaddrv6']],
  ['destinationAddress', ['cflow.dstaddr', 'cflow.dstaddrv6']],
  ['sourceTransportPort', ['cflow.srcport']],
  ['destinationTransportPort', ['cflow.dstport']],
  ['protocolIdentifier', ['cflow.protocol']],
  ['octets', ['cflow.octets']],
  ['packets', ['cflow.packets']],
]

/** tshark, which prints all values of one field of a datagram together: lists of values, not records. */
export function askTshark(datagrams: readonly CaseDatagram[]): Record<CoreField, string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-'))
  try {
    const capture = join(folder, 'case.pcap')
    const chunks = pcapChunks(
      datagrams.map(({ payload, address, sourcePort, timeMilliseconds }) => ({
        payload,
        exporterAddress: address,
        sourcePort,
        listenerPort: 2055,
        timeMilliseconds,
        transport: 'udp' as const,
      })),
    )
    writeFileSync(capture, concatenate([...chunks]))
    const names = tsharkFields.flatMap(([, all]) => all)
    const { stdout } = spawnSync(
      'tshark',
      [
        ...[
          '-r',
          capture,
          '-d',
          'udp.port==2055,cflow',
          '-T',
          'fields',
          '-E',
          'occurrence=a',
          '-E',
          'separator=|',
        ],
        ...names.flatMap((name) => ['-e', name]),
      ],
      { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 30_000 },
    )
    const columns = stdout.split('\n').map((line) => line.split('|'))
    const values = {} as Record<CoreField, string[]>
    let column = 0
    for (const [field, all] of tsharkFields) {
      values[field] = all.flatMap(() => {
        const at = column++
        return columns.flatMap((cells) => (cells[at] ?? '').split(',').filter((value) => value !== ''))
      })
    }
    return values
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** nfcapd on loopback, and nfdump on what it stored; each exporter has a loopback address of its own. */
export async function askNfdump(datagrams: readonly CaseDatagram[]): Promise<OracleResult> {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-'))
  const port = 20_000 + (process.pid % 20_000)
  const daemon = spawn('nfcapd', ['-b', '127.0.0.1', '-p', String(port), '-w', folder, '-t', '3600'], {
    stdio: 'ignore',
  })
  const ended = once(daemon, 'exit')
  try {
    await new Promise((resolve) => setTimeout(resolve, 300))
    const sockets = new Map<string, ReturnType<typeof createSocket>>()
    for (const { payload, address } of datagrams) {
      let socket = sockets.get(address)
      if (socket === undefined) {
        socket = createSocket('udp4')
        socket.bind(0, `127.0.0.${10 + sockets.size}`)
        await once(socket, 'listening')
        sockets.set(address, socket)
      }
      const sender = socket
      await new Promise<void>((resolve, reject) =>
        sender.send(payload, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error))),
      )
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
    for (const socket of sockets.values()) socket.close()
    daemon.kill('SIGTERM')
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, LIMIT_MILLISECONDS))])
    daemon.kill('SIGKILL')
    const files = readdirSync(folder).filter((name) => /^nfcapd\.\d/.test(name))
    const records = files.flatMap((name) => {
      const { stdout } = spawnSync(
        'nfdump',
        ['-r', join(folder, name), '-q', '-6', '-N', '-o', 'fmt:%sa|%da|%sp|%dp|%pr|%byt|%pkt'],
        { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 30_000 },
      )
      return stdout
        .split('\n')
        .map((line) => line.split('|').map((cell) => cell.trim()))
        .filter((cells) => cells.length === coreFields.length)
        .map((cells) => Object.fromEntries(coreFields.map((field, index) => [field, cells[index]!])))
    })
    return { records }
  } finally {
    daemon.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

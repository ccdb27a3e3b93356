// Independent readers of what the simulator writes: tshark, nfcapd with nfdump, and two small parsers written from
// the RFCs' figures. They share nothing with the encoders.
import { execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A flow as read back; ICMP type and code are undefined where the reader shows ports only. */
export interface ReadFlow {
  source: string
  destination: string
  protocol: number
  sourcePort: number
  destinationPort: number
  packets: number
  octets: number
  startMilliseconds: number
  endMilliseconds: number
}

/** Whether a program can be started. */
export function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, name)))
}

type Json = { [key: string]: Json | string | string[] }

/** Runs tshark over a capture and returns its flows per exporter, and its complaints. */
export function readWithTshark(pcap: Uint8Array): { flows: Map<string, Json[]>; complaints: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-tshark-'))
  try {
    const file = join(folder, 'capture.pcap')
    writeFileSync(file, pcap)
    const checks = ['-o', 'udp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE']
    const ports = ['-d', 'udp.port==2055,cflow', '-d', 'udp.port==4739,cflow']
    const run = (args: string[]) =>
      execFileSync('tshark', ['-r', file, ...checks, ...ports, ...args], {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
        env: { ...process.env, TZ: 'UTC' },
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    const filter = 'cflow || _ws.malformed || udp.checksum.status==0 || ip.checksum.status==0'
    const frames = JSON.parse(
      run(['-Y', filter, '-T', 'json', '--no-duplicate-keys', '-J', 'ip udp cflow']),
    ) as Json[]
    const flows = new Map<string, Json[]>()
    const complaints: string[] = []
    const collect = (node: Json, exporter: string): void => {
      if ('cflow.srcaddr' in node || 'cflow.srcaddrv6' in node) {
        const list = flows.get(exporter) ?? []
        flows.set(exporter, list)
        list.push(node)
        return
      }
      for (const [key, value] of Object.entries(node)) {
        if (typeof value === 'object' && !Array.isArray(value)) collect(value, exporter)
        else if (key === '_ws.expert.message' || key.endsWith('checksum.bad')) complaints.push(String(value))
      }
    }
    for (const frame of frames) {
      const layers = (frame['_source'] as Json)['layers'] as Json
      const ip = layers['ip'] as Json
      for (const layer of Object.values(layers)) collect(layer as Json, String(ip['ip.src']))
      if (ip['ip.checksum.status'] !== '1') complaints.push(`IP checksum ${String(ip['ip.checksum.status'])}`)
      const udp = layers['udp'] as Json | undefined
      if (udp !== undefined && udp['udp.checksum.status'] !== '1') complaints.push('UDP checksum')
    }
    const expert = run(['-Y', '_ws.expert && cflow', '-T', 'fields', '-e', '_ws.expert.message'])
    complaints.push(...expert.split('\n').filter((line) => line !== ''))
    return { flows, complaints }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Sends datagrams to an nfcapd of our own on loopback and reads the flows with nfdump. */
export async function readWithNfdump(datagrams: readonly Uint8Array[]): Promise<ReadFlow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-nfdump-'))
  const socket = createSocket('udp4')
  try {
    const probe = createSocket('udp4').bind(0, '127.0.0.1')
    await once(probe, 'listening')
    const { port } = probe.address()
    probe.close()
    await once(probe, 'close')
    const collector = spawn('nfcapd', ['-p', String(port), '-b', '127.0.0.1', '-w', folder, '-t', '60'], {
      stdio: 'ignore',
    })
    const exited = once(collector, 'exit')
    const bound = port.toString(16).toUpperCase().padStart(4, '0')
    for (
      let tries = 0;
      tries < 100 && !readFileSync('/proc/net/udp', 'utf8').includes(`:${bound} `);
      tries += 1
    ) {
      await delay(20)
    }
    for (const datagram of datagrams) {
      await new Promise<void>((resolve, reject) => {
        socket.send(datagram, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error)))
      })
    }
    await delay(300)
    collector.kill('SIGTERM')
    await exited
    const output = execFileSync('nfdump', ['-R', folder, '-o', 'json'], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const rows = JSON.parse(output) as Record<string, string | number | undefined>[]
    return rows.map((row) => {
      const protocol = Number(row['proto'])
      const isIcmp = protocol === 1 || protocol === 58
      return {
        source: String(row['src4_addr'] ?? row['src6_addr']),
        destination: String(row['dst4_addr'] ?? row['dst6_addr']),
        protocol,
        sourcePort: Number(row['src_port'] ?? 0),
        destinationPort: isIcmp
          ? Number(row['icmp_type']) * 256 + Number(row['icmp_code'])
          : Number(row['dst_port']),
        packets: Number(row['in_packets']),
        octets: Number(row['in_bytes']),
        startMilliseconds: Date.parse(`${row['first']}Z`),
        endMilliseconds: Date.parse(`${row['last']}Z`),
      }
    })
  } finally {
    socket.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** NetFlow version 5 by its fixed offsets. */
export function readV5(datagram: Uint8Array) {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length)
  const uptime = view.getUint32(4)
  const now = view.getUint32(8) * 1000 + view.getUint32(12) / 1_000_000
  const address = (offset: number) => Array.from(datagram.subarray(offset, offset + 4)).join('.')
  const flows: ReadFlow[] = []
  for (let offset = 24; offset < datagram.length; offset += 48) {
    flows.push({
      source: address(offset),
      destination: address(offset + 4),
      packets: view.getUint32(offset + 16),
      octets: view.getUint32(offset + 20),
      startMilliseconds: now - uptime + view.getUint32(offset + 24),
      endMilliseconds: now - uptime + view.getUint32(offset + 28),
      sourcePort: view.getUint16(offset + 32),
      destinationPort: view.getUint16(offset + 34),
      protocol: view.getUint8(offset + 38),
    })
  }
  return {
    count: view.getUint16(2),
    uptime,
    sequence: view.getUint32(16),
    sampling: view.getUint16(22),
    flows,
  }
}

/** Sets of an IPFIX message, and data records by the templates seen so far, each value as octets (RFC 7011 §3). */
export function createIpfixReader() {
  const templates = new Map<number, number[]>()
  return (message: Uint8Array) => {
    const view = new DataView(message.buffer, message.byteOffset, message.length)
    const records: { templateId: number; values: Uint8Array[] }[] = []
    let offset = 16
    while (offset < view.getUint16(2)) {
      const setId = view.getUint16(offset)
      const end = offset + view.getUint16(offset + 2)
      let at = offset + 4
      if (setId === 2) {
        while (end - at >= 4) {
          const id = view.getUint16(at)
          const count = view.getUint16(at + 2)
          const lengths: number[] = []
          at += 4
          for (let field = 0; field < count; field += 1) {
            lengths.push(view.getUint16(at + 2))
            at += view.getUint16(at) >= 0x8000 ? 8 : 4
          }
          templates.set(id, lengths)
        }
      } else if (setId >= 256) {
        const lengths = templates.get(setId) ?? []
        const least = lengths.reduce((sum, length) => sum + (length === 65_535 ? 1 : length), 0)
        while (end - at >= least) {
          const values: Uint8Array[] = []
          for (const length of lengths) {
            let octets = length
            if (length === 65_535) {
              octets = message[at]!
              at += 1
              if (octets === 255) {
                octets = view.getUint16(at)
                at += 2
              }
            }
            values.push(message.slice(at, at + octets))
            at += octets
          }
          records.push({ templateId: setId, values })
        }
      }
      offset = end
    }
    return { octets: view.getUint16(2), sequence: view.getUint32(8), domain: view.getUint32(12), records }
  }
}

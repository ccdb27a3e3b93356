/** nfacctd of pmacct 1.7, its print plugin writing CSV with what a flow log holds. */
import { createReadStream, existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Collector } from '../service/collector.js'
import { findProgram } from './programs.js'

const BUFFER_OCTETS = 32 * 1024 * 1024
/** Every flow is a row of its own by its times; `flows` counts those that are not. */
const columns = [
  ...['src_host', 'dst_host', 'src_port', 'dst_port', 'proto', 'tos', 'tcpflags', 'in_iface', 'out_iface'],
  ...['src_as', 'dst_as', 'src_mask', 'dst_mask', 'peer_src_ip', 'timestamp_start', 'timestamp_end', 'flows'],
]
/** Entries between two writings, a prime: 1.6 million with ten behind each other, see CONFIG-KEYS. */
const CACHE_ENTRIES = 160_001
const WRITE_SECONDS = 2
/** What it takes without loss on two cores is about 400,000 flows a second. */
const MOST_DATAGRAMS = 10_000

export const nfacctd: Collector = {
  name: 'nfacctd, CSV',
  missing: () => (findProgram('nfacctd') === undefined ? 'nfacctd: apt-get install pmacct' : undefined),
  kept: 'flows.csv',
  mostDatagramsPerSecond: MOST_DATAGRAMS,
  async command(folder, port) {
    const path = join(folder, 'nfacctd.conf')
    const keys = {
      daemonize: 'false',
      nfacctd_ip: '127.0.0.1',
      nfacctd_port: port,
      nfacctd_pipe_size: BUFFER_OCTETS,
      plugin_pipe_size: 4 * BUFFER_OCTETS,
      plugin_buffer_size: 1024 * 1024,
      plugins: 'print',
      aggregate: columns.join(','),
      print_output: 'csv',
      print_output_file: join(folder, 'flows.csv'),
      print_output_file_append: 'true',
      print_refresh_time: WRITE_SECONDS,
      print_cache_entries: CACHE_ENTRIES,
    }
    const lines = Object.entries(keys).map(([key, value]) => `${key}: ${value}\n`)
    await writeFile(path, lines.join(''))
    return { file: findProgram('nfacctd')!.file, args: ['-f', path], signal: 'SIGINT' }
  },
  async stored(folder) {
    const path = join(folder, 'flows.csv')
    if (!existsSync(path)) return 0
    let flows = 0
    let place = -1
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const cells = line.split(',')
      if (place < 0) place = cells.indexOf('FLOWS')
      else flows += Number(cells[place])
    }
    return flows
  },
}

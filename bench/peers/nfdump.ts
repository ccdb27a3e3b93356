/** nfcapd, the collector of nfdump 1.7: files of binary records, uncompressed or by LZ4. */
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Collector } from '../service/collector.js'
import { findProgram } from './programs.js'

/** Asked for; the kernel grants what net.core.rmem_max allows. */
const BUFFER_OCTETS = 32 * 1024 * 1024
/** Longer than a run, so that no file is rotated within one. */
const ROTATE_SECONDS = 3600

export function nfcapd(compression: 'none' | 'LZ4'): Collector {
  return {
    name: compression === 'none' ? 'nfcapd' : 'nfcapd, LZ4',
    missing: () =>
      findProgram('nfcapd') === undefined || findProgram('nfdump') === undefined
        ? 'nfcapd and nfdump: apt-get install nfdump'
        : undefined,
    kept: 'flows',
    async command(folder, port) {
      const flows = join(folder, 'flows')
      await mkdir(flows, { recursive: true })
      const listen = ['-b', '127.0.0.1', '-p', String(port), '-B', String(BUFFER_OCTETS)]
      const keep = ['-w', flows, '-t', String(ROTATE_SECONDS), ...(compression === 'LZ4' ? ['-y'] : [])]
      return { file: 'nfcapd', args: [...listen, ...keep] }
    },
    async stored(folder) {
      const { stdout } = await promisify(execFile)('nfdump', ['-R', join(folder, 'flows'), '-I'])
      return Number(/^Flows:\s+(\d+)$/m.exec(stdout)?.[1] ?? 0)
    },
  }
}

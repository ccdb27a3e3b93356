/** Datagrams that the kernel dropped because a socket's buffer was full, from /proc/net/udp and udp6 (proc(5)). */
import { readFileSync } from 'node:fs'

const FILES = ['/proc/net/udp', '/proc/net/udp6']
const LOCAL_ADDRESS = 1
const INODE = 9
const DROPS = 12

/** A socket; without its inode all sockets of the port. */
export type CountedSocket = { readonly port: number; readonly inode?: number }

/** Drops by local port since the sockets were opened; undefined where the system does not tell. */
export function readKernelDrops(sockets: readonly CountedSocket[]): Map<number, number> | undefined {
  const drops = new Map<number, number>()
  let isReadable = false
  for (const file of FILES) {
    let text: string
    try {
      text = readFileSync(file, 'latin1')
    } catch {
      continue
    }
    isReadable = true
    for (const { port, inode, drops: count } of parseUdpTable(text)) {
      const isOurs = sockets.some((one) => one.port === port && (one.inode ?? inode) === inode)
      if (isOurs) drops.set(port, (drops.get(port) ?? 0) + count)
    }
  }
  return isReadable ? drops : undefined
}

/** The local port, the inode and the drops of each line of the table. */
export function parseUdpTable(text: string): { port: number; inode: number; drops: number }[] {
  const sockets = []
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/)
    if (fields.length <= DROPS) continue
    const port = Number.parseInt(fields[LOCAL_ADDRESS]!.split(':')[1] ?? '', 16)
    sockets.push({ port, inode: Number(fields[INODE]), drops: Number(fields[DROPS]) })
  }
  return sockets
}

/**
 * A process that sends datagrams at a steady rate over loopback, for bench/receive.ts: by sendmmsg where there is koffi,
 * so that it is faster than what it measures. Says `ready` to its parent, sends when it is told the port, then ends.
 */
import { createSocket } from 'node:dgram'
import { createRequire } from 'node:module'
import { smallCompany } from '#simulate/small-company.js'

export type SenderOrder = {
  readonly port: number
  readonly datagrams: number
  readonly datagramsPerSecond: number
  /** Octets of each, or flows of the simulated company. */
  readonly payload: number | 'flows'
}

const SEED = 1
const BATCH = 64
const HEADER_OCTETS = 64
const IOVEC_OCTETS = 16
const AF_INET = 2
const SOCK_DGRAM = 2

type Send = (from: number, count: number) => void

/** NetFlow v9 of one device, so that its templates are those of its data. */
function flowsOfOneDevice(): Uint8Array[] {
  const byDevice = new Map<string, Uint8Array[]>()
  for (const { payload, exporterAddress } of smallCompany(SEED).datagrams) {
    if (payload[0] !== 0 || payload[1] !== 9) continue
    byDevice.set(exporterAddress, [...(byDevice.get(exporterAddress) ?? []), payload])
  }
  const [most = []] = [...byDevice.values()].sort((one, other) => other.length - one.length)
  return most
}

/** Sends to 127.0.0.1 by batches whose structures are made once; undefined where koffi cannot be loaded. */
function sendmmsgSender(port: number, payloads: readonly Uint8Array[]): Send | undefined {
  let koffi: {
    load(path: null): {
      func(name: string, result: string, types: string[]): (...values: unknown[]) => number
    }
    address(octets: Uint8Array): bigint
  }
  try {
    koffi = createRequire(import.meta.url)('koffi')
  } catch {
    return undefined
  }
  const libc = koffi.load(null)
  const socket = libc.func('socket', 'int', ['int', 'int', 'int'])
  const connect = libc.func('connect', 'int', ['int', 'void *', 'uint'])
  const sendmmsg = libc.func('sendmmsg', 'int', ['int', 'void *', 'uint', 'int'])
  const fd = socket(AF_INET, SOCK_DGRAM, 0)
  const to = new Uint8Array([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
  if (fd < 0 || connect(fd, to, to.length) < 0) return undefined
  const iovecs = new Uint8Array(BATCH * IOVEC_OCTETS)
  const headers = new Uint8Array(BATCH * HEADER_OCTETS)
  const iovecView = new DataView(iovecs.buffer)
  const headerView = new DataView(headers.buffer)
  const places = payloads.map((payload) => koffi.address(payload))
  for (let index = 0; index < BATCH; index++) {
    const at = koffi.address(iovecs) + BigInt(index * IOVEC_OCTETS)
    headerView.setBigUint64(index * HEADER_OCTETS + 16, at, true)
    headerView.setBigUint64(index * HEADER_OCTETS + 24, 1n, true)
  }
  return (from, count) => {
    for (let index = 0; index < count; index++) {
      const which = (from + index) % payloads.length
      iovecView.setBigUint64(index * IOVEC_OCTETS, places[which]!, true)
      iovecView.setBigUint64(index * IOVEC_OCTETS + 8, BigInt(payloads[which]!.length), true)
    }
    for (let sent = 0; sent < count; )
      sent += Math.max(0, sendmmsg(fd, headers.subarray(sent * HEADER_OCTETS), count - sent, 0))
  }
}

function dgramSender(port: number, payloads: readonly Uint8Array[]): Send {
  const socket = createSocket('udp4').unref()
  return (from, count) => {
    for (let index = 0; index < count; index++)
      socket.send(payloads[(from + index) % payloads.length]!, port, '127.0.0.1')
  }
}

async function send({ port, datagrams, datagramsPerSecond, payload }: SenderOrder, flows: Uint8Array[]) {
  const payloads = payload === 'flows' ? flows : [new Uint8Array(payload)]
  const sendSome = sendmmsgSender(port, payloads) ?? dgramSender(port, payloads)
  const began = performance.now()
  for (let sent = 0; sent < datagrams; ) {
    const due = Math.min(datagrams, Math.floor(((performance.now() - began) * datagramsPerSecond) / 1000))
    while (sent < due) {
      const count = Math.min(BATCH, due - sent)
      sendSome(sent, count)
      sent += count
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

const flows = flowsOfOneDevice()
process.on('message', (order: SenderOrder) => {
  void send(order, flows).then(() => process.exit(0))
})
process.send?.('ready')

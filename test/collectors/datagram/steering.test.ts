/** Several sockets on one port: who gets what, who may open the port beside them, and how many threads there are. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { Batch } from '#collectors/datagram/batch.js'
import { readKernelDrops } from '#collectors/datagram/kernel-drops.js'
import { type Libc, loadLibc, SO_ATTACH_REUSEPORT_CBPF } from '#collectors/datagram/libc.js'
import { steeringRefusal } from '#collectors/datagram/linux-socket.js'
import { openDatagramPorts, planWorkers } from '#collectors/datagram/ports.js'
import { createRecvmmsgSource, openShared } from '#collectors/datagram/recvmmsg.js'
import { SenderCache } from '#collectors/datagram/sender-cache.js'
import { workerOf } from '#collectors/datagram/steering.js'
import { makeConfig } from '#core/config.js'
import { formatAddress, parseAddress } from '#core/records/address.js'

const libc = loadLibc()
const skip = typeof libc === 'string' ? libc : (steeringRefusal(libc) ?? false)

/** Sources on one port, each with a socket of the group; `senders` has who sent to which. */
async function openGroup(t: Test, host: string, count: number) {
  const calls = libc as Libc
  const sockets = await openShared(calls, { host, port: 0, receiveBufferOctets: 1024 * 1024 }, count)
  const shared = { libc: calls, batch: new Batch(calls), senders: new SenderCache() }
  const senders: string[][] = []
  for (const opened of sockets) {
    const own: string[] = []
    senders.push(own)
    const source = createRecvmmsgSource(shared, {
      host,
      port: opened.port,
      receiveBufferOctets: 1024 * 1024,
      opened,
      now: Date.now,
      onError: (error) => t.error(error),
      onDatagram: (_view, _length, address) => own.push(formatAddress(address)),
    })
    await source.start()
    t.teardown(async () => {
      await source.close()
      calls.close(opened.fd)
    })
  }
  return { sockets, senders, port: sockets[0]!.port }
}

async function bound(host: string): Promise<Socket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.bind(0, host)
  await once(socket, 'listening')
  return socket
}

async function send(from: string, port: number, to: string): Promise<void> {
  const socket = await bound(from)
  await new Promise<void>((resolve) => socket.send('x', port, to, () => resolve()))
  socket.close()
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !holds(); ) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const addresses = Array.from({ length: 32 }, (_, index) => `127.0.0.${index + 10}`)
const SOURCE_PORTS = 3

for (const [host, count] of [
  ['127.0.0.1', 2],
  ['127.0.0.1', 3],
  ['::', 2],
  ['::', 3],
] as const) {
  t.test(`${count} sockets on ${host}: a source comes to one, whatever its port`, { skip }, async (t) => {
    const { port, senders } = await openGroup(t, host, count)
    for (let time = 0; time < SOURCE_PORTS; time++)
      for (const address of addresses) await send(address, port, '127.0.0.1')
    const all = addresses.length * SOURCE_PORTS
    await until('all datagrams', () => senders.flat().length >= all)
    t.equal(senders.flat().length, all, 'none twice')
    for (const [worker, own] of senders.entries()) {
      const expected = addresses.filter((address) => workerOf(parseAddress(address)!, count) === worker)
      t.ok(expected.length > 0, 'each has some')
      t.same([...new Set(own)].sort(), expected.sort())
    }
  })
}

t.test('IPv6 is steered by the same function', { skip }, async (t) => {
  for (const count of [2, 3, 5, 7, 11, 13, 16]) {
    const { port, senders, sockets } = await openGroup(t, '::', count)
    if (!sockets[0]!.isDualStack) return t.pass('no IPv6 here')
    await send('::1', port, '::1')
    await until('the datagram', () => senders.flat().length === 1)
    t.equal(
      senders.findIndex((own) => own.length === 1),
      workerOf(parseAddress('::1')!, count),
    )
  }
})

t.test('addresses are divided about evenly, neighbours too', async (t) => {
  for (const prefix of ['10.1.2.', '2001:db8::']) {
    for (const count of [2, 3, 8]) {
      const shares = new Array<number>(count).fill(0)
      for (let last = 0; last < 256; last++) {
        const text = prefix + (prefix.includes(':') ? last.toString(16) : last)
        const worker = workerOf(parseAddress(text)!, count)
        shares[worker] = shares[worker]! + 1
      }
      const fair = 256 / count
      t.ok(Math.min(...shares) > fair / 2 && Math.max(...shares) < fair * 2, `${prefix} ${shares}`)
    }
  }
  t.equal(workerOf(parseAddress('192.0.2.1')!, 1), 0)
})

t.test('nobody else may have the port, and a port that is taken is told', { skip }, async (t) => {
  const { port } = await openGroup(t, '127.0.0.1', 2)
  for (const count of [1, 2]) {
    await t.rejects(
      openShared(libc as Libc, { host: '127.0.0.1', port, receiveBufferOctets: 65_536 }, count),
      {
        code: 'PORT_UNAVAILABLE',
        message: `UDP 127.0.0.1 port ${port} cannot be opened: another program listens there`,
      },
    )
  }
})

t.test('drops in the kernel are those of the socket that had no room', { skip }, async (t) => {
  const calls = libc as Libc
  const sockets = await openShared(calls, { host: '127.0.0.1', port: 0, receiveBufferOctets: 4096 }, 2)
  t.teardown(() => {
    for (const { fd } of sockets) calls.close(fd)
  })
  const { port } = sockets[0]!
  const from = addresses.find((address) => workerOf(parseAddress(address)!, 2) === 1)!
  const socket = await bound(from)
  t.teardown(() => socket.close())
  for (let sent = 0; sent < 200; sent++)
    await new Promise<void>((resolve) => socket.send(Buffer.alloc(1000), port, '127.0.0.1', () => resolve()))
  const drops = sockets.map((one) => readKernelDrops([one])?.get(port))
  if (drops[1] === undefined) return t.pass('the system does not tell')
  t.equal(drops[0], 0)
  t.ok(drops[1] > 0, `${drops[1]} of 200`)
  t.equal(readKernelDrops([{ port }])!.get(port), drops[1], 'without an inode, all of the port')
})

t.test('how many threads receive, and why not more', async (t) => {
  t.same(planWorkers(4, 'no call'), {
    workers: 1,
    notice: 'one thread receives instead of 4: no call',
  })
  t.same(planWorkers('auto', 'no call', 4), { workers: 1, notice: undefined })
  t.match(planWorkers('auto', 'no call', 6).notice, /^one thread receives instead of 3/)
  const { listen } = makeConfig({ listen: { netflowPorts: [2055], sflowPorts: [], syslogPorts: [514] } })
  const byNode = await openDatagramPorts({ ...listen, receive: 'dgram', workers: 2 })
  t.match(byNode, { workers: 1, notice: 'one thread receives instead of 2: listen.receive asks for dgram' })
  t.same(byNode.of(0), [
    { name: 'netflow', port: 2055 },
    { name: 'syslog', port: 514 },
  ])
  if (typeof libc === 'string') return
  const sandbox: Libc = {
    ...libc,
    setsockopt: (fd, level, option, value, length) =>
      option === SO_ATTACH_REUSEPORT_CBPF ? -1 : libc.setsockopt(fd, level, option, value, length),
    errorName: () => 'EPERM',
  }
  t.same(planWorkers(2, sandbox), {
    workers: 1,
    notice: 'one thread receives instead of 2: setsockopt: EPERM',
  })
  t.same(planWorkers(1, sandbox), { workers: 1, notice: undefined }, 'not asked where one is enough')
  if (skip !== false) return
  for (const [cores, workers] of [
    [1, 1],
    [4, 1],
    [5, 2],
    [8, 5],
    [11, 8],
    [64, 8],
  ] as const)
    t.equal(planWorkers('auto', libc, cores).workers, workers, `${cores} cores`)
})

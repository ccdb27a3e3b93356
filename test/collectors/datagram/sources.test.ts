/** Both ways of receiving datagrams, by real sockets on loopback: what holds for one holds for the other. */
import { spawnSync } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { chooseReceive, type Receive } from '#collectors/datagram/choose.js'
import { readKernelDrops } from '#collectors/datagram/kernel-drops.js'
import type { DatagramSource, DatagramSourceOptions, ListeningSocket } from '#collectors/datagram/source.js'
import { type Address, formatAddress } from '#core/records/address.js'
import { plainNode } from '../../support/project.js'

type Received = { octets: Buffer; source: Address; receivedMilliseconds: number }
type Opened = ListeningSocket & { source: DatagramSource; received: Received[] }

const CLOCK = 1_700_000_000_000
const HOW_LONG_MILLISECONDS = 20_000

const auto = chooseReceive('auto')
const ways: readonly Receive[] = auto.kind === 'dgram' ? [auto] : [chooseReceive('dgram'), auto]
const withIPv6 = await hasIPv6()

async function hasIPv6(): Promise<boolean> {
  const socket = createSocket('udp6')
  try {
    socket.bind(0, '::1')
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}

async function open(t: Test, way: Receive, changes: Partial<DatagramSourceOptions> = {}): Promise<Opened> {
  const received: Received[] = []
  const source = way.createSource({
    host: '127.0.0.1',
    port: 0,
    receiveBufferOctets: 1024 * 1024,
    now: () => CLOCK,
    onError: (error) => t.error(error),
    onDatagram(view, length, sender, receivedMilliseconds) {
      const octets = Buffer.from(Buffer.from(view.buffer, view.byteOffset, length))
      received.push({ octets, source: sender, receivedMilliseconds })
    },
    ...changes,
  })
  t.teardown(() => source.close())
  return { ...(await source.start()), source, received }
}

async function sender(t: Test, host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.bind(0, host)
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return socket
}

const send = (socket: Socket, payload: Uint8Array | string, port: number, host = '127.0.0.1') =>
  new Promise<void>((resolve, reject) =>
    socket.send(payload, port, host, (error) => (error === null ? resolve() : reject(error))),
  )

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + HOW_LONG_MILLISECONDS; !holds(); ) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

for (const way of ways) {
  t.test(`${way.kind}: a datagram comes whole, with its sender and the time of its reading`, async (t) => {
    const { port, host, isDualStack, received, source } = await open(t, way)
    t.match({ host, isDualStack }, { host: '127.0.0.1', isDualStack: false })
    t.ok(port > 0, 'port 0 is a free one')
    const [one, other] = [await sender(t), await sender(t, '127.0.0.7')]
    const longest = Buffer.alloc(65_507, 'abcdefg')
    for (const payload of ['first', '', longest]) await send(one, payload, port)
    await send(other, 'of another', port)
    await send(one, 'last', port)
    await until('five datagrams', () => received.length === 5)
    t.same(
      received.map(({ octets }) => octets),
      [Buffer.from('first'), Buffer.alloc(0), longest, Buffer.from('of another'), Buffer.from('last')],
    )
    t.same(received[0]!.source, { family: 4, words: [0, 0, 0, 0x7f000001] })
    t.equal(formatAddress(received[3]!.source), '127.0.0.7')
    t.equal(received[4]!.source, received[0]!.source, 'one object for one sender')
    t.ok(received.every(({ receivedMilliseconds }) => receivedMilliseconds === CLOCK))
    t.same(source.counts, { truncated: 0 })
  })

  t.test(`${way.kind}: one socket takes both families`, { skip: !withIPv6 && 'no IPv6' }, async (t) => {
    const { port, host, isDualStack, received } = await open(t, way, { host: '::' })
    t.match({ host, isDualStack }, { host: '::', isDualStack: true })
    await send(await sender(t, '::1'), 'six', port, '::1')
    await until('the one over IPv6', () => received.length === 1)
    await send(await sender(t), 'four', port)
    await until('the one over IPv4', () => received.length === 2)
    t.same(received[0]!.source, { family: 6, words: [0, 0, 0, 1] })
    t.same(received[1]!.source, { family: 4, words: [0, 0, 0, 0x7f000001] }, 'IPv4, not mapped')
    const [only, named] = [await open(t, way, { host: '::1' }), await open(t, way, { host: 'localhost' })]
    t.match([only.host, named.host], ['::1', '127.0.0.1'])
    await send(await sender(t, '::1'), 'six', only.port, '::1')
    await until('to ::1', () => only.received.length === 1)
  })

  t.test(`${way.kind}: a port that is taken is told in the same words`, async (t) => {
    const { port } = await open(t, way)
    for (const again of ways) {
      const { source, ...failure } = await failureOf(again, { host: '127.0.0.1', port })
      t.same(failure, {
        code: 'PORT_UNAVAILABLE',
        message: `UDP 127.0.0.1 port ${port} cannot be opened: another program listens there`,
      })
      await source.close()
    }
    const foreign = await failureOf(way, { host: '192.0.2.1', port: 0 })
    t.equal(foreign.message, 'UDP 192.0.2.1 port 0 cannot be opened: EADDRNOTAVAIL')
    const unknown = await failureOf(way, { host: 'nowhere.invalid', port: 0 })
    t.equal(unknown.message, 'UDP nowhere.invalid port 0 cannot be opened: no host has this name')
  })

  t.test(`${way.kind}: the receive buffer asked for and granted is told`, async (t) => {
    const small = await open(t, way, { receiveBufferOctets: 65_536 })
    t.match(small, { bufferAsked: 65_536, bufferGranted: 65_536 })
    const asked = 1024 * 1024 * 1024
    const large = await open(t, way, { receiveBufferOctets: asked })
    t.equal(large.bufferAsked, asked)
    t.ok(large.bufferGranted > 65_536 && large.bufferGranted <= asked, `${large.bufferGranted} granted`)
  })

  t.test(`${way.kind}: of a burst every datagram is received or counted by the kernel`, async (t) => {
    const sent = 5000
    const slow = { receiveBufferOctets: 65_536 }
    for (const [name, options, payload] of [
      ['that fits', { receiveBufferOctets: 32 * 1024 * 1024 }, 50],
      ['that does not', slow, 1400],
    ] as const) {
      if (options === slow && readKernelDrops([]) === undefined) continue
      const { port, received } = await open(t, way, options)
      const socket = await sender(t)
      const octets = Buffer.alloc(payload)
      await Promise.all(Array.from({ length: sent }, () => send(socket, octets, port)))
      const lost = () => readKernelDrops([{ port }])?.get(port) ?? 0
      await until(`a burst ${name}`, () => received.length + lost() >= sent)
      t.equal(received.length + lost(), sent, `${name}: ${received.length} received, ${lost()} dropped`)
    }
  })

  t.test(`${way.kind}: ends while it receives, even from within a datagram`, async (t) => {
    let taken = 0
    let closing: Promise<void> | undefined
    const opened: Opened = await open(t, way, {
      onDatagram() {
        taken++
        if (taken === 100) closing = opened.source.close()
      },
    })
    const socket = await sender(t)
    let sending = true
    const flood = (async () => {
      while (sending) {
        await Promise.all(Array.from({ length: 50 }, () => send(socket, 'x', opened.port)))
        // A send that need not wait gives nobody else a turn.
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    await until('the end has begun', () => closing !== undefined)
    sending = false
    await Promise.all([closing, opened.source.close()])
    const atEnd = taken
    await flood
    await send(socket, 'late', opened.port).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 60))
    t.equal(taken, atEnd, 'nothing comes after the end')
    t.equal((await open(t, way, { port: opened.port })).port, opened.port, 'the port is free')
    await way.createSource({ ...quiet, host: '127.0.0.1', port: 0 }).close()
  })

  t.test(`${way.kind}: what the kernel holds at the end is received`, async (t) => {
    const { port, received, source } = await open(t, way)
    // Nothing is read while this thread waits for the process that sends.
    const script = `
      const socket = require('node:dgram').createSocket('udp4')
      let left = 500
      const next = () => (left-- > 0 ? socket.send('x', ${port}, '127.0.0.1', next) : socket.close())
      next()`
    t.equal(spawnSync('env', [...plainNode, '-e', script], { stdio: 'inherit' }).status, 0)
    t.equal(received.length, 0)
    await source.close()
    t.equal(received.length, 500)
  })

  t.test(`${way.kind}: memory does not grow with what is received`, async (t) => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const octets = Buffer.alloc(1400, 1)
    let wrong = 0
    let taken = 0
    const { port } = await open(t, way, {
      receiveBufferOctets: 32 * 1024 * 1024,
      onDatagram(view, length) {
        taken++
        if (length !== 1400 || view.getUint8(1399) !== 1) wrong++
      },
    })
    const socket = await sender(t)
    const round = async () => {
      const before = taken
      for (let sent = 0; sent < 10_000; sent += 100)
        await Promise.all(Array.from({ length: 100 }, () => send(socket, octets, port)))
      await until(
        'all of a round',
        () => taken + (readKernelDrops([{ port }])?.get(port) ?? 0) >= before + 10_000,
      )
      collect()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    await round()
    const before = await round()
    const after = [await round(), await round(), await round()]
    t.equal(wrong, 0)
    // Datagrams that were kept would be 14 MB a round.
    t.ok(Math.min(...after) - before < 8 * 1024 * 1024, `${before} octets, then ${after}`)
  })
}

const quiet = {
  receiveBufferOctets: 65_536,
  now: Date.now,
  onDatagram: () => {},
  onError: () => {},
}

async function failureOf(way: Receive, place: { host: string; port: number }) {
  const source = way.createSource({ ...quiet, ...place })
  const error = await source.start().then(
    () => new Error('was opened'),
    (reason: Error) => reason,
  )
  return { source, code: (error as NodeJS.ErrnoException).code, message: error.message }
}

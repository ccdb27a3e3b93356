/** What recvmmsg alone has: its room, its pace, its faults; and how it is chosen. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { Batch } from '#collectors/datagram/batch.js'
import { chooseReceive, requireReceive } from '#collectors/datagram/choose.js'
import { type Libc, loadLibc } from '#collectors/datagram/libc.js'
import { createRecvmmsgSource, longestSleepOf, nextSleep } from '#collectors/datagram/recvmmsg.js'
import { MAX_SENDERS, SenderCache } from '#collectors/datagram/sender-cache.js'
import { readSocketAddress, writeSocketAddress } from '#collectors/datagram/socket-address.js'
import type { DatagramSourceOptions } from '#collectors/datagram/source.js'
import { parseAddress } from '#core/records/address.js'

const libc = loadLibc()
const skip = typeof libc === 'string' && libc

/** A source on a port of its own; what it was given, by length. */
async function open(
  t: Test,
  options: Partial<DatagramSourceOptions> = {},
  calls = libc as Libc,
  batch?: Batch,
) {
  const lengths: number[] = []
  const errors: string[] = []
  const shared = {
    libc: calls,
    batch: batch ?? new Batch(libc as Libc),
    senders: new SenderCache(),
  }
  const source = createRecvmmsgSource(shared, {
    host: '127.0.0.1',
    port: 0,
    receiveBufferOctets: 4 * 1024 * 1024,
    now: Date.now,
    onError: ({ message }) => errors.push(message),
    onDatagram: (_view, length) => lengths.push(length),
    ...options,
  })
  t.teardown(() => source.close())
  return { source, lengths, errors, ...(await source.start()) }
}

async function sendAll(t: Test, port: number, payloads: readonly Uint8Array[]): Promise<void> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  t.teardown(() => socket.close())
  await once(socket, 'connect')
  await Promise.all(
    payloads.map((payload) => new Promise<void>((resolve) => socket.send(payload, () => resolve()))),
  )
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !holds(); ) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

t.test('what is longer than its room is cut and counted', { skip }, async (t) => {
  const { port, lengths, source } = await open(t, {}, undefined, new Batch(libc as Libc, 4, 100))
  await sendAll(
    t,
    port,
    [99, 100, 101, 500, 1, 100].map((length) => Buffer.alloc(length)),
  )
  await until('six datagrams', () => lengths.length === 6)
  t.same(lengths, [99, 100, 100, 100, 1, 100])
  t.same(source.counts, { truncated: 2 })
})

t.test('what the kernel has taken at the end is still received', { skip }, async (t) => {
  const { port, lengths, source } = await open(t)
  // Long enough for its sleep to be the longest.
  await new Promise((resolve) => setTimeout(resolve, 100))
  await sendAll(
    t,
    port,
    Array.from({ length: 1000 }, () => Buffer.alloc(10)),
  )
  await source.close()
  t.equal(lengths.length, 1000)
})

t.test('a flood leaves the thread its turns', { skip }, async (t) => {
  // More datagrams than anybody can send: each call finds its room full.
  let calls = 0
  const counting: Libc = {
    ...(libc as Libc),
    recvmmsg(_fd, _headers, count) {
      calls++
      return count
    },
  }
  await open(t, {}, counting)
  const turns: number[] = []
  for (let turn = 0; turn < 5; turn++) {
    const before = calls
    await new Promise((resolve) => setTimeout(resolve, 1))
    turns.push(calls - before)
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal(turns.length, 5, 'timers come')
  const before = calls
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  t.ok(calls - before <= 12, `${calls - before} calls in two turns of the loop`)
})

t.test('a fault that stays is told once, and again when it comes back', { skip }, async (t) => {
  const real = libc as Libc
  let failure: string | undefined = 'EAGAIN'
  const failing: Libc = {
    ...real,
    recvmmsg: (...given) => (failure === undefined ? real.recvmmsg(...given) : -1),
    errorName: () => failure ?? real.errorName(),
  }
  const { port, errors, lengths } = await open(t, { port: 0 }, failing)
  const some = () => new Promise((resolve) => setTimeout(resolve, 80))
  await some()
  t.same(errors, [], 'nothing there is no fault')
  failure = 'ENOMEM'
  await some()
  t.same(errors, ['UDP port 0: recvmmsg failed with ENOMEM'])
  failure = undefined
  await sendAll(t, port, [Buffer.alloc(1)])
  await until('it goes on', () => lengths.length === 1)
  failure = 'ENOMEM'
  await until('told again', () => errors.length === 2)
})

t.test('the sleep follows the rate, and fits the buffer', async (t) => {
  for (const [sleep, gathered, longest, expected] of [
    [1, 0, 20, 2],
    [16, 0, 20, 20],
    [20, 0, 20, 20],
    [20, 96, 20, 20],
    [20, 960, 20, 2],
    [20, 100_000, 20, 1],
    [4, 60, 20, 6],
    [1, 1, 1, 1],
  ] as const) {
    t.equal(nextSleep(sleep, gathered, longest), expected, `${gathered} in ${sleep} ms`)
  }
  t.equal(longestSleepOf(4096), 1)
  t.equal(longestSleepOf(212_992), 3)
  t.equal(longestSleepOf(4 * 1024 * 1024), 20)
})

t.test('socket addresses are written as they are read', async (t) => {
  for (const [family, text, host] of [
    [4, '192.0.2.7', '192.0.2.7'],
    [6, '2001:db8::7', '2001:db8::7'],
    [6, '192.0.2.7', '::ffff:192.0.2.7'],
  ] as const) {
    const address = parseAddress(text)!
    const octets = writeSocketAddress(family, { address, port: 0x1234, scopeId: 9 })
    t.same(readSocketAddress(octets), { host, port: 0x1234, family })
  }
  // sockaddr_in6: family, port, flow information, address, scope.
  const local = writeSocketAddress(6, { address: parseAddress('fe80::1')!, port: 514, scopeId: 3 })
  t.equal(Buffer.from(local).toString('hex'), '0a00020200000000fe80000000000000000000000000000103000000')
})

t.test('senders keep their address object, however many there are', async (t) => {
  const cache = new SenderCache()
  const names = new DataView(new ArrayBuffer(28))
  const at = (family: number, ...words: number[]) => {
    names.setUint16(0, family, true)
    for (const [index, word] of words.entries()) names.setUint32((family === 2 ? 4 : 8) + index * 4, word)
    return cache.at(names, 0)
  }
  const first = at(2, 0xc0000207)
  t.same(first, parseAddress('192.0.2.7'))
  t.equal(at(10, 0, 0, 0xffff, 0xc0000207), first, 'mapped is the same sender')
  t.same(at(10, 0x20010db8, 0, 0, 7), parseAddress('2001:db8::7'))
  t.same(at(10, 0, 0, 0, 0xc0000207), parseAddress('::c000:207'), 'not mapped is another')
  t.equal(at(1, 5), undefined, 'no IP')
  const kept = Array.from({ length: MAX_SENDERS - 3 }, (_, index) => at(10, 0x20010db8, index, 0, 1))
  t.equal(cache.size, MAX_SENDERS)
  t.ok(kept.every((address, index) => at(10, 0x20010db8, index, 0, 1) === address))
  t.equal(at(2, 0xc0000207), first)
  t.same(at(2, 1), parseAddress('0.0.0.1'), 'one more than fit')
  t.equal(cache.size, 1, 'it began anew')
  t.same(at(2, 0xc0000207), first)
})

t.test('what is chosen, and what is said where it cannot be had', async (t) => {
  t.equal(chooseReceive('dgram').kind, 'dgram')
  const { platform } = process
  t.teardown(() => Object.defineProperty(process, 'platform', { value: platform }))
  Object.defineProperty(process, 'platform', { value: 'sunos' })
  t.match(chooseReceive('auto'), { kind: 'dgram', fallback: 'recvmmsg is a call of Linux' })
  for (const choose of [chooseReceive, requireReceive]) {
    t.throws(() => choose('recvmmsg'), {
      code: 'CONFIG_INVALID',
      message: 'listen.receive asks for recvmmsg, which cannot be had: recvmmsg is a call of Linux',
    })
  }
  requireReceive('auto')
  Object.defineProperty(process, 'platform', { value: platform })
  if (skip !== false) return
  requireReceive('recvmmsg')
  t.match(chooseReceive('recvmmsg'), { kind: 'recvmmsg', fallback: undefined })
})

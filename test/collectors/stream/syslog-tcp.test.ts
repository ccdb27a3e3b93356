import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { createTcpListener, type TcpListenerOptions } from '#collectors/stream/tcp.js'

async function listener(options: Partial<TcpListenerOptions> = {}) {
  const received: string[] = []
  let wake = (): void => {}
  const made = createTcpListener({
    host: '127.0.0.1',
    port: 0,
    onFrame: (address, bytes, start, end) => {
      received.push(`${address} ${Buffer.from(bytes.subarray(start, end)).toString('latin1')}`)
      wake()
    },
    ...options,
  })
  const port = await made.start()
  const until = async (count: number): Promise<void> => {
    while (received.length < count) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { made, port, received, until }
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

t.test('messages arrive with the address of their peer, whichever way they are framed', async (t) => {
  const { made, port, received, until } = await listener()
  const socket = await open(port)
  socket.write('<1>a\n4 <2>b')
  await until(2)
  socket.end('<3>c')
  await until(3)
  t.same(received, ['127.0.0.1 <1>a', '127.0.0.1 <2>b', '127.0.0.1 <3>c'])
  await made.close()
  t.equal(made.counts.accepted, 1)
})

t.test('a silent peer is closed after its time', async (t) => {
  const { made, port } = await listener({ idleTimeoutMilliseconds: 50 })
  const socket = await open(port)
  await once(socket, 'close')
  t.equal(made.counts.idle, 1)
  await made.close()
})

t.test('connections above the limit are refused and counted', async (t) => {
  const { made, port } = await listener({ maxConnections: 1 })
  const first = await open(port)
  const second = connect(port, '127.0.0.1')
  second.on('error', () => {})
  await once(second, 'close')
  t.equal(made.counts.tooManyConnections, 1)
  first.destroy()
  await made.close()
})

t.test('broken framing closes the connection and is counted', async (t) => {
  const { made, port, received } = await listener()
  const socket = await open(port)
  socket.write('999999999 <1>a')
  await once(socket, 'close')
  t.equal(made.counts.badCount, 1)
  t.same(received, [])
  await made.close()
})

t.test('a port in use is an error of start, and closing twice is none', async (t) => {
  const { made, port } = await listener()
  const other = createTcpListener({ host: '127.0.0.1', port, onFrame: () => {} })
  await t.rejects(other.start(), { code: 'EADDRINUSE' })
  await made.close()
  await made.close()
})

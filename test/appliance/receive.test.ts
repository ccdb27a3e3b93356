/** How the whole appliance receives datagrams: what is configured, what is told, and what is done without koffi. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadLibc } from '#collectors/datagram/libc.js'
import { freePort, startListening } from '../support/running.js'

const isThere = typeof loadLibc() !== 'string'

/** Preloaded, it makes a system on which koffi was not installed. */
const withoutKoffi = `
const Module = require('node:module')
const { _resolveFilename } = Module
Module._resolveFilename = function (request, ...rest) {
  if (request === 'koffi') throw Object.assign(new Error('no koffi here'), { code: 'MODULE_NOT_FOUND' })
  return _resolveFilename.call(this, request, ...rest)
}
`

function start(folder: string, port: number, receive: string | undefined, hasKoffi: boolean) {
  const listen = { syslogPorts: [port], ...(receive ? { receive } : {}) }
  return startListening(folder, listen, hasKoffi ? [] : [`--require=${join(folder, 'without.cjs')}`])
}

for (const { receive, hasKoffi, expected } of [
  { receive: 'dgram', hasKoffi: true, expected: 'dgram' },
  { receive: undefined, hasKoffi: true, expected: isThere ? 'recvmmsg' : 'dgram' },
  { receive: 'auto', hasKoffi: false, expected: 'dgram' },
]) {
  t.test(
    `${receive ?? 'the default'} with${hasKoffi ? '' : 'out'} koffi receives by ${expected}`,
    async (t) => {
      const folder = t.testdir({ 'without.cjs': withoutKoffi })
      const port = await freePort()
      const { child, text, log } = await start(folder, port, receive, hasKoffi)
      t.teardown(() => child.kill('SIGKILL'))
      const report = JSON.parse(text) as { api: { port: number }; sockets: Record<string, unknown>[] }
      const udp = report.sockets.find(({ transport }) => transport === 'udp')!
      t.match(udp, { port, receive: expected, bufferGranted: Number })

      const socket = createSocket('udp4')
      socket.send('<13>host app: by datagram', port, '127.0.0.1', () => socket.close())
      const token = (await readFile(join(folder, 'data', 'token'), 'utf8')).trim()
      const get = async (path: string) => {
        const headers = { authorization: `Bearer ${token}` }
        return (await fetch(`http://127.0.0.1:${report.api.port}${path}`, { headers })).text()
      }
      let metrics = ''
      for (const end = Date.now() + 20_000; Date.now() < end; ) {
        metrics = await get('/metrics')
        if (metrics.includes('culvert_stored_rows_total 1')) break
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      t.match(metrics, /^culvert_received_datagrams_total 1$/m)
      t.match(metrics, /^culvert_truncated_datagrams_total 0$/m)
      t.match(metrics, /^culvert_thread_gc_seconds_total\{thread="receiver-0"\} \d/m)
      const { checks } = JSON.parse(await get('/api/v1/health')) as {
        checks: { name: string; text: string }[]
      }
      const check = checks.find(({ name }) => name === 'UDP')
      t.equal(
        check?.text,
        `by ${expected} in 1 thread, ${udp['bufferGranted']} octets of receive buffer for each socket, 33554432 asked`,
      )
      child.kill('SIGTERM')
      t.same(await once(child, 'exit'), [0, null])
      const fallback = /UDP is received by Node's own sockets, at more cost for each datagram: \w/
      t.equal(fallback.test(log()), receive !== 'dgram' && expected === 'dgram', 'a fallback is told')
    },
  )
}

t.test('recvmmsg that is demanded and cannot be had ends the start', async (t) => {
  const folder = t.testdir({ 'without.cjs': withoutKoffi })
  const { child, text, log } = await start(folder, await freePort(), 'recvmmsg', false)
  if (child.exitCode === null) await once(child, 'exit')
  t.equal(child.exitCode, 1)
  t.equal(text, '')
  t.match(log(), /^culvert: listen\.receive asks for recvmmsg, which cannot be had: \w/m)
})

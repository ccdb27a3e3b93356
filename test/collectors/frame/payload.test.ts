// How payloads look, and where exporters show them.
import t from 'tap'
import { LEAST_PAYLOAD_OCTETS, lookAtPayload, payload } from '#collectors/frame/payload.js'
import { createRandom } from '#simulate/random.js'
import { data, ipfix, ipfixTemplate, NOW } from '../netflow/datagrams.js'
import { createProbe } from '../netflow/probe.js'
import { bytes, ethernet, ipv4, u16, u32, v4 } from './frames.js'

const look = (octets: readonly number[]) => {
  const view = new DataView(Uint8Array.from([9, 9, ...octets, 9]).buffer)
  return lookAtPayload(view, 2, octets.length) ? { ...payload } : undefined
}
const counting = (length: number, from = 0x10) => Array.from({ length }, (_, index) => (from + index) & 0xff)

t.test('patterns and noise', async (t) => {
  t.equal(look(counting(LEAST_PAYLOAD_OCTETS - 1)), undefined, 'too few')
  t.same(look(Array(56).fill(0)), { octets: 56, entropy: 0, counting: 0 }, 'zeros, as of fping')
  t.same(
    look(counting(64)),
    { octets: 64, entropy: 6000, counting: 98 },
    'all differ: the most that 64 octets have',
  )
  t.same(look(Array(36).fill([0xab, 0xcd]).flat()), { octets: 72, entropy: 1000, counting: 0 })
  const windows = Array.from({ length: 32 }, (_, index) => 0x61 + (index % 23))
  t.match(look(windows), { octets: 32, counting: 94 })
  const random = createRandom(1)
  const noise = look(Array.from({ length: 256 }, () => random.integer(0, 255)))!
  t.ok(noise.entropy > 6800 && noise.entropy < 7600 && noise.counting <= 2, JSON.stringify(noise))
  t.equal(look(Array(4000).fill(1))?.octets, 1024, 'the first octets are enough')
})

t.test('sections of packets beside counters', async (t) => {
  const head = (protocol: number) => bytes(v4(1), v4(2), protocol, u32(560), u32(1))
  const icmpHeader = [8, 0, 0, 0, 0, 1, 0, 1]
  const udpHeader = bytes(u16(5000), u16(53), u16(64), u16(0))
  const body = counting(48)
  const cases = [
    ['IE 314 behind IP, ICMP', 314, 1, bytes(icmpHeader, body)],
    ['IE 314 behind IP, UDP', 314, 17, bytes(udpHeader, body)],
    ['IE 313 from IP on', 313, 1, ipv4(1, bytes(icmpHeader, body))],
    ['IE 315 from the link layer on', 315, 1, ethernet(0x0800, ipv4(1, bytes(icmpHeader, body)))],
    ['IE 315, UDP', 315, 17, ethernet(0x0800, ipv4(17, bytes(udpHeader, body)))],
  ] as const
  for (const [title, element, protocol, section] of cases) {
    for (const isVariable of [false, true]) {
      const probe = createProbe({ observed: isVariable })
      const pairs = [
        [8, 4],
        [12, 4],
        [4, 1],
        [1, 4],
        [2, 4],
        [element, isVariable ? 65_535 : section.length],
      ] as const
      const record = bytes(head(protocol), isVariable ? bytes(section.length, section) : section)
      probe.feed(ipfix([ipfixTemplate(300, pairs), data(300, record, record)]), { at: NOW })
      probe.finish()
      t.equal(probe.flows.length, 2)
      for (const flow of probe.flows)
        t.match(
          flow,
          { octets: 560, payloadOctets: 48, payloadCounting: 98 },
          `${title}, ${isVariable ? 'variable' : 'fixed'} length`,
        )
    }
  }
  const tcp = createProbe()
  tcp.feed(
    ipfix([
      ipfixTemplate(300, [
        [8, 4],
        [12, 4],
        [4, 1],
        [1, 4],
        [2, 4],
        [314, 40],
      ]),
      data(300, bytes(head(6), counting(40))),
    ]),
    { at: NOW },
  )
  tcp.finish()
  t.equal(tcp.flows[0]?.['payloadOctets'] ?? 0, 0, 'of TCP nothing is kept')
})

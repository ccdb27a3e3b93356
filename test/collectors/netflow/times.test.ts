/** Times: of devices that count from their start, and of fractions of seconds. */
import t from 'tap'
import {
  data,
  ipfix,
  ipfixOptions,
  ipfixTemplate,
  NOW,
  type Pair,
  record,
  simple,
  UPTIME,
  v9,
  v9Template,
} from './datagrams.js'
import { createProbe } from './probe.js'

t.test('of microseconds the last bits are ignored, of nanoseconds none', async (t) => {
  const names = { 154: 'flowStartMicroseconds', 156: 'flowStartNanoseconds' } as const
  // Half a second, and all of the last 11 bits.
  const octets = [0xed, 0xc7, 0xe7, 0x40, 0x80, 0, 0x07, 0xff]
  const seconds = (0xedc7e740 - 2_208_988_800) * 1000
  for (const [element, rest] of [
    [154, 0],
    [156, (0x7ff / 2 ** 32) * 1000],
  ] as const) {
    const probe = createProbe()
    probe.feed(ipfix([ipfixTemplate(256, [...simple, [element, 8]]), data(256, record(1), octets)]))
    const [flow] = probe.flows
    t.equal(flow?.elements?.[names[element]], seconds + 500 + rest)
    t.equal(flow?.['startMilliseconds'], seconds + 500 + rest)
  }
})

t.test('device uptimes survive their wrap after 49.7 days', async (t) => {
  const probe = createProbe()
  const fields: readonly Pair[] = [...simple, [22, 4], [21, 4]]
  // Header at uptime 1000; the flow began 1256 ms before it and ended 500 ms before.
  const times = [0xff, 0xff, 0xff, 0, 0, 0, 1, 0xf4]
  probe.feed(v9([v9Template(256, fields), data(256, record(1), times)], { upTime: 1000 }))
  t.match(probe.flows[0], { startMilliseconds: NOW - 1256, endMilliseconds: NOW - 500 })
})

t.test('IPFIX uptimes count from systemInitTimeMilliseconds and are unknown without it', async (t) => {
  const fields: readonly Pair[] = [...simple, [22, 4]]
  const start = [0, 0, 0x10, 0]
  const init = [...new Uint8Array(new BigUint64Array([BigInt(NOW - UPTIME)]).buffer)].reverse()
  const probe = createProbe()
  probe.feed(ipfix([ipfixTemplate(256, fields), data(256, record(1), start)]))
  t.notOk('startMilliseconds' in probe.flows[0]!)
  probe.feed(
    ipfix([
      ipfixOptions(257, [
        [149, 4],
        [160, 8],
      ]),
      data(257, [0, 0, 0, 1], init),
      data(256, record(2), start),
    ]),
  )
  t.equal(probe.flows[1]?.['startMilliseconds'], NOW - UPTIME + 4096)
  const own = createProbe({ observed: false })
  own.feed(ipfix([ipfixTemplate(256, [...fields, [160, 8]]), data(256, record(1), start, init)]))
  own.finish()
  t.equal(own.flows[0]?.['startMilliseconds'], NOW - UPTIME + 4096, 'in the record itself')
})

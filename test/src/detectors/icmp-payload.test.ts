/** Payloads of sampled packets: the tools of a laboratory, as an sFlow agent would have told of them. */
import { join } from 'node:path'
import t from 'tap'
import { readFrames } from '#collectors/capture/frames.js'
import { icmpTunnel } from '#core/detectors/icmp-tunnel/index.js'
import { relativeEntropy } from '#core/detectors/icmp-tunnel/payloads.js'
import { createSflowEncoder, sampledHeader } from '#simulate/encode/sflow.js'
import { type JudgedDatagram, judgeDatagrams } from '../../support/judge.js'
import { findCorpora } from '../../support/shared.js'

t.test('entropy is told as a share of what so many octets can have', async (t) => {
  t.equal(relativeEntropy(6, 64), 1)
  t.equal(relativeEntropy(8, 4096), 1)
  t.equal(relativeEntropy(3, 64), 0.5)
  t.equal(relativeEntropy(0, 1), 0)
})

const ONE_IN = 10
/** Echo channels of the laboratory by the last octet of their host; the rest of its hosts ping. */
const channels = new Set([101, 102, 103, 14, 105, 16, 17, 108, 109, 20])

function* asSflow(path: string): Generator<JudgedDatagram> {
  const encoder = createSflowEncoder({ agentAddress: Uint8Array.of(192, 0, 2, 9), bootMilliseconds: 0 })
  let count = 0
  for (const { timeMilliseconds, octets } of readFrames(path)) {
    if (count++ % ONE_IN !== 0) continue
    const sample = {
      kind: 'flow',
      sourceIndex: 1,
      samplingRate: ONE_IN,
      input: { value: 1 },
      output: { value: 2 },
      records: [sampledHeader(octets)],
    } as const
    for (const payload of encoder.encode([sample], timeMilliseconds))
      yield { timeMilliseconds, source: '192.0.2.9', port: 6343, payload }
  }
}

const corpora = findCorpora()
t.test(
  'sampled packets tell channels from pings, even those that are just echoed',
  { skip: corpora === undefined && 'the corpora are not here' },
  async (t) => {
    const path = join(corpora!, 'detect/pcaps/lab_dev_icmp.pcap')
    const { observations } = await judgeDatagrams(asSflow(path), icmpTunnel)
    const found = observations.filter(({ kind }) => kind === 'finding')
    const hosts = new Set(found.map(({ sourceAddresses }) => Number(sourceAddresses[0]!.split('.')[3])))
    t.same(
      [...hosts].filter((host) => !channels.has(host)),
      [],
      'no ping',
    )
    const byPayload = found.filter(({ reasons }) => reasons.some(({ code }) => code === 'payload-entropy'))
    t.ok(byPayload.length >= 6, `${byPayload.length} by payload`)
    t.ok(hosts.size >= 8, `${hosts.size} of 10 channels, one packet in ${ONE_IN} seen`)
  },
)

/** The reports of several threads as that of one. */
import t from 'tap'
import { sumReceived } from '#collectors/received-counts.js'
import type { ReceivedReport } from '#core/metrics.js'

const one: ReceivedReport = {
  undecoded: { 'set-too-short': 11 },
  tcp: { accepted: 12 },
}

t.test('every count is a sum, by its key where it has one', async (t) => {
  const empty = { ipfixStreams: {}, refusedPeers: [] }
  t.same(sumReceived([one]), { ...one, ...empty })
  const refusedPeers = [
    {
      address: '192.0.2.1',
      listenerPort: 6514,
      reason: 'peerNotAllowed',
      description: 'CN=device',
      count: 1,
      lastSeenMilliseconds: 2,
    },
  ]
  const other = { ...one, undecoded: { other: 1 }, tcp: {}, refusedPeers, kernelDrops: { 2055: 3, 514: 0 } }
  t.same(sumReceived([one, other, { ...one, kernelDrops: { 2055: 4 } }]), {
    undecoded: { 'set-too-short': 22, other: 1 },
    tcp: { accepted: 24 },
    ipfixStreams: {},
    refusedPeers,
    kernelDrops: { 2055: 7, 514: 0 },
  })
})

t.test('one that has stopped for want of room, or dropped rows, speaks for all', async (t) => {
  const stopped = (sinceMilliseconds: number) => ({ ...one, stopped: { sinceMilliseconds, freeOctets: 5 } })
  t.match(sumReceived([one, stopped(20), stopped(10)]), { stopped: { sinceMilliseconds: 10, freeOctets: 5 } })
  t.equal(sumReceived([one]).stopped, undefined)
  const dropped = (lastDropMilliseconds: number) => ({ ...one, lastDropMilliseconds })
  t.equal(sumReceived([dropped(3), one, dropped(9), dropped(4)]).lastDropMilliseconds, 9)
  const inKernel = (lastKernelDropMilliseconds: number) => ({ ...one, lastKernelDropMilliseconds })
  t.equal(sumReceived([inKernel(3), one, inKernel(9)]).lastKernelDropMilliseconds, 9)
})

import t from 'tap'
import { createRefusedPeers } from '#collectors/stream/refused-peers.js'

const peer = (address: string) => ({ address, reason: 'peerNotAllowed', description: 'CN=x' }) as const

t.test('the last peers that were refused are kept, each told once an hour', async (t) => {
  let now = 1000
  const refused = createRefusedPeers(() => now)
  t.equal(refused.note(6514, peer('192.0.2.1')), true)
  now += 10
  t.equal(refused.note(6514, peer('192.0.2.1')), false)
  t.equal(refused.note(4740, peer('192.0.2.1')), true, 'another port is another refusal')
  t.match(refused.list(), [
    { listenerPort: 4740, count: 1 },
    {
      address: '192.0.2.1',
      listenerPort: 6514,
      reason: 'peerNotAllowed',
      count: 2,
      lastSeenMilliseconds: 1010,
    },
  ])
  const told = Array.from({ length: 1000 }, (_, index) => refused.note(6514, peer(`198.51.100.${index}`)))
  t.equal(told.filter(Boolean).length, 98, 'no more than a hundred words an hour, whoever knocks')
  t.equal(refused.list().length, 32)
  t.equal(refused.list()[0]?.address, '198.51.100.999')
  now += 3_600_000
  t.equal(refused.note(6514, peer('192.0.2.1')), true)
})

/** When tunnels begin to carry data. */
import t from 'tap'
import type { Activity } from '#simulate/activity.js'
import { carriesFrom } from '#simulate/carrying.js'
import { enterprise } from '#simulate/enterprise.js'

const echo = (timeMilliseconds: number, ...sizes: number[]) =>
  sizes.map((octets) => ({ timeMilliseconds, octets, packets: 1 }) as Activity)

t.test('the first exchange whose packets differ in size', async (t) => {
  const batches = [[], echo(1, 56, 56), echo(2, 84), echo(3, 56, 65), echo(4, 56, 70)]
  t.equal(carriesFrom(batches.values(), 100), 3)
  t.equal(carriesFrom(batches.values(), 3), undefined, 'not within the time')
  t.equal(carriesFrom(batches.slice(0, 3).values(), 100), undefined, 'a ping never does')
})

t.test('injected tunnels that carry say since when; those that mirror do not', async (t) => {
  const { labels } = enterprise(1, 60, {
    durationMilliseconds: 172_800_000,
    injectAfterMilliseconds: 3_600_000,
    injectionRounds: 1,
  })
  const tunnels = labels.filter(({ label, shape }) => label === 'icmp_tunnel' && shape !== '')
  const carrying = tunnels.filter(({ shape }) => !/^(mirrored|one-way)/.test(shape))
  t.ok(carrying.length >= 6)
  for (const { shape, startMilliseconds, carriesFromMilliseconds = 0 } of carrying)
    t.ok(carriesFromMilliseconds >= startMilliseconds, shape)
  for (const { shape, carriesFromMilliseconds } of tunnels.filter((one) => !carrying.includes(one)))
    t.equal(carriesFromMilliseconds, undefined, shape)
})

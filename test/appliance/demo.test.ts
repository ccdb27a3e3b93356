/** `culvert demo`: the whole of it, with a network that is made up, as somebody tries it who has no exporter yet. */
import { spawn } from 'node:child_process'
import t from 'tap'
import { smallCompany } from '#simulate/small-company.js'
import { command, plainNode } from '../support/project.js'

t.test('the demo finds the tunnels that carry data, from bytes sent through sockets', async (t) => {
  const seed = 3
  const demo = spawn(
    'env',
    [
      ...plainNode,
      command,
      'demo',
      '--seed',
      String(seed),
      '--minutes',
      '20',
      '--speed',
      '120',
      '--exit',
      '--json',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  for await (const chunk of demo.stdout) text += chunk
  const found = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { detector: string; severity: string; sourceAddresses: string[] })
  const carrying = ['interactive-tunnel', 'idle-tunnel', 'bulk-tunnel', 'polling-shell']
  const labels = smallCompany(seed, { durationMilliseconds: 20 * 60_000 }).labels.filter(({ shape }) =>
    carrying.includes(shape),
  )
  const high = new Set(
    found
      .filter(({ detector, severity }) => detector === 'icmp-tunnel' && severity === 'high')
      .map(({ sourceAddresses }) => sourceAddresses[0]),
  )
  for (const { shape, sourceAddress } of labels)
    t.ok(high.has(sourceAddress), `${shape} from ${sourceAddress}`)
  t.ok(labels.length >= 3, 'the company hides some in its first twenty minutes')
})

/**
 * `npm run bench:peers`: Culvert and the collectors that one would otherwise take, on the same bytes in the same run,
 * alternating; medians. See bench/README.md for the options.
 */
import { parseArgs } from 'node:util'
import { startSender } from '../load/client.js'
import { type FlowProtocol, flowProtocols } from '../load/layouts.js'
import type { Collector } from './collector.js'
import { culvert } from './culvert.js'
import { measure, type Run } from './measure.js'
import { nfcapd } from './nfdump.js'
import { describeMachine, tableOf } from './table.js'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    runs: { type: 'string', default: '5' },
    rate: { type: 'string', default: '40000' },
    only: { type: 'string' },
    protocol: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const runs = Number(values.runs)
const datagramsPerSecond = Number(values.rate)
const protocols: FlowProtocol[] = flowProtocols.filter(
  (name) => values.protocol === undefined || values.protocol.split(',').includes(name),
)

const sender = startSender()
process.stdout.write(`${describeMachine()}\n`)
for (const protocol of protocols) {
  const collectors: Collector[] = [
    nfcapd('none'),
    nfcapd('LZ4'),
    culvert('recvmmsg', 'flows'),
    culvert('dgram', 'flows'),
  ]
  const results: Run[] = []
  for (let round = 0; round < runs; round++) {
    for (const collector of collectors) {
      const run = await measure(collector, sender, {
        traffic: { kind: protocol, seed: 1 },
        datagramsPerSecond,
        seconds,
      })
      results.push(run)
      process.stderr.write(`${JSON.stringify(run)}\n`)
    }
  }
  process.stdout.write(`\n${protocol}\n${tableOf(results, 'nfcapd, LZ4')}\n`)
}
await sender.close()

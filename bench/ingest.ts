/** Export packets over real sockets of 127.0.0.1 into a running Culvert, all durable: processor time and loss. */

import { print } from './figures.js'
import { startSender } from './load/client.js'
import { measure } from './peers/measure.js'
import { culvert } from './service/culvert.js'

const DATAGRAMS_PER_SECOND = 20_000
const SECONDS = 5
const WARM_UP_SECONDS = 3

/** Prints processor seconds for a million flows, of one run each; Linux only, since it reads /proc. */
export async function benchIngest(): Promise<void> {
  if (process.platform !== 'linux') return
  process.stdout.write(`\nover loopback into a running Culvert, ${DATAGRAMS_PER_SECOND} datagrams a second\n`)
  const sender = startSender()
  for (const receive of ['recvmmsg', 'dgram'] as const) {
    const run = await measure(culvert({ receive, takes: 'flows' }), sender, {
      traffic: { kind: 'v9', seed: 1 },
      datagramsPerSecond: DATAGRAMS_PER_SECOND,
      seconds: SECONDS,
      warmUpSeconds: WARM_UP_SECONDS,
    })
    const lost = `${(run.octets / run.stored).toFixed(1)} octets/record, ${run.sent - run.stored} lost`
    print(`v9 by ${receive}`, (run.processorSeconds * 1e6) / run.measured, 'CPU-s/M', lost)
  }
  await sender.close()
}

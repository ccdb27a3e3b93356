/** `npm run kills -- --times N --seed S`: how much a killed appliance loses. Exit 1 when it is more than is promised. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { faultsOf } from './promise.js'
import { runKills } from './run.js'

const { values } = parseArgs({
  options: { times: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
})
const [times, seed] = [Number(values.times), Number(values.seed)]
if (!Number.isInteger(times) || times < 1 || !Number.isInteger(seed)) {
  process.stderr.write('usage: npm run kills -- --times N --seed S\n')
  process.exit(2)
}
const folder = await mkdtemp(join(tmpdir(), 'culvert-kills-'))
try {
  const result = await runKills({
    folder,
    times,
    seed,
    onKill: (kills, lost) => {
      if (kills % 10 === 0) process.stderr.write(`${kills} kills, ${lost} rows told to be lost\n`)
    },
  })
  process.stdout.write(`${JSON.stringify({ seed, ...result }, undefined, 2)}\n`)
  const faults = faultsOf(result)
  for (const fault of faults) process.stderr.write(`FAULT: ${fault}\n`)
  process.exitCode = faults.length === 0 ? 0 : 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

// Real exporters' packets against what independent decoders make of them (test/conformance). The corpus is kept beside
// the project, not in it; without it these tests say so and are skipped.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compareWith, readCase } from '../../conformance/differential.js'
import { explanationOf } from '../../conformance/explained.js'
import { compareCorpus, type Golden } from '../../conformance/flows.js'
import { corporaFolder } from './probe.js'

const CASES = 79

t.test('real exporters decode as independent decoders have them', async (t) => {
  const folder = corporaFolder()
  if (folder === undefined) {
    t.comment(
      'SKIPPED: no shared/corpora above the project and CULVERT_SHARED does not name it, so nothing was compared',
    )
    t.pass('not compared', { skip: 'the corpora are not there' })
    return
  }
  const results = [...compareCorpus(join(folder, 'flows'), false)]
  for (const { name, state, differences, reason } of results) {
    t.ok(state !== 'differs', reason === undefined ? name : `${name} differs: ${reason}`, { differences })
  }
  t.equal(results.length, CASES, 'every case was compared')
  const equal = results.filter(({ state }) => state === 'equal')
  t.equal(equal.length, 74, 'and these are equal; the others are listed with their reasons')
})

t.test('node-netflowv9 says the same of v1, v5, v7 and v9, but where it is known why not', async (t) => {
  const folder = corporaFolder()
  if (folder === undefined) {
    t.comment('SKIPPED: no shared/corpora above the project and CULVERT_SHARED does not name it')
    t.pass('not compared', { skip: 'the corpora are not there' })
    return
  }
  // One case of each format; `npm run conformance -- differential` asks for all, and other decoders too.
  for (const name of [
    'softflowd-v1-icmp',
    'juniper-mx80-v5-sampled',
    'unknown-v9-icmp',
    'synthetic-v7-minimal',
    'softflowd110-v9-known-traffic',
  ]) {
    const golden = JSON.parse(
      readFileSync(join(folder, 'flows', 'expected', `${name}.json`), 'utf8'),
    ) as Golden
    const found = await compareWith('node-netflowv9', readCase(join(folder, 'flows'), golden.inputs))
    const isEqual = found.oursAlone + found.theirsAlone === 0 && found.trouble === undefined
    t.ok(isEqual || explanationOf('node-netflowv9', name, found) !== undefined, name, { found })
  }
})

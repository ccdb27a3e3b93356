// Real exporters' packets against what independent decoders make of them (test/conformance). The corpus is kept beside
// the project, not in it; without it these tests say so and are skipped.
import { join } from 'node:path'
import t from 'tap'
import { compareCorpus } from '../../conformance/flows.js'
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

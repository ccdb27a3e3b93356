// Datagrams that are wrong: a corpus kept beside the project, and mutations of our own. After each the decoder must be
// as good as before: a canary of two valid datagrams gives its one flow.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createRandom } from '#simulate/random.js'
import { fuzz, shorten } from '../../conformance/fuzzer.js'
import { judgeMalformed, malformedCases } from '../../conformance/malformed.js'
import { corpusSeeds, createMutator, ownSeeds } from '../../conformance/mutate.js'
import { v5 } from './datagrams.js'
import { corporaFolder, createProbe } from './probe.js'

const corpora = corporaFolder()

t.test('a corpus of malformed datagrams', async (t) => {
  if (corpora === undefined) {
    t.comment(
      'SKIPPED: no shared/corpora above the project and CULVERT_SHARED does not name it, so nothing was fed',
    )
    t.pass('not fed', { skip: 'the corpora are not there' })
    return
  }
  t.plan(Object.keys(malformedCases).length)
  judgeMalformed(join(corpora, 'flows-malformed'), ({ name, flows, microseconds, failures }) => {
    t.same(failures, [], `${name}: ${flows} flows, ${microseconds} µs`)
  })
})

t.test('withdrawals over TCP', async (t) => {
  if (corpora === undefined) {
    t.comment('SKIPPED: no shared/corpora above the project and CULVERT_SHARED does not name it')
    t.pass('not fed', { skip: 'the corpora are not there' })
    return
  }
  for (const [name, count, flows] of [
    ['ipfix-template-withdrawal', 4, 1],
    ['ipfix-withdraw-all', 3, 0],
  ] as const) {
    const probe = createProbe()
    for (let index = 1; index <= count; index++)
      probe.feed(readFileSync(join(corpora, 'flows-malformed', `${name}__${index}.dat`)), { transport: 1 })
    t.equal(probe.flows.length, flows, name)
  }
})

t.test('mutations of valid datagrams: nothing throws, nothing runs on, memory stays bounded', async (t) => {
  const until = Date.now() + 4000
  const { progress, failure } = fuzz({
    packets: 30_000,
    seed: 20_260_601,
    seeds: [...ownSeeds, ...corpusSeeds(corpora)],
    isOver: () => Date.now() > until,
  })
  t.ok(progress.packets > 2000, `${progress.packets} messages`)
  const { kind, message, inputs } = failure ?? { inputs: [] }
  t.same(
    inputs.map(({ octets }) => Buffer.from(octets).toString('hex')),
    [],
    failure === undefined ? 'no failure' : `${kind}: ${message}`,
  )
})

t.test('the fuzzer finds what it is there to find, and makes it short', async (t) => {
  const random = createRandom(1)
  const mutate = createMutator(random, ownSeeds)
  const kinds = new Set(Array.from({ length: 2000 }, () => mutate()[1]))
  t.ok([5, 9, 10].every((version) => kinds.has(version)))
  const inputs = Array.from({ length: 40 }, (_, at) => ({ octets: mutate(), source: 0, at }))
  const culprit = { octets: v5(1), source: 0, at: 99 }
  inputs.splice(17, 0, culprit)
  const short = shorten(inputs, (candidate) =>
    candidate.some(({ at, octets }) => at === 99 && octets.length >= 24),
  )
  t.equal(short.length, 1)
  t.equal(short[0]?.octets.length, 24)
})

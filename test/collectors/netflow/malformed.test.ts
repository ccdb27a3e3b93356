// Datagrams that are wrong: a corpus kept beside the project, and mutations of our own. After each the decoder must be
// as good as before: a canary of two valid datagrams gives its one flow.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { TemplateStore } from '#collectors/netflow/template-store.js'
import { createRandom } from '#simulate/random.js'
import { judgeMalformed, malformedCases } from '../../conformance/malformed.js'
import {
  data,
  ipfix,
  ipfixOptions,
  ipfixTemplate,
  record,
  simple,
  v5,
  v9,
  v9Options,
  v9Template,
} from './datagrams.js'
import { corporaFolder, createProbe, type Probe } from './probe.js'

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
    const probe = createProbe({ obeyWithdrawals: true })
    for (let index = 1; index <= count; index++)
      probe.feed(readFileSync(join(corpora, 'flows-malformed', `${name}__${index}.dat`)), { transport: 1 })
    t.equal(probe.flows.length, flows, name)
  }
})

/** Valid datagrams of every kind, as seeds to mutate. */
const seeds: readonly Uint8Array[] = [
  v5(3),
  v9([v9Template(256, simple), data(256, record(1), record(2, 1))]),
  v9([
    v9Options(257, [
      [1, 4],
      [48, 1],
      [34, 4],
    ]),
    data(257, [0, 0, 0, 0, 1, 0, 0, 0, 100]),
  ]),
  v9([
    v9Template(258, [
      [27, 16],
      [28, 16],
      [4, 1],
      [1, 8],
      [22, 4],
      [21, 4],
      [48, 1],
    ]),
    data(258, new Uint8Array(50)),
  ]),
  ipfix([
    ipfixTemplate(300, [...simple, [96, 65_535], [1, 5, 29_305], [7, 3, 9]]),
    data(300, record(3), [2, 104, 105], new Uint8Array(8)),
  ]),
  ipfix([
    ipfixOptions(301, [
      [95, 4],
      [96, 65_535],
      [160, 8],
    ]),
    data(301, [13, 0, 0, 1, 255, 0, 3, 97, 98, 99], new Uint8Array(8)),
  ]),
  ipfix([
    ipfixTemplate(302, [
      [8, 4],
      [12, 4],
      [27, 16],
      [28, 16],
      [4, 1],
      [160, 8],
      [22, 4],
      [292, 65_535],
    ]),
    data(302, new Uint8Array(53), [0]),
  ]),
]
const interesting = [
  0, 1, 2, 3, 4, 5, 9, 10, 127, 128, 254, 255, 256, 257, 300, 301, 302, 0x7fff, 0x8001, 0xfffe, 0xffff,
]

t.test('mutations of valid datagrams: nothing throws, nothing runs on, memory stays bounded', async (t) => {
  const random = createRandom(20_260_601)
  const mutate = (): Uint8Array => {
    const octets = Uint8Array.from(random.choice(seeds))
    let mutated = octets
    for (let left = random.integer(1, 5); left > 0; left--) {
      const at = random.integer(0, mutated.length - 1)
      switch (random.integer(0, 5)) {
        case 0:
          mutated[at] = random.integer(0, 255)
          break
        case 1: {
          // Sixteen bits at an even place: ids, lengths and counts are there.
          const value = random.choice(interesting)
          const even = at & ~1
          mutated[even] = value >> 8
          if (even + 1 < mutated.length) mutated[even + 1] = value & 0xff
          break
        }
        case 2:
          mutated = mutated.slice(0, Math.max(1, at))
          break
        case 3: {
          // Sets of another datagram behind this one's.
          const other = random.choice(seeds)
          const joined = new Uint8Array(mutated.length + other.length)
          joined.set(mutated)
          joined.set(other.subarray(random.integer(0, 20)), mutated.length)
          mutated = joined
          break
        }
        case 4:
          mutated = Uint8Array.from([
            ...mutated.subarray(0, at),
            ...new Uint8Array(random.integer(1, 40)),
            ...mutated.subarray(at),
          ])
          break
        default:
          // A message length that is right again, so that the mutation is looked at.
          if (mutated.length >= 4 && mutated[1] === 10) {
            mutated[2] = mutated.length >> 8
            mutated[3] = mutated.length & 0xff
          }
      }
    }
    return mutated
  }
  const limits = {
    templatesPerDomain: 20,
    templates: 100,
    fields: 2000,
    exporters: 8,
    domainsPerExporter: 20,
    domains: 60,
  }
  const store = new TemplateStore(() => 0, limits)
  const probes: Probe[] = [
    createProbe({ store }),
    createProbe({ store: new TemplateStore(() => 0, limits), observed: false, obeyWithdrawals: true }),
  ]
  const until = Date.now() + 3000
  let fed = 0
  let flows = 0
  let refused = 0
  for (; fed < 60_000 && Date.now() < until; fed++) {
    const datagram = mutate()
    const probe = probes[fed % 2]!
    try {
      probe.feed(datagram, { at: 1_780_315_200_000 + fed })
    } catch (error) {
      t.fail(`threw at datagram ${Buffer.from(datagram).toString('hex')}`, { error })
      return
    }
    flows += probe.flows.length
    refused += probe.undecoded.length
    for (const list of [
      probe.flows,
      probe.undecoded,
      probe.events,
      probe.templates,
      probe.optionsRecords,
      probe.documents,
    ])
      list.length = 0
  }
  t.ok(fed > 2000, `${fed} datagrams`)
  t.ok(flows > fed / 20, `${flows} flows`)
  t.ok(refused > fed / 20, `${refused} times refused`)
  const domains = store.exporters.flatMap((exporter) => [...exporter.domains.values()])
  const templates = domains.flatMap(({ templates }) => [...templates.values()])
  t.ok(domains.length <= limits.domains)
  t.ok(templates.length <= limits.templates)
  t.ok(templates.reduce((sum, { template }) => sum + template.fields.length, 0) <= limits.fields)
  for (const probe of probes) {
    probe.flows.length = 0
    const fresh = { source: { family: 4 as const, words: [0, 0, 0, 99] as const } }
    probe.feed(v9([v9Template(999, simple), data(999, record(7))], { domain: 99 }), fresh)
    probe.finish()
    t.ok(
      probe.flows.some((flow) => flow['sourceAddress'] === '10.0.0.7'),
      'a valid datagram decodes as before',
    )
  }
})

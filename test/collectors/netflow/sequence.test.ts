/** Sequence numbers: what is missing, late, or counted anew. */
import t from 'tap'
import { type SequenceOutcome, SequenceTracker } from '#collectors/netflow/sequence.js'
import { data, ipfix, ipfixOptions, ipfixTemplate, record, simple } from './datagrams.js'
import { createProbe } from './probe.js'

function sequence(protocol: number, steps: readonly (readonly number[])[]) {
  const tracker = new SequenceTracker(protocol)
  const outcomes: SequenceOutcome[] = steps.map(([number, records, options = 0, upTime = -1]) =>
    tracker.observe(number!, records!, options, upTime),
  )
  const events = outcomes
    .filter(({ event }) => event !== 'none')
    .map(({ event, value }) => `${event} ${value}`)
  return { events, unit: tracker.unit, counts: tracker.counts }
}

/** `count` steps by a rule from number and records to the next number. */
function run(count: number, from: number, next: (number: number, records: number) => number, options = 0) {
  const steps: number[][] = []
  let number = from
  for (let index = 0; index < count; index++) {
    const records = 5 + (index % 7)
    steps.push([number, records, options])
    number = next(number, records) >>> 0
  }
  return steps
}

t.test(
  'sequence numbers: the convention is learnt, then gaps, restarts and late datagrams are told apart',
  async (t) => {
    const byPackets = run(10, 100, (number) => number + 1)
    const byRecords = run(10, 100, (number, records) => number + records)
    const withoutOptions = run(10, 100, (number, records) => number + records - 2, 2)
    const after: number[][] = []
    for (let index = 0, number = 0; index < 10; index++) {
      number += 5 + (index % 7)
      after.push([number, 5 + (index % 7)])
    }
    const end = (steps: number[][]) => steps.at(-1) as [number, number]
    const [packet] = end(byPackets)
    const [flow, last] = end(byRecords)
    const cases: [name: string, protocol: number, steps: number[][], events: string[], unit: string][] = [
      ['v9 by packets', 9, byPackets, [], 'packets'],
      ['v9 by records', 9, byRecords, [], 'recordsBefore'],
      ['IPFIX by records', 10, byRecords, [], 'recordsBefore'],
      ['IPFIX, the number behind the message', 10, after, [], 'recordsAfter'],
      ['IPFIX without options records', 10, withoutOptions, [], 'dataRecordsBefore'],
      ['IPFIX by packets', 10, byPackets, [], 'packets'],
      [
        'v5 by records over the wrap',
        5,
        run(10, 2 ** 32 - 20, (number, records) => number + records),
        [],
        'recordsBefore',
      ],
      ['v9 by packets over the wrap', 9, run(10, 2 ** 32 - 4, (number) => number + 1), [], 'packets'],
      [
        'three packets are missing',
        9,
        [...byPackets, [packet + 4, 5], [packet + 5, 5]],
        ['gap 3'],
        'packets',
      ],
      [
        'forty records are missing',
        10,
        [...byRecords, [flow + last + 40, 5], [flow + last + 45, 5]],
        ['gap 40'],
        'recordsBefore',
      ],
      [
        'a late packet',
        9,
        [...byPackets, [packet + 2, 5], [packet + 1, 5], [packet + 3, 5]],
        ['gap 1', 'reordered 1'],
        'packets',
      ],
      ['a packet twice', 9, [...byPackets, [packet, 5], [packet + 1, 5]], ['duplicate 1'], 'packets'],
      [
        'a restart seen by the number',
        9,
        [...run(10, 100_000, (number) => number + 1), [3, 5], [4, 5]],
        ['reset 1'],
        'packets',
      ],
      [
        'a restart seen by the uptime',
        9,
        [
          [500, 5, 0, 9_000_000],
          [501, 5, 0, 9_001_000],
          [502, 5, 0, 1000],
        ],
        ['reset 1'],
        'packets',
      ],
      [
        'an uptime that wraps is no restart',
        9,
        [
          [500, 5, 0, 0xffffff00],
          [501, 5, 0, 100],
          [502, 5, 0, 1100],
        ],
        [],
        'packets',
      ],
      [
        'a message whose records cannot be counted',
        10,
        [...byRecords, [flow + last, -1], [flow + last + 1000, 5], [flow + last + 1005, 5]],
        [],
        'recordsBefore',
      ],
      [
        'a packet that is late over the wrap',
        9,
        [...run(6, 2 ** 32 - 7, (number) => number + 1), [0, 5], [1, 5], [2 ** 32 - 1, 5], [2, 5]],
        ['gap 1', 'reordered 1'],
        'packets',
      ],
    ]
    t.plan(cases.length)
    for (const [name, protocol, steps, events, unit] of cases) {
      const found = sequence(protocol, steps)
      t.same({ events: found.events, unit: found.unit }, { events, unit }, name)
    }
  },
)

t.test('a late datagram takes back what its gap had counted', async (t) => {
  const steps = run(10, 100, (number) => number + 1)
  const { counts } = sequence(9, [...steps, [113, 5], [111, 5]])
  t.match(counts, { gaps: 1, missingUnits: 2, reordered: 1, resets: 0 })
})

t.test(
  'options records that waited are not taken for those of the message that brought the template',
  async (t) => {
    const probe = createProbe()
    const options = ipfixOptions(257, [
      [149, 4],
      [34, 4],
    ])
    const values = [0, 0, 0, 1, 0, 0, 0, 5]
    probe.feed(ipfix([ipfixTemplate(256, simple), data(257, values, values)], { sequence: 0 }))
    const [domain] = probe.decoder.store.exporters[0]!.domains.values()
    const seen: number[] = []
    const observe = domain!.sequence.observe.bind(domain!.sequence)
    domain!.sequence.observe = (number, records, optionsRecords, upTime) => {
      seen.push(optionsRecords)
      return observe(number, records, optionsRecords, upTime)
    }
    probe.feed(ipfix([options, data(256, record(1)), data(257, values)], { sequence: 2 }))
    t.equal(probe.optionsRecords.length, 3)
    t.same(seen, [1])
  },
)

/** Sessions of echo traffic: what one record each way says, what shows sampling, and how pairs are kept. */
import t from 'tap'
import { ipv4EchoLimits, type Slice } from '#core/detectors/icmp-tunnel/mirror.js'
import { PairIndex } from '#core/detectors/icmp-tunnel/pair-index.js'
import { addSlice, looksSampled, newSession } from '#core/detectors/icmp-tunnel/session.js'
import { type Circumstances, judge } from '#core/detectors/icmp-tunnel/session-verdict.js'

const MINUTE = 60_000
const START = 1_000 * MINUTE

function slice(from: number, to: number, packets: number, octets: number): Slice {
  const [startMilliseconds, endMilliseconds] = [START + from, START + to]
  return {
    packets,
    octets,
    startMilliseconds,
    endMilliseconds,
    receivedMilliseconds: endMilliseconds,
    row: 0,
  }
}

const believed: Circumstances = {
  limits: ipv4EchoLimits,
  atMilliseconds: START + MINUTE + 5000,
  samplingInterval: 0,
  isSuspect: false,
  isTrusted: true,
  isTypeObserved: true,
  zThreshold: 4,
}

type RecordCase = {
  readonly title: string
  readonly requests: readonly [packets: number, octets: number]
  readonly replies: readonly [packets: number, octets: number]
  /** Of the last reply, before the end of the minute. */
  readonly endsBefore?: number
  readonly isTrusted?: boolean
  readonly samplingInterval?: number
  readonly state: string
  readonly code?: string
}

const recordCases: readonly RecordCase[] = [
  { title: 'a ping', requests: [60, 5040], replies: [60, 5040], state: 'mirrors' },
  { title: 'a ping of mixed sizes, two lost', requests: [60, 9001], replies: [58, 8700], state: 'mirrors' },
  { title: 'many replies lost', requests: [60, 9001], replies: [30, 4500], state: 'mirrors' },
  {
    title: 'a tunnel: as many packets, other octets',
    requests: [303, 13_476],
    replies: [302, 10_080],
    endsBefore: 300,
    state: 'broken',
    code: 'covered-time-differs',
  },
  {
    title: 'the same at a point that is not known yet',
    requests: [303, 13_476],
    replies: [302, 10_080],
    endsBefore: 300,
    isTrusted: false,
    state: 'unjudged',
    code: 'awaiting-second-evaluation',
  },
  {
    title: 'fewer replies with more octets',
    requests: [106, 10_702],
    replies: [79, 11_426],
    state: 'broken',
    code: 'covered-time-differs',
  },
  {
    title: 'replies of another size, sampled or not',
    requests: [1803, 100_968],
    replies: [3606, 3_894_480],
    isTrusted: false,
    samplingInterval: 10,
    state: 'broken',
    code: 'replies-of-another-size',
  },
  {
    title: 'short replies that were filled up',
    requests: [60, 32 * 60],
    replies: [60, 46 * 60],
    state: 'mirrors',
    code: 'layer-2-octets',
  },
  {
    title: 'first fragments of long pings, answered in one piece',
    requests: [60, 1500 * 60],
    replies: [60, 5028 * 60],
    isTrusted: false,
    state: 'broken',
    code: 'aligned-records-differ',
  },
]

t.test('one record each way', async (t) => {
  for (const { title, requests, replies, endsBefore = 80, state, code, ...circumstances } of recordCases) {
    const session = newSession(START)
    addSlice(session, 'request', slice(0, MINUTE - 100, ...requests), 0)
    addSlice(session, 'reply', slice(20, MINUTE - endsBefore, ...replies), 0)
    const verdict = judge(session, { ...believed, ...circumstances })
    t.equal(verdict.state, state, `${title}: ${verdict.code}`)
    if (code !== undefined) t.equal(verdict.code, code, title)
  }
})

t.test('replies again and again when no request is seen show sampling', async (t) => {
  const whole = newSession(START)
  const sampled = newSession(START)
  for (let minute = 0; minute < 30; minute++) {
    const at = minute * MINUTE
    addSlice(whole, 'request', slice(at, at + 59_000, 60, 5040), 0)
    addSlice(whole, 'reply', slice(at + 20, at + 59_020, 60, 5040), 0)
    addSlice(sampled, 'request', slice(at, at + 10_000, 2, 168), 0)
    addSlice(sampled, 'reply', slice(at + 30_000, at + 40_000, 2, 168), 0)
  }
  t.equal(looksSampled(whole), false)
  t.equal(looksSampled(sampled), true)
  t.ok(whole.requests.slices.length <= 8, 'of a plain ping few records are kept')
  t.equal(whole.requests.packets, 1800, 'and all are counted')
})

t.test('pairs are found by their words, and the one not used for the longest goes', async (t) => {
  const index = new PairIndex<string>(3)
  const words = (word: number) => ({ planes: [[word]], row: 0 })
  const add = (point: number, one: number, other: number) => {
    if (index.find(point, 4, words(one), words(other)) !== undefined) return
    if (index.size >= index.maximum) index.dropOldest()
    index.insert(`${point} ${one} ${other}`)
  }
  add(0, 1, 2)
  add(0, 2, 1)
  add(1, 1, 2)
  add(0, 1, 2)
  add(0, 9, 9)
  t.same([...index.entries()], ['1 1 2', '0 1 2', '0 9 9'])
  t.equal(index.peek(0, 4, words(2), words(1)), undefined)
  const long = (word: number) => ({ planes: [[0], [0], [0], [word]], row: 0 })
  t.equal(index.peek(0, 6, long(1), long(2)), undefined, 'another family')
  const many = new PairIndex<number>(5000)
  for (let n = 0; n < 20_000; n++) {
    if (many.find(0, 4, words(n), words(1)) !== undefined) continue
    if (many.size >= many.maximum) many.dropOldest()
    many.insert(n)
  }
  t.equal(many.size, 5000)
  t.equal(many.oldest(), 15_000)
  t.equal(many.peek(0, 4, words(17_000), words(1)), 17_000)
  t.equal(many.peek(0, 4, words(14_999), words(1)), undefined)
})

t.test('one packet a record: three exchanges of unequal sizes are enough, fewer are not', async (t) => {
  const session = newSession(START)
  const codes = [56, 56, 65, 72, 56, 80].map((octets, index) => {
    const at = index * MINUTE
    addSlice(session, 'request', slice(at, at, 1, 56), 1)
    addSlice(session, 'reply', slice(at + 30, at + 30, 1, octets), 2)
    return judge(session, { ...believed, atMilliseconds: START + at + 1000 }).code
  })
  t.equal(codes.indexOf('aligned-records-differ'), 5)
})

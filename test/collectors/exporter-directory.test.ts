/** What a receiving thread tells of its exporters without being asked, and how it answers when it is. */
import t from 'tap'
import { createExporterAnswers } from '#collectors/exporter-answers.js'
import {
  createExporterDirectory,
  type ExporterDescription,
  type ExporterKind,
  idOf,
  kindOf,
  type PaceCounts,
  sumPace,
} from '#collectors/exporter-directory.js'
import type { ExporterStatus } from '#core/exporters.js'
import { formatAddress, parseAddress } from '#core/records/address.js'

const START = 1_700_000_000_000
const HOUR = 3_600_000

type Device = PaceCounts & { readonly address: string; readonly transport: number }

function device(address: string, changes: Partial<Device> = {}): Device {
  const times = { firstSeenMilliseconds: START, lastSeenMilliseconds: START }
  return { address, transport: 0, datagrams: 1, records: 20, ...times, ...changes }
}

/** A directory of the devices in a list that the test changes, and how often each was described and counted. */
function directoryOf(devices: Device[]) {
  const described: string[] = []
  let counted = 0
  const kind: ExporterKind<Device> = {
    all: () => devices,
    place: ({ address, transport }) => ({ address: parseAddress(address)!, listenerPort: 2055, transport }),
    counts(one) {
      counted++
      return one
    },
    describe(one) {
      described.push(one.address)
      const { address, transport, ...counts } = one
      return { id: idOf(address, 2055, transport), ...counts } as ExporterDescription
    },
  }
  return { directory: createExporterDirectory([kindOf(kind)]), described, countedSince: () => counted }
}

t.test('who is new, silent, heard again or gone is told once', async (t) => {
  const quiet = device('192.0.2.1', { datagrams: 100, lastSeenMilliseconds: START + 99_000 })
  const devices = [quiet, device('2001:db8::1', { transport: 1 })]
  const { directory, described } = directoryOf(devices)
  const news = (now: number) =>
    directory
      .look(now)
      .map(({ id, isSilent, isGone }) => `${id} ${isSilent ? 'silent' : ''}${isGone ? 'gone' : ''}`)
  t.same(news(START + 100_000), ['192.0.2.1_2055 ', '2001-db8--1_2055_tcp '])
  t.same(news(START + 101_000), [])
  t.same(news(START + HOUR), ['192.0.2.1_2055 silent'])
  t.same(news(START + HOUR + 1), [])
  t.match(directory.status('192.0.2.1_2055', START + HOUR), { silentSinceMilliseconds: START + 99_000 })
  quiet.lastSeenMilliseconds = START + HOUR
  t.same(news(START + HOUR + 2), ['192.0.2.1_2055 '])
  t.equal(directory.status('192.0.2.1_2055', START + HOUR)!.silentSinceMilliseconds, undefined)
  devices.pop()
  t.same(news(START + HOUR + 3), ['2001-db8--1_2055_tcp gone'])
  t.equal(directory.status('2001-db8--1_2055_tcp', START), undefined)
  devices.push(device('2001:db8::1', { transport: 1 }))
  t.same(news(START + HOUR + 4), ['2001-db8--1_2055_tcp '], 'and may come again')
  t.same(described, ['192.0.2.1', '192.0.2.1'], 'nobody is described who was not asked for')
})

t.test('rates are those of the last two looks', async (t) => {
  const one = device('192.0.2.1')
  const { directory } = directoryOf([one])
  directory.look(START)
  t.match(directory.status('192.0.2.1_2055', START), { recordsPerSecond: 0, datagramsPerSecond: 0 })
  one.records += 300
  one.datagrams += 15
  directory.look(START + 2000)
  t.match(directory.status('192.0.2.1_2055', START + 2500), {
    records: 320,
    recordsPerSecond: 150,
    datagramsPerSecond: 7.5,
  })
})

t.test('a look has its bound, however many there are, and all have their turn', async (t) => {
  const devices = Array.from({ length: 1200 }, (_, index) =>
    device(formatAddress({ family: 4, words: [0, 0, 0, 0x0a000000 + index] })),
  )
  const { directory, countedSince } = directoryOf(devices)
  t.equal(directory.look(START).length, 1200, 'all are told at once')
  t.equal(countedSince(), 500)
  for (const one of devices) one.records += 100
  for (let second = 1; second <= 3; second++) directory.look(START + second * 1000)
  t.ok(countedSince() <= 4 * 500)
  const last = directory.status('10.0.4.175_2055', START)!
  for (const one of devices) one.records += 100
  for (let second = 4; second <= 6; second++) directory.look(START + second * 1000)
  t.not(directory.status('10.0.4.175_2055', START)!.recordsPerSecond, last.recordsPerSecond)
})

t.test('counters of parts are summed, and a part that has seen nothing has no first time', async (t) => {
  const nothing = { datagrams: 0, records: 0, firstSeenMilliseconds: 0, lastSeenMilliseconds: 0 }
  const early = { datagrams: 2, records: 30, firstSeenMilliseconds: 5, lastSeenMilliseconds: 7 }
  const late = { datagrams: 1, records: 10, firstSeenMilliseconds: 6, lastSeenMilliseconds: 9 }
  t.same(sumPace([]), nothing)
  t.same(sumPace([nothing, late, early]), {
    datagrams: 3,
    records: 40,
    firstSeenMilliseconds: 5,
    lastSeenMilliseconds: 9,
  })
})

t.test('answers come in pieces, in order, and leave the thread most of its time', async (t) => {
  const pieces: { request: number; ids: string[]; isLast: boolean }[] = []
  const answers = createExporterAnswers({
    status(id) {
      if (id === 'gone') return undefined
      const until = performance.now() + 2
      while (performance.now() < until);
      return { id } as ExporterStatus
    },
    answer: (request, exporters, isLast) =>
      pieces.push({ request, ids: exporters.map(({ id }) => id), isLast }),
  })
  const ids = Array.from({ length: 12 }, (_, index) => `e${index}`)
  const began = performance.now()
  answers.ask(7, [...ids.slice(0, 5), 'gone', ...ids.slice(5)])
  answers.ask(8, [])
  while (!pieces.some(({ request }) => request === 8)) await new Promise((resolve) => setTimeout(resolve, 2))
  t.ok(performance.now() - began > 12 * 2 * 4, 'most of the time it rests')
  const first = pieces.filter(({ request }) => request === 7)
  t.same(
    first.flatMap((piece) => piece.ids),
    ids,
  )
  t.ok(first.length > 1 && first.every(({ isLast }, index) => isLast === (index === first.length - 1)))
  t.same(pieces.at(-1), { request: 8, ids: [], isLast: true })
})

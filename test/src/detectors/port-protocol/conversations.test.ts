/** What conversations, services and uses keep, and who goes where there is no room. */
import t from 'tap'
import { lastRecordOf } from '#core/detectors/port-protocol/add-record.js'
import { longHash, shortHash } from '#core/detectors/port-protocol/conversation-key.js'
import { Flag, type RowValues, SHORT_KEY_WORDS } from '#core/detectors/port-protocol/conversation-record.js'
import { Conversations } from '#core/detectors/port-protocol/conversations.js'
import { Services } from '#core/detectors/port-protocol/services.js'
import { Shares } from '#core/detectors/port-protocol/shares.js'
import { Uses } from '#core/detectors/port-protocol/uses.js'
import { START } from './made.js'

const V6 = 0x8000

function record(more: Partial<RowValues> = {}): RowValues {
  const receivedMilliseconds = more.receivedMilliseconds ?? START
  return {
    direction: 0,
    packets: 1,
    octets: 100,
    reversePackets: 0,
    reverseOctets: 0,
    startMilliseconds: receivedMilliseconds - 1000,
    endMilliseconds: receivedMilliseconds - 900,
    receivedMilliseconds,
    row: 7,
    where: 1,
    flags: 0,
    nameNumber: 0,
    ...more,
  }
}

/** Adds a record to the conversation of a key; returns its slot. */
function put(conversations: Conversations, words: readonly number[], values: RowValues): number {
  const key = Uint32Array.from({ length: 10 }, (_, index) => words[index] ?? 0)
  const short = shortHash(key[0]!, key[1]!, key[2]!, key[3]!)
  const hash = (key[0]! & V6) === 0 ? short : longHash(short, key, SHORT_KEY_WORDS)
  let slot = conversations.find(key, 0, hash)
  if (slot < 0) slot = conversations.insert(key, 0, hash, values.receivedMilliseconds)
  conversations.add(slot, values)
  return slot
}

t.test('a record comes back as it was told, whatever its size and times', (t) => {
  const conversations = new Conversations(8)
  const large = {
    packets: 5_000_000_000,
    octets: 7e12,
    row: 9_000_000_000_000,
    startMilliseconds: START - 1_800_000,
    endMilliseconds: START - 500,
  }
  const slot = put(conversations, [6, 1, 2, 3], record(large))
  // A clock that is years off: times of packets and of arrival have nothing to do with each other.
  const late = { direction: 1, startMilliseconds: 1000, endMilliseconds: 2000, row: 5, octets: 60 } as const
  put(conversations, [6, 1, 2, 3], record({ ...late, receivedMilliseconds: START + 60_000 }))
  t.match(lastRecordOf(conversations, slot, 0), { ...large, receivedMilliseconds: START })
  t.match(lastRecordOf(conversations, slot, 1), { row: 5, octets: 60, receivedMilliseconds: START + 60_000 })
  t.equal(conversations.octetsOf(slot, 0), 7e12)
  t.equal(conversations.packetsOf(slot, 0), 2 ** 32 - 1, 'the most that fits')
  t.end()
})

t.test('IPv6 conversations are told apart by all of their addresses', (t) => {
  const conversations = new Conversations(8)
  const one = put(conversations, [V6 | 6, 1, 2, 3, 0x20010db8, 0, 0, 0x20010db8, 0, 1], record())
  const other = put(conversations, [V6 | 6, 1, 2, 3, 0x20010db8, 0, 5, 0x20010db8, 0, 1], record())
  t.not(one, other)
  t.equal(put(conversations, [V6 | 6, 1, 2, 3, 0x20010db8, 0, 0, 0x20010db8, 0, 1], record()), one)
  conversations.delete(other)
  t.equal(conversations.size, 1)
  t.end()
})

t.test('where there is no room, what is over goes first, and what lasts goes last', (t) => {
  const conversations = new Conversations(100)
  const judged: number[] = []
  conversations.onEvict = (slot) => judged.push(conversations.words[conversations.wordsAt(slot) + 1]!)
  put(conversations, [6, 0, 1, 1], record({ flags: Flag.isCut }))
  for (let low = 1; low < 100; low++) put(conversations, [6, low, 1, 1], record({ reversePackets: 1 }))
  put(conversations, [6, 500, 1, 1], record({ receivedMilliseconds: START + 40_000 }))
  t.ok(judged.length > 0 && !judged.includes(0), 'judged as they stand')
  t.equal(conversations.evicted, 0, 'they were answered, and nothing more was to be expected')
  for (let low = 600; low < 900; low++)
    put(conversations, [6, low, 1, 1], record({ receivedMilliseconds: START + 41_000 }))
  t.not(judged.includes(0), true, 'what the active timeout cut goes on')
  t.ok(conversations.evicted >= 100, 'unanswered')
  t.equal(conversations.size <= 100, true)
  t.end()
})

t.test('in a flood some of what is dropped is judged, and the rest is counted', (t) => {
  const conversations = new Conversations(64, 1000)
  let judged = 0
  conversations.onEvict = () => judged++
  const all = 5000
  for (let low = 0; low < all; low++) put(conversations, [6, low, 1, 1], record())
  t.equal(judged, 1000)
  t.equal(judged + conversations.unjudged + conversations.size, all)
  put(conversations, [6, all, 1, 1], record({ receivedMilliseconds: START + 60_000 }))
  for (let low = 0; low < 64; low++)
    put(conversations, [6, low, 2, 1], record({ receivedMilliseconds: START + 60_000 }))
  t.ok(judged > 1000, 'anew each minute')
  t.end()
})

t.test('conversations come up when they are over, in the order of their coming', (t) => {
  const conversations = new Conversations(16)
  for (let low = 0; low < 4; low++) put(conversations, [6, low, 1, 1], record())
  const cut = put(conversations, [6, 9, 1, 1], record({ flags: Flag.isCut }))
  const minute = START / 60_000
  t.equal(conversations.nextDue(minute + 2), -1)
  const due = Array.from({ length: 5 }, () => conversations.nextDue(minute + 3))
  t.same(due, [0, 1, 2, 3, -1])
  t.equal(conversations.nextDue(minute + 61), -1, 'the next slice may be late')
  t.equal(conversations.nextDue(minute + 100_000), cut)
  t.end()
})

t.test('services: clients and other ends are counted, the least used make room', (t) => {
  const services = new Services()
  const address = Uint32Array.of(0, 0, 0, 0xc6336401)
  const clients = Uint32Array.from({ length: 400 }, (_, index) => (index % 4 === 3 ? 0x0a000000 + index : 0))
  let slot = -1
  for (let client = 0; client < 3; client++)
    slot = services.count(services.find(6, address, 0, 443), clients, client * 4, 40_000 + client)
  t.equal(services.clientsOf(slot), 3)
  t.ok(services.peersOf(slot) >= 2)
  t.equal(services.find(17, address, 0, 443), -1, 'another protocol')
  services.watch(slot)
  t.equal(services.isWatched(slot), true)
  t.equal(services.isConfirmed(slot), false)
  for (let port = 0; services.evicted < 10_000; port++) {
    address[3] = 0xc6330000 + (port >>> 16)
    services.count(services.find(6, address, 0, port & 0xffff), clients, 0, 1)
    // What is used stays.
    if (port % 100 === 0) {
      address[3] = 0xc6336401
      services.count(services.find(6, address, 0, 443), clients, 0, 1)
    }
  }
  address[3] = 0xc6336401
  t.equal(services.clientsOf(services.find(6, address, 0, 443)), 3)
  t.end()
})

t.test('shares: only growth is added, and there are so many', (t) => {
  const shares = new Shares(2)
  const [one, other] = [shares.take(5, 1), shares.take(6, 1)]
  t.equal(shares.growth(one, 3, 100), 100)
  t.equal(shares.growth(one, 3, 150), 50)
  t.equal(shares.growth(other, 3, 10), 10)
  t.equal(shares.take(7, 1), -1)
  t.equal(shares.evicted, 1)
  shares.drop(one)
  t.equal(shares.take(7, 2), one)
  t.equal(shares.growth(one, 3, 20), 20, 'nothing is left of the last')
  t.end()
})

t.test('uses: what was seen least lately makes room', (t) => {
  const uses = new Uses()
  const server = [0, 0, 0, 9]
  let inserted = 0
  for (let key = 1; uses.evicted === 0; key++, inserted++)
    uses.note(uses.insert(key, 1), key === 1 ? 1 : 20_000, 80, 5, server, 0)
  t.equal(uses.all().length, inserted - 1)
  t.ok(inserted > 100_000)
  const slot = uses.find(2, 1)
  t.same(
    [uses.dayOf(slot), uses.portOf(slot), uses.sinceOf(slot), [...uses.serverOf(slot)]],
    [20_000, 80, 5, server],
  )
  t.equal(uses.find(2, 2), -1)
  t.end()
})

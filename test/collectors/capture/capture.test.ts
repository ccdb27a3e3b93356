// Capture files put together octet by octet: every byte order, clock and link layer that the reader knows.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createDatagramReader, readDatagrams } from '#collectors/capture/datagrams.js'
import { formatAddress } from '#core/records/address.js'
import { concatenate } from '#simulate/encode/bytes.js'
import { createPcapEncoder } from '#simulate/pcap.js'
import { collectGarbage, keptBuffers } from '../../support/memory.js'

const TIME = 1_780_315_200_250
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))

const payload = hex('0005 0000')
/** RFC 768: ports 40000 and 2055, length, checksum. */
const udp = concatenate([hex('9c40 0807 000c 0000'), payload])
const ipv4 = concatenate([hex('4500 0020 0001 0000 4011 0000 c0000207 c000020a'), udp])
const ipv6 = concatenate([
  hex('60000000 000c 11 40 20010db8000000000000000000000007 20010db8000000000000000000000001'),
  udp,
])
const hopByHop = concatenate([
  hex('60000000 0014 00 40 20010db8000000000000000000000007 20010db8000000000000000000000001'),
  hex('1100 0104 00000000'),
  udp,
])
const macs = hex('020000000001 020000000002')
const fill = new Uint8Array(14)
const offloaded = Uint8Array.from(ipv4)
offloaded.set([0, 0], 2)
const offloaded6 = Uint8Array.from(ipv6)
offloaded6.set([0, 0], 4)

const read = createDatagramReader()
const frame = (linkType: number, ...parts: Uint8Array[]) =>
  read.take({ timeMilliseconds: TIME, linkType, octets: concatenate(parts) })[0]

t.test('link layers, tags and IP versions', async (t) => {
  const cases: [name: string, linkType: number, parts: Uint8Array[], source: string | undefined][] = [
    ['Ethernet', 1, [macs, hex('0800'), ipv4], '192.0.2.7'],
    ['Ethernet, filled up to 60 octets', 1, [macs, hex('0800'), ipv4, fill], '192.0.2.7'],
    ['a VLAN tag', 1, [macs, hex('8100 0064 0800'), ipv4], '192.0.2.7'],
    ['two VLAN tags', 1, [macs, hex('88a8 0001 8100 0064 86dd'), ipv6], '2001:db8::7'],
    ['Ethernet, IPv6', 1, [macs, hex('86dd'), ipv6], '2001:db8::7'],
    ['hop-by-hop options', 1, [macs, hex('86dd'), hopByHop], '2001:db8::7'],
    ['ARP', 1, [macs, hex('0806'), ipv4], undefined],
    ['Linux cooked', 113, [new Uint8Array(14), hex('0800'), ipv4], '192.0.2.7'],
    ['Linux cooked 2', 276, [hex('0800'), new Uint8Array(18), ipv4], '192.0.2.7'],
    ['Linux cooked, a VLAN tag', 113, [new Uint8Array(14), hex('8100 0064 86dd'), ipv6], '2001:db8::7'],
    ['Linux cooked, ARP', 113, [new Uint8Array(14), hex('0806'), ipv4], undefined],
    ['BSD loopback', 0, [hex('02000000'), ipv4], '192.0.2.7'],
    ['OpenBSD loopback', 108, [hex('00000018'), ipv6], '2001:db8::7'],
    ['raw', 101, [ipv4], '192.0.2.7'],
    ['raw IPv4', 228, [ipv4], '192.0.2.7'],
    ['raw IPv6', 229, [ipv6], '2001:db8::7'],
    ['raw, IPv6', 101, [ipv6], '2001:db8::7'],
    ['a total length of 0, as offload leaves it', 101, [offloaded], '192.0.2.7'],
    ['a payload length of 0', 101, [offloaded6], '2001:db8::7'],
    ['an unknown link layer', 147, [ipv4], undefined],
    ['a frame that is cut in its IP header', 101, [ipv4.subarray(0, 19)], undefined],
    ['nothing', 1, [], undefined],
  ]
  t.plan(cases.length)
  for (const [name, linkType, parts, source] of cases) {
    const found = frame(linkType, ...parts)
    if (source === undefined) t.equal(found, undefined, name)
    else {
      const { timeMilliseconds, sourcePort, destinationPort } = found!
      t.same(
        [formatAddress(found!.source), timeMilliseconds, sourcePort, destinationPort, [...found!.payload]],
        [source, TIME, 40_000, 2055, [...payload]],
        name,
      )
    }
  }
})

t.test('one address is one object', async (t) => {
  t.equal(frame(101, ipv4)!.source, frame(1, macs, hex('0800'), ipv4)!.source)
})

t.test('fragments are put together in any order, and not with those of another datagram', async (t) => {
  const octets = Uint8Array.from({ length: 5000 }, (_, index) => index & 0xff)
  const encode = createPcapEncoder()
  const datagram = (payload: Uint8Array) => ({
    timeMilliseconds: TIME,
    exporterAddress: '192.0.2.7',
    sourcePort: 40_000,
    listenerPort: 2055,
    transport: 'udp' as const,
    payload,
  })
  const frames = (payload: Uint8Array) => encode(datagram(payload)).map((packet) => packet.subarray(16))
  const pieces = frames(octets)
  t.equal(pieces.length, 4)
  const feed = (reader: typeof read, list: Uint8Array[], at = TIME) =>
    list.flatMap((octets) => reader.take({ timeMilliseconds: at, linkType: 1, octets }))
  t.same(feed(createDatagramReader(), pieces)[0]?.payload, octets, 'in order')
  t.same(feed(createDatagramReader(), [...pieces].reverse())[0]?.payload, octets, 'backwards')
  t.same(
    feed(createDatagramReader(), [pieces[1]!, pieces[1]!, pieces[0]!, pieces[3]!, pieces[2]!])[0]?.payload,
    octets,
    'one twice',
  )
  t.same(feed(createDatagramReader(), pieces.slice(1)), [], 'the first is missing')

  // The same identification an hour later: nothing of the old datagram may be in the new one.
  const reader = createDatagramReader()
  feed(reader, pieces.slice(0, 2))
  const other = frames(octets.map((octet) => 255 - octet))
  for (const piece of other) piece.set(pieces[0]!.subarray(18, 20), 18)
  t.same(feed(reader, other.slice(2), TIME + 3_600_000), [])
  t.same(
    feed(reader, other.slice(0, 2), TIME + 3_600_000)[0]?.payload,
    octets.map((octet) => 255 - octet),
  )

  const fragment6 = (offset: number, more: number, body: Uint8Array) => {
    const packet = concatenate([ipv6.subarray(0, 40), hex('1100 0000 00000009'), body])
    packet[6] = 44
    packet[5] = 8 + body.length
    packet[43] = offset | more
    return packet
  }
  const long = concatenate([hex('9c40 0807 0018 0000'), octets.subarray(0, 16)])
  const six = createDatagramReader()
  const found = [fragment6(16, 0, long.subarray(16)), fragment6(0, 1, long.subarray(0, 16))].map(
    (packet) => six.take({ timeMilliseconds: TIME, linkType: 101, octets: packet })[0],
  )
  t.same([found[0], found[1]?.payload], [undefined, octets.slice(0, 16)], 'IPv6')
})

t.test('a flood of first fragments keeps no more than a few', async (t) => {
  const reader = createDatagramReader()
  const first = Uint8Array.from(ipv4)
  first.set([0x20, 0], 6)
  collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  for (let id = 0; id < 60_000; id++) {
    first.set([id >> 8, id & 0xff], 4)
    reader.take({ timeMilliseconds: TIME, linkType: 101, octets: concatenate([first, new Uint8Array(1000)]) })
  }
  // Fragments of one datagram that never ends, over and over.
  for (let count = 0; count < 60_000; count++)
    reader.take({ timeMilliseconds: TIME, linkType: 101, octets: concatenate([first, new Uint8Array(1000)]) })
  const kept = await keptBuffers(before, 40_000_000)
  t.ok(kept < 40_000_000, `${kept} octets`)
  t.ok(reader, 'the reader is there still')
})

/** Files: both byte orders, micro- and nanoseconds, pcapng with its sections and clocks. */
function u32(value: number, isLittle: boolean): Uint8Array {
  const octets = new Uint8Array(4)
  new DataView(octets.buffer).setUint32(0, value, isLittle)
  return octets
}
function u16(value: number, isLittle: boolean): Uint8Array {
  const octets = new Uint8Array(2)
  new DataView(octets.buffer).setUint16(0, value, isLittle)
  return octets
}

function pcap(isLittle: boolean, magic: number, fraction: number): Uint8Array {
  const word = (value: number) => u32(value, isLittle)
  const header = [word(magic), u16(2, isLittle), u16(4, isLittle), word(0), word(0), word(65_535), word(101)]
  const packet = [word(TIME / 1000), word(fraction), word(ipv4.length), word(ipv4.length), ipv4]
  return concatenate([...header, ...packet])
}

/** A block of pcapng. */
function block(isLittle: boolean, type: number, ...parts: Uint8Array[]): Uint8Array {
  const word = (value: number) => u32(value, isLittle)
  const body = concatenate(parts)
  const length = 12 + Math.ceil(body.length / 4) * 4
  return concatenate([
    word(type),
    word(length),
    body,
    new Uint8Array(length - 12 - body.length),
    word(length),
  ])
}

function pcapng(
  isLittle: boolean,
  resolution: number | undefined,
  ticks: bigint,
  offsetSeconds = 0,
): Uint8Array {
  const word = (value: number) => u32(value, isLittle)
  const option = (code: number, value: Uint8Array) =>
    concatenate([
      u16(code, isLittle),
      u16(value.length, isLittle),
      value,
      new Uint8Array((4 - (value.length % 4)) % 4),
    ])
  const options = [
    ...(resolution === undefined ? [] : [option(9, Uint8Array.of(resolution))]),
    ...(offsetSeconds === 0
      ? []
      : [
          option(
            14,
            isLittle
              ? concatenate([word(offsetSeconds), word(offsetSeconds < 0 ? -1 : 0)])
              : concatenate([word(offsetSeconds < 0 ? -1 : 0), word(offsetSeconds)]),
          ),
        ]),
  ]
  return concatenate([
    block(
      isLittle,
      0x0a0d0d0a,
      word(0x1a2b3c4d),
      u16(1, isLittle),
      u16(0, isLittle),
      word(0xffffffff),
      word(0xffffffff),
    ),
    block(isLittle, 1, u16(101, isLittle), u16(0, isLittle), word(0), ...options),
    block(isLittle, 0x0bad, word(1)),
    block(
      isLittle,
      6,
      word(0),
      word(Number(ticks >> 32n)),
      word(Number(ticks & 0xffffffffn)),
      word(ipv4.length),
      word(ipv4.length),
      ipv4,
    ),
  ])
}

t.test('capture files of every kind', async (t) => {
  const milliseconds = BigInt(TIME)
  const files: [name: string, octets: Uint8Array][] = [
    ['pcap, little-endian', pcap(true, 0xa1b2c3d4, 250_000)],
    ['pcap, big-endian', pcap(false, 0xa1b2c3d4, 250_000)],
    ['pcap, nanoseconds', pcap(true, 0xa1b23c4d, 250_000_000)],
    ['pcapng', pcapng(true, undefined, milliseconds * 1000n)],
    ['pcapng, big-endian, nanoseconds', pcapng(false, 9, milliseconds * 1_000_000n)],
    ['pcapng, 2^-10 seconds, clock from an offset', pcapng(true, 0x80 | 10, 256n, Math.floor(TIME / 1000))],
    ['pcapng, big-endian with an offset', pcapng(false, 3, 250n, Math.floor(TIME / 1000))],
    ['pcapng, an offset below zero', pcapng(true, 3, milliseconds + 5000n, -5)],
    [
      'two sections of two byte orders',
      concatenate([pcapng(true, 3, milliseconds), pcapng(false, 3, milliseconds)]),
    ],
  ]
  t.plan(files.length * 3)
  const folder = t.testdir()
  for (const [index, [name, octets]] of files.entries()) {
    const path = join(folder, `${index}.pcap`)
    writeFileSync(path, octets)
    const wanted = name.startsWith('two') ? [TIME, TIME] : [TIME]
    t.same(
      [...readDatagrams(path)].map(({ timeMilliseconds }) => timeMilliseconds),
      wanted,
      name,
    )
    writeFileSync(path, octets.subarray(0, -5))
    const notes: string[] = []
    const note = (text: string) => notes.push(text)
    t.same([...readDatagrams(path, undefined, note)].length, wanted.length - 1, `${name}, cut off`)
    t.match(notes, [new RegExp(`^ends within a packet, after ${wanted.length - 1} packets?$`)])
  }
})

t.test('packets of pcapng without a time, and of the obsolete kind', async (t) => {
  for (const isLittle of [true, false]) {
    const word = (value: number) => u32(value, isLittle)
    const section = pcapng(isLittle, 3, BigInt(TIME)).subarray(0, 28)
    const interfaceOf = (snapLength: number) =>
      block(isLittle, 1, u16(101, isLittle), u16(0, isLittle), word(snapLength))
    const simple = block(isLittle, 3, word(ipv4.length), ipv4)
    const cut = block(isLittle, 3, word(ipv4.length), ipv4.subarray(0, 30))
    const ticks = BigInt(TIME) * 1000n
    const obsolete = block(
      isLittle,
      2,
      u16(0, isLittle),
      u16(7, isLittle),
      word(Number(ticks >> 32n)),
      word(Number(ticks & 0xffffffffn)),
      word(ipv4.length),
      word(ipv4.length),
      ipv4,
    )
    const path = join(t.testdir(), 'simple.pcapng')
    const read = (...blocks: Uint8Array[]) => {
      writeFileSync(path, concatenate([section, ...blocks]))
      return [...readDatagrams(path)].map(({ timeMilliseconds, payload }) => [
        timeMilliseconds,
        payload.length,
      ])
    }
    t.same(read(interfaceOf(0), obsolete, simple), [
      [TIME, 4],
      [TIME, 4],
    ])
    const [[time, length] = []] = read(interfaceOf(0), simple)
    t.equal(length, 4, 'no snap length is no limit')
    t.ok(Math.abs(Date.now() - time!) < 60_000, 'the time of the file')
    t.same(
      read(interfaceOf(30), obsolete, cut).map(([, octets]) => octets),
      [4, 2],
      'cut to the snap length',
    )
    t.same(read(simple), [], 'without an interface')
  }
})

t.test('what is no capture, or a damaged one, is said so by name', async (t) => {
  const folder = t.testdir()
  const damagedLength = pcapng(true, undefined, 0n)
  damagedLength.set(u32(0xfffffff0, true), 28 + 4)
  const files: [name: string, octets: Uint8Array, message: RegExp][] = [
    ['text', Buffer.from('no capture at all'), /neither pcap nor pcapng/],
    ['nothing', new Uint8Array(), /neither pcap nor pcapng: it is empty/],
    ['three octets', pcap(true, 0xa1b2c3d4, 0).subarray(0, 3), /neither pcap nor pcapng: it ends within/],
    [
      'header',
      pcap(true, 0xa1b2c3d4, 0).subarray(0, 20),
      /neither pcap nor pcapng: it ends within its header/,
    ],
    ['section', pcapng(true, 3, 0n).subarray(0, 20), /neither pcap nor pcapng: it ends within its header/],
    ['block head', pcapng(true, 3, 0n).subarray(0, 8), /neither pcap nor pcapng: it ends within its header/],
    [
      'length',
      concatenate([pcap(true, 0xa1b2c3d4, 0).subarray(0, 32), u32(0xffffffff, true), u32(0, true)]),
      /a packet of 4294967295 octets/,
    ],
    ['block', damagedLength, /a block of 4294967280 octets/],
  ]
  t.plan(files.length + 1)
  for (const [name, octets, message] of files) {
    const path = join(folder, name)
    writeFileSync(path, octets)
    t.throws(() => [...readDatagrams(path)], { code: 'INPUT_UNREADABLE', message })
  }
  t.throws(() => [...readDatagrams(join(folder, 'none'))], {
    code: 'INPUT_UNREADABLE',
    message: /cannot be opened/,
  })
})

t.test('a time that no calendar has is that of the packet before, and told', async (t) => {
  const path = join(t.testdir(), 'times.pcapng')
  const good = pcapng(true, 3, BigInt(TIME))
  const packetOf = (ticks: bigint) => pcapng(true, 3, ticks).subarray(good.length - 32 - ipv4.length)
  writeFileSync(path, concatenate([good, packetOf(2n ** 64n - 1n), packetOf(BigInt(TIME) + 5n)]))
  const notes: string[] = []
  const read = [...readDatagrams(path, undefined, (text) => notes.push(text))]
  t.same(
    read.map(({ timeMilliseconds }) => timeMilliseconds),
    [TIME, TIME, TIME + 5],
  )
  t.match(notes, [/^1 packet with a time before 1970 or after the year 9999/])
  const header = pcap(true, 0xa1b2c3d4, 0).subarray(0, 24)
  writeFileSync(path, header)
  notes.length = 0
  t.same([...readDatagrams(path, undefined, (text) => notes.push(text))], [], 'a header alone has no packets')
  t.same(notes, [])
})

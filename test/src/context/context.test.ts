/** Look-ups: the longest prefix, selectors, expiry, and what is said of an address. */
import fc from 'fast-check'
import t from 'tap'
import { createContext } from '#core/context/context.js'
import { type ContextData, emptyContext } from '#core/context/data.js'
import { lookUp } from '#core/context/lookup.js'
import { PrefixTable } from '#core/context/prefix-table.js'
import { canonicalPrefix, formatPrefix, networkOf, problemOfPrefix } from '#core/context/prefixes.js'
import { type Address, type Prefix, parseAddress, prefixContains } from '#core/records/address.js'

/** Few bits differ, so that prefixes lie in each other. */
const words = fc.constantFrom(0, 1, 0x0a000000, 0x0a0000ff, 0x0a00ffff, 0xffffffff, 0x80000000)
const address: fc.Arbitrary<Address> = fc.oneof(
  words.map((word): Address => ({ family: 4, words: [0, 0, 0, word] })),
  fc.tuple(words, words, words, words).map((all): Address => ({ family: 6, words: all })),
)
const prefix: fc.Arbitrary<Prefix> = address.chain((of) =>
  fc.integer({ min: 0, max: of.family === 4 ? 32 : 128 }).map((length) => ({ address: of, length })),
)

t.test('the longest prefix that has an address is found, as by looking at all of them', async (t) => {
  fc.assert(
    fc.property(
      fc.array(prefix, { maxLength: 20 }),
      fc.array(address, { maxLength: 10 }),
      (prefixes, asked) => {
        const table = new PrefixTable<number>()
        prefixes.forEach((one, index) => {
          table.add(one, index)
        })
        for (const one of asked) {
          let expected: number | undefined
          prefixes.forEach((candidate, index) => {
            const best = expected === undefined ? -1 : prefixes[expected]!.length
            if (prefixContains(candidate, one) && candidate.length >= best) expected = index
          })
          if (table.find(one) !== expected) return false
        }
        return true
      },
    ),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('a prefix has one text, and it reads back', async (t) => {
  fc.assert(
    fc.property(prefix, ({ address: { family, words: of }, length }) => {
      const network: Prefix = { address: { family, words: networkOf({ family, words: of }, length) }, length }
      const text = formatPrefix(network)
      // An address that maps IPv4 is that address; its prefixes are none.
      if (text.startsWith('::ffff:')) return true
      return problemOfPrefix(text) === undefined && canonicalPrefix(text.toUpperCase()) === text
    }),
  )
  t.equal(canonicalPrefix('2001:DB8:0::/32'), '2001:db8::/32')
  t.equal(canonicalPrefix('10.0.0.1/32'), '10.0.0.1')
  t.match(problemOfPrefix('10.0.0.1/8'), 'bits set beyond')
  t.match(problemOfPrefix('10.0.0.0/33'), 'neither')
  t.match(
    problemOfPrefix('::ffff:10.0.0.1/24'),
    'neither',
    'bits of an IPv4-mapped address are counted from its beginning',
  )
})

const NOW = 1_000_000
const at = (text: string) => parseAddress(text)!
const data: ContextData = {
  zones: [
    { prefix: '10.0.0.0/8', name: 'campus' },
    { prefix: '10.9.0.0/16', name: 'plant' },
    { prefix: '198.51.100.0/24', name: 'hosting' },
    { prefix: '10.200.0.0/16', name: 'partner', isOutside: true },
  ],
  assets: [
    { prefix: '10.0.0.0/24', role: 'workstation' },
    { prefix: '10.0.0.1', name: 'edge', role: 'firewall' },
    { prefix: '10.0.0.9', role: 'monitor', owner: 'noc' },
  ],
  services: [
    {
      client: 'zone:campus',
      server: '198.51.100.7',
      protocolIdentifier: 6,
      port: 443,
      application: 'SSH',
      owner: 'ops',
    },
    { server: '10.9.0.5', protocolIdentifier: 47, owner: 'plant', expiresMilliseconds: NOW },
  ],
  monitors: [
    { source: 'role:monitor', target: 'zone:plant', octets: 84, owner: 'noc' },
    { source: '10.0.0.1', owner: 'net', expiresMilliseconds: NOW },
  ],
}
const context = createContext(data)

t.test('zones and roles', async (t) => {
  const table: [string, string, boolean, string | undefined][] = [
    ['10.1.1.1', 'campus', true, undefined],
    ['10.9.1.1', 'plant', true, undefined],
    ['10.200.0.1', 'partner', false, undefined],
    ['198.51.100.1', 'hosting', true, undefined],
    ['192.168.0.1', 'inside', true, undefined],
    ['203.0.113.1', 'outside', false, undefined],
    ['2001:db8::1', 'outside', false, undefined],
    ['fd00::1', 'inside', true, undefined],
    ['10.0.0.7', 'campus', true, 'workstation'],
    ['10.0.0.1', 'campus', true, 'firewall'],
  ]
  for (const [text, zone, isInside, role] of table) {
    const found = [context.zoneOf(at(text)), context.isInside(at(text)), context.roleOf(at(text))]
    t.same(found, [zone, isInside, role], text)
  }
  t.ok(context.isGateway(at('10.0.0.1')))
  t.notOk(context.isGateway(at('10.0.0.7')))
})

t.test('monitors, by role, zone, size and time', async (t) => {
  const table: [string, string, number, number, string | undefined][] = [
    ['10.0.0.9', '10.9.3.3', 84, NOW, 'noc'],
    ['10.0.0.9', '10.9.3.3', 85, NOW, undefined],
    ['10.0.0.9', '10.1.0.1', 84, NOW, undefined],
    ['10.0.0.8', '10.9.3.3', 84, NOW, undefined],
    ['10.0.0.1', '203.0.113.1', 1000, NOW - 1, 'net'],
    ['10.0.0.1', '203.0.113.1', 1000, NOW, undefined],
  ]
  for (const [from, to, octets, time, owner] of table) {
    t.equal(
      context.monitorFor(at(from), at(to), octets, time)?.owner,
      owner,
      `${from} ${to} ${octets} ${time}`,
    )
  }
})

t.test('services, by client, server, protocol, port, application and time', async (t) => {
  const good = { client: at('10.1.1.1'), server: at('198.51.100.7'), protocolIdentifier: 6, port: 443 }
  const gre = { client: at('203.0.113.1'), server: at('10.9.0.5'), protocolIdentifier: 47, port: 0 }
  t.equal(context.serviceFor({ ...good, application: 'ssh' }, NOW)?.owner, 'ops')
  t.equal(context.serviceFor(good, NOW), undefined, 'no application was seen')
  t.equal(context.serviceFor({ ...good, application: 'ssh', port: 22 }, NOW), undefined)
  t.equal(context.serviceFor({ ...good, application: 'ssh', protocolIdentifier: 17 }, NOW), undefined)
  t.equal(context.serviceFor({ ...good, application: 'ssh', client: at('10.9.1.1') }, NOW), undefined)
  t.equal(context.serviceFor(gre, NOW - 1)?.owner, 'plant')
  t.equal(context.serviceFor(gre, NOW), undefined, 'its time is over')
})

t.test('what is known of an address', async (t) => {
  const view = { context, data }
  t.same(lookUp(view, at('10.0.0.9'), NOW - 1), {
    address: '10.0.0.9',
    zone: 'campus',
    isInside: true,
    asset: data.assets[2],
    role: 'monitor',
    isGateway: false,
    mayPing: [data.monitors[0]],
    // The second has no target: whom it pings is anybody.
    mayBePingedBy: [data.monitors[1]],
    mayAsk: [data.services[0], data.services[1]],
    mayServe: [],
  })
  t.match(lookUp(view, at('10.9.0.5'), NOW), { mayBePingedBy: [data.monitors[0]], mayServe: [] })
  t.match(lookUp({ context: createContext(emptyContext), data: emptyContext }, at('8.8.8.8'), NOW), {
    zone: 'outside',
    asset: undefined,
    mayPing: [],
  })
})

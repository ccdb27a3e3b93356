/** Names and ports: what is told of, as what, and what is not. */
import t from 'tap'
import { applicationIndex, isExpected, isUsualPort } from '#core/detectors/port-protocol/expected.js'
import { portProtocol } from '#core/detectors/port-protocol/index.js'
import { serverOf } from '#core/detectors/port-protocol/server.js'
import { settingsOf } from '#core/detectors/settings.js'
import { codes, findings, firewall, type Made, START, TCP, tcp, udp } from './made.js'

t.test('an application that a device names on another port', (t) => {
  const ssh = tcp(443, { name: 'ssh', up: [400, 30_000], down: [400, 60_000], seconds: 600 })
  const [found, ...others] = findings([ssh])
  t.equal(others.length, 0)
  t.match(found, {
    kind: 'finding',
    detector: 'port-protocol',
    severity: 'high',
    sourceAddresses: ['10.1.1.5'],
    destinationAddresses: ['198.51.100.9'],
    destinationTransportPort: 443,
    protocolIdentifier: TCP,
    applicationName: 'ssh',
    evidenceQuality: { level: 'good' },
    attack: { strategy: 'DET0457', analytic: 'AN1258', technique: 'T1095' },
  })
  t.ok(found!.evidence.length > 0 && found!.evidence.length <= 20)
  t.ok(Object.values(found!.subScores).every((score) => score >= 0 && score <= 1))
  // 100 × 1 × (0.5 + 0.5 × (0.35 external + 0.15 few + 0.15 × 600/3600 long)) = 76.
  t.equal(found!.score, 76)

  const nothing: readonly (readonly [why: string, made: Made])[] = [
    ['it is expected there', { ...ssh, port: 22 }],
    ['a usual second port', { ...ssh, port: 2222 }],
    ['the name is generic', { ...ssh, name: 'unknown-tcp' }],
    ['the application is not in the table', { ...ssh, name: 'some-new-app' }],
    ['no second fact: inside, short', { ...ssh, server: '10.2.0.9', seconds: 5 }],
    ['refused', { ...ssh, outcome: 'deny', exporter: firewall }],
    ['one side only', { ...ssh, down: [0, 0] }],
    ['no payload', tcp(443, { name: 'ssh', up: [400, 16_000], down: [400, 16_000], seconds: 600 })],
    ['it negotiated the port', { ...ssh, port: 20_100, name: 'ftp' }],
    ['a web server on a port of nobody, inside', { ...ssh, port: 4567, name: 'http', server: '10.2.0.9' }],
    ['later fragments', { ...ssh, port: 0, clientPort: 0 }],
    ['decrypted web traffic', { ...ssh, name: 'web-browsing', up: [400, 60_000], down: [900, 900_000] }],
  ]
  for (const [why, made] of nothing) {
    t.equal(findings([made]).filter((one) => codes(one).includes('application-on-other-port')).length, 0, why)
  }
  t.end()
})

t.test('names of several vendors mean one application', (t) => {
  for (const name of ['ssl', 'SSL', 'https', 'HTTPS.BROWSER', 'secure-http', 'TLS']) {
    t.equal(applicationIndex(name), applicationIndex('tls'), name)
  }
  for (const name of ['rdp', 'ms-rdp', 'ms-wbt', 'Remote.Desktop']) {
    t.equal(applicationIndex(name), applicationIndex('rdp'), name)
  }
  for (const name of ['smb', 'ms-smb', 'CIFS', 'microsoft-ds']) {
    t.equal(applicationIndex(name), applicationIndex('smb'), name)
  }
  for (const name of ['', 'tcp', 'UDP', 'unknown-udp', 'incomplete', 'not-applicable']) {
    t.equal(applicationIndex(name), -1, name)
  }
  t.ok(isExpected(applicationIndex('https'), TCP, 8443))
  t.notOk(isExpected(applicationIndex('dns'), TCP, 443))
  t.notOk(isUsualPort(TCP, 4444))
  t.end()
})

t.test('one finding for a server, port and application, with all clients', (t) => {
  const made = ['10.1.1.5', '10.1.1.6', '10.1.1.7'].map((client) =>
    tcp(4444, { client, name: 'socks', up: [16, 1400], down: [25, 28_527], times: 20, every: 25 }),
  )
  const found = findings(made)
  t.equal(found.length, 1)
  t.same(found[0]!.sourceAddresses, ['10.1.1.5', '10.1.1.6', '10.1.1.7'])
  t.notOk(codes(found[0]).includes('few-clients'))
  t.end()
})

t.test('devices that name one application differently make one finding', (t) => {
  const socks = tcp(4444, { name: 'socks', up: [16, 1400], down: [25, 28_527], times: 20, every: 25 })
  const found = findings([socks, { ...socks, name: 'SOCKS5', exporter: firewall }])
  t.equal(found.length, 1)
  t.equal(found[0]!.exporters.length, 2)
  t.end()
})

t.test('firewall sessions: direction, name and both counts in one row', (t) => {
  const session = tcp(53, {
    exporter: firewall,
    outcome: 'allow',
    name: 'web-browsing',
    up: [20, 2000],
    down: [25, 28_000],
    times: 20,
    every: 30,
  })
  const [found] = findings([session])
  t.equal(found?.severity, 'high')
  t.ok(codes(found).includes('periodic-spread'))
  const [service] = findings([{ ...session, name: 'incomplete', service: 'HTTP', port: 4444 }])
  t.ok(codes(service).includes('service-name-on-other-port'), 'a policy service counts for less')
  t.ok(service!.score < found!.score)
  t.end()
})

t.test('slow, kept-up exchanges on ports without a usual service are low', (t) => {
  const beacons = [
    tcp(4444, { up: [15, 1600], down: [25, 30_000], times: 20, every: 40 }),
    udp(6000, { up: [40, 5920], down: [40, 4108], seconds: 1165 }),
    tcp(4444, { up: [178, 174_584], down: [289, 16_157], seconds: 1188 }),
  ]
  for (const made of beacons) {
    const [found] = findings([made])
    t.equal(found?.severity, 'low')
    t.ok(codes(found).includes('port-without-usual-service'))
    const many = ['10.1.1.5', '10.1.1.6', '10.1.1.7', '10.1.1.8'].map((client) => ({ ...made, client }))
    t.same(
      findings([...many, ...many.map((one) => ({ ...one, at: 4000 }))]).filter(
        (one) => codes(one).includes('few-clients') && one.lastSeenMilliseconds > START + 4_100_000,
      ),
      [],
      'used by many: not said again',
    )
    t.same(findings([{ ...made, server: '10.9.9.9' }]), [], 'inside')
  }
  t.end()
})

t.test('a proxy outside, and rare protocols of hosts, are low', (t) => {
  const [proxy] = findings([tcp(1080, { up: [16, 1400], down: [25, 28_527], times: 8, every: 35 })])
  t.match(proxy, { severity: 'low' })
  t.ok(codes(proxy).includes('proxy-port'))
  t.same(findings([tcp(1080, { server: '10.2.0.9', up: [16, 1400], down: [25, 28_527], times: 8 })]), [])

  const gre: Made = { port: 0, clientPort: 0, protocol: 47, up: [100, 9000], down: [100, 9000], seconds: 600 }
  const web = tcp(443, { server: '198.51.100.80', up: [12, 2000], down: [20, 20_000] })
  t.match(findings([gre, web])[0], { severity: 'low', protocolIdentifier: 47 })
  t.same(findings([gre]), [], 'nothing says that this end is no gateway')
  t.same(
    findings([
      { ...gre, client: '10.0.0.1' },
      { ...web, client: '10.0.0.1' },
    ]),
    [],
    'an exporter is a gateway',
  )
  t.end()
})

t.test('ordinary traffic gives nothing', (t) => {
  const ordinary: Made[] = [
    tcp(443, { up: [15, 1516], down: [25, 30_284], times: 40, every: 20 }),
    // Push and chat: a few small packets a minute for hours.
    tcp(5223, { clientPort: 50_001, up: [120, 9000], down: [120, 12_000], seconds: 7200 }),
    tcp(5228, { clientPort: 50_002, up: [60, 5000], down: [60, 6000], seconds: 7200 }),
    tcp(443, { clientPort: 50_003, up: [240, 20_000], down: [240, 24_000], seconds: 7200 }),
    udp(443, { clientPort: 50_004, up: [40, 8000], down: [90, 90_000], seconds: 30, times: 10 }),
    // A call: 50 packets a second each way.
    udp(3480, { clientPort: 50_005, up: [30_000, 6_000_000], down: [30_000, 6_000_000], seconds: 600 }),
    udp(50_700, { clientPort: 50_006, up: [30_000, 6_000_000], down: [30_000, 6_000_000], seconds: 600 }),
    udp(51820, { clientPort: 50_007, up: [9000, 2_000_000], down: [9000, 9_000_000], seconds: 3600 }),
    udp(500, { clientPort: 500, up: [20, 4000], down: [20, 4000], seconds: 3600 }),
    udp(4500, { clientPort: 4500, up: [9000, 2_000_000], down: [9000, 9_000_000], seconds: 3600 }),
    {
      port: 0,
      clientPort: 0,
      protocol: 50,
      up: [9000, 2_000_000],
      down: [9000, 9_000_000],
      seconds: 3600,
      client: '10.0.0.2',
    },
    udp(19302, { clientPort: 50_008, up: [20, 1000], down: [20, 1400], seconds: 600 }),
    udp(123, { clientPort: 123, up: [1, 76], down: [1, 76], times: 40, every: 64, onePort: true }),
    udp(53, { up: [1, 66], down: [1, 180], times: 100, every: 7 }),
    udp(53, { server: '10.2.0.2', up: [1, 66], down: [1, 180], times: 100, every: 7 }),
    // A zone transfer to a secondary inside, now and then.
    tcp(53, {
      client: '10.2.0.2',
      server: '10.2.0.3',
      up: [10, 700],
      down: [90, 100_000],
      times: 3,
      every: 900,
    }),
    udp(161, { server: '10.2.0.9', up: [40, 4400], down: [40, 12_800], times: 10, every: 300 }),
    udp(514, { server: '10.2.0.9', clientPort: 514, up: [50, 9000], down: [0, 0], seconds: 600 }),
    tcp(22, { server: '10.2.0.9', up: [1000, 85_000], down: [990, 121_000], seconds: 1200 }),
    tcp(25, { server: '198.51.100.25', up: [40, 30_000], down: [30, 3000], times: 20, every: 40 }),
    tcp(3389, { server: '10.2.0.9', up: [2000, 200_000], down: [4000, 3_000_000], seconds: 900 }),
    tcp(3128, { server: '10.2.0.9', up: [20, 4000], down: [40, 40_000], times: 40, every: 30 }),
    // Backups and replication at odd ports inside, every hour and for long.
    tcp(9876, { server: '10.2.0.9', up: [90_000, 120_000_000], down: [40_000, 2_100_000], seconds: 1800 }),
    tcp(17_777, { server: '10.2.0.9', up: [20, 4000], down: [20, 3000], times: 30, every: 60 }),
    // A game and a download at unusual ports outside: fast.
    udp(7777, { clientPort: 50_009, up: [36_000, 3_600_000], down: [36_000, 7_200_000], seconds: 1800 }),
    tcp(8765, { clientPort: 50_010, up: [9000, 500_000], down: [20_000, 28_000_000], seconds: 600 }),
    // A closed port, tried again and again: no answer, or a reset.
    udp(33_999, { up: [1, 30], down: [0, 0], times: 100, every: 9 }),
    tcp(4445, { up: [1, 60], down: [1, 40], times: 40, every: 30 }),
    // Multicast.
    udp(5353, { server: '224.0.0.251', clientPort: 5353, up: [100, 12_000], down: [0, 0], seconds: 900 }),
  ]
  for (const made of ordinary) {
    const found = findings([made])
    t.same(
      found.map(({ title }) => title),
      [],
      `${made.protocol}/${made.port} to ${made.server ?? 'outside'}`,
    )
  }
  t.end()
})

t.test('what is expected here is not reported', (t) => {
  const ssh = tcp(443, { name: 'ssh', up: [400, 30_000], down: [400, 60_000], seconds: 600 })
  const profile = { protocol: TCP, port: 443, application: 'ssh' }
  t.same(findings([ssh], { BaselinePortProfiles: [profile] }), [])
  t.same(findings([ssh], { BaselinePortProfiles: [{ ...profile, server: '198.51.100.0/24' }] }), [])
  t.equal(findings([ssh], { BaselinePortProfiles: [{ ...profile, server: '203.0.113.0/24' }] }).length, 1)
  t.equal(findings([ssh], { BaselinePortProfiles: [{ ...profile, application: 'rdp' }] }).length, 1)
  t.equal(findings([ssh], { insidePrefixes: ['198.51.100.0/24'] })[0]?.severity, 'low')
  t.throws(() => settingsOf(portProtocol, { SessionDurationTreshold: 1 }), { code: 'CONFIG_INVALID' })
  const invalid = { code: 'CONFIG_INVALID' }
  t.throws(() => findings([ssh], { insidePrefixes: ['10.0.0.0/33'] }), invalid)
  t.throws(() => findings([ssh], { BaselinePortProfiles: [{ ...profile, application: 'shh' }] }), invalid)
  t.same(
    findings([tcp(8443, { up: [131, 134_875], down: [214, 11_980], seconds: 1188 })], {
      SessionDurationThreshold: 3600,
    }),
    [],
  )
  t.end()
})

t.test('IPv6: own prefixes tell inside from outside', (t) => {
  const made = udp(53, {
    client: '2001:db8:1::5',
    server: '2001:db8:f::9',
    up: [120, 20_000],
    down: [120, 22_000],
    seconds: 1200,
  })
  t.same(findings([made]), [])
  t.equal(findings([made], { insidePrefixes: ['2001:db8:1::/48'] })[0]?.severity, 'medium')
  t.end()
})

t.test('who is the server', (t) => {
  const ends = {
    protocolIdentifier: TCP,
    lowPort: 443,
    highPort: 40_000,
    lowIsInside: true,
    highIsInside: false,
    opener: 0,
    firstSpeaker: 0,
    lowPeers: 0,
    highPeers: 0,
  } as const
  t.match(serverOf(ends), { server: 0, confidence: 'certain' }, 'the service port')
  t.match(serverOf({ ...ends, opener: 1 }), { server: 1 }, 'a lone SYN says more than ports')
  t.match(serverOf({ ...ends, lowPort: 50_000, highPort: 51_000, highPeers: 5 }), { server: 1 }, 'peers')
  t.equal(serverOf({ ...ends, lowPort: 50_000, highPort: 51_000 }), undefined, 'nothing tells')
  t.match(serverOf({ ...ends, lowPort: 123, highPort: 123 }), { server: 1 }, 'one port: the outside end')
  t.equal(serverOf({ ...ends, lowPort: 2500, highPort: 4444 }), undefined, 'two registered ports')
  t.end()
})

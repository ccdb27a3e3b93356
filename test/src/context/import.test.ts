/** Files as entries: CSV, YAML and JSON, exports of NetBox of several versions, and what is wrong with which row. */
import fc from 'fast-check'
import t from 'tap'
import { cell } from '#api/csv.js'
import { readCsv } from '#core/context/import/csv.js'
import { formatOf } from '#core/context/import/import.js'
import { type Prepared, type PrepareOptions, prepareImport } from '#core/context/import/prepare.js'

const NOW = Date.UTC(2026, 0, 1)

const prepare = (content: string, options: Partial<PrepareOptions> = {}): Prepared =>
  prepareImport(content, { format: 'csv', nowMilliseconds: NOW, ...options })
const entriesOf = ({ incoming }: Prepared) => incoming.map(({ entry }) => entry)

t.test('CSV as RFC 4180 has it, and as spreadsheets write it', async (t) => {
  const table: [string, string, [number, string[]][], object?][] = [
    [
      'CR LF',
      'a,b\r\n1,2\r\n',
      [
        [1, ['a', 'b']],
        [2, ['1', '2']],
      ],
    ],
    [
      'LF, without a last one',
      'a,b\n1,2',
      [
        [1, ['a', 'b']],
        [2, ['1', '2']],
      ],
    ],
    [
      'quotes within quotes',
      'a\n"say ""hi"", now"\n',
      [
        [1, ['a']],
        [2, ['say "hi", now']],
      ],
    ],
    [
      'a cell of two lines',
      'a,b\n"1\r\n2",3\nx,y\n',
      [
        [1, ['a', 'b']],
        [2, ['1\r\n2', '3']],
        [4, ['x', 'y']],
      ],
    ],
    [
      'empty cells and lines',
      'a,b\n\n,\n"",\n',
      [
        [1, ['a', 'b']],
        [3, ['', '']],
        [4, ['', '']],
      ],
    ],
    ['a quote that never ends', 'a\n"1\n2', [[1, ['a']]], { line: 2, message: /not closed/ }],
    ['text behind a quote', 'a\n"1"2\n', [[1, ['a']]], { line: 2, message: /behind a closing quote/ }],
    ['nothing', '', []],
  ]
  for (const [name, text, rows, fault] of table) {
    const read = readCsv(text)
    t.same(
      read.rows.map(({ line, cells }) => [line, cells]),
      rows,
      name,
    )
    t.match(read.fault, fault, name)
  }
  t.same(
    readCsv('\ufeffa;b\n"1;5";2\n').rows.map(({ cells }) => cells),
    [
      ['a', 'b'],
      ['1;5', '2'],
    ],
  )
  t.same(
    readCsv('a\tb\n1\t2\n').rows.map(({ cells }) => cells),
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  )
})

t.test('what is written as CSV reads back, but for control characters', async (t) => {
  const text = fc.string({ minLength: 1, maxLength: 100 }).map((raw) => `x${raw.trimEnd()}`)
  const formula = fc.constantFrom('=1+1', '@sum', '-1', '+1', "='a'!A1", '"=x", y')
  fc.assert(
    fc.property(fc.array(fc.oneof(text, formula), { minLength: 1, maxLength: 20 }), (names) => {
      const lines = names.map((name, index) => `10.0.0.${index},${cell(name)}`)
      const { incoming, problems } = prepare(`prefix,name\r\n${lines.join('\r\n')}\r\n`, { kind: 'assets' })
      const read = incoming.map(({ entry }) => ('name' in entry ? entry.name : undefined))
      const meant = names.map((name) => name.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').trimEnd())
      return problems.length === 0 && JSON.stringify(read) === JSON.stringify(meant)
    }),
  )
  t.pass()
})

t.test('no text makes the readers throw', async (t) => {
  const texts = fc.oneof(
    fc.string(),
    fc
      .array(
        fc.constantFrom(
          '"',
          ',',
          '\n',
          'prefix',
          'name',
          '10.0.0.0/8',
          '- ',
          ': ',
          '{',
          '[',
          '&a ',
          '*a',
          'zones',
        ),
      )
      .map((parts) => parts.join('')),
    fc.json(),
  )
  fc.assert(
    fc.property(texts, fc.constantFrom('csv', 'yaml', 'netbox'), (text, format) => {
      const { incoming, problems } = prepare(text, { format })
      return incoming.length + problems.length >= 0
    }),
    { numRuns: 2000 },
  )
  t.match(prepare(`${'['.repeat(20_000)}`, { format: 'yaml' }).problems, [{ message: /YAML/ }])
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((name, index) => `${name}: &${name} [${`*${'abcdefg'[index]},`.repeat(10)}]`).join('\n')}\n`
  t.match(prepare(bomb, { format: 'yaml' }).problems, [{ message: /alias/i }])
  t.match(prepare('x'.repeat(9_000_000), { format: 'yaml' }).problems, [{ message: /JSON or CSV/ }])
})

t.test(
  'tables: the kind by its columns, values by their fields, wrong rows by line and column',
  async (t) => {
    const services = prepare(
      'Client,server,PROTOCOL,port,application,owner,reason,expires\r\nzone:office,10.0.0.5,tcp,22,,ops,"it, works",2026-06-01\r\n,2001:DB8::5,58,,,ops,,\r\n',
    )
    t.same(services.problems, [])
    t.same(entriesOf(services), [
      {
        client: 'zone:office',
        server: '10.0.0.5',
        protocolIdentifier: 6,
        port: 22,
        owner: 'ops',
        reason: 'it, works',
        expiresMilliseconds: Date.UTC(2026, 5, 1),
      },
      { server: '2001:db8::5', protocolIdentifier: 58, owner: 'ops' },
    ])
    t.same(services.kinds, ['services'])
    t.same(entriesOf(prepare('prefix,role\n10.0.0.1,printer\n')), [{ prefix: '10.0.0.1', role: 'printer' }])
    t.same(entriesOf(prepare("prefix,name\n10.0.0.1,'=1+1\n", { kind: 'assets' })), [
      { prefix: '10.0.0.1', name: '=1+1' },
    ])

    const wrong = prepare(
      'prefix,name,isOutside\n10.0.0.0/8,campus,no\n10.1.2.3/16,a,\n10.3.0.0/16,,\n10.2.0.0/16,y,z\n10.4.0.0/16,b\n10.0.0.0/8,other,\n10.0.0.0/8,campus,false\n',
    )
    t.match(wrong.problems, [
      { line: 3, field: 'prefix', message: /bits set/, found: '10.1.2.3/16' },
      { line: 4, field: 'name', message: 'is required' },
      { line: 5, field: 'isOutside', message: /boolean/, found: 'z' },
      { line: 6, message: /3 cells/, found: '2 cells' },
      { line: 7, field: 'prefix', message: /the zone of line 2 again/, found: '10.0.0.0/8' },
    ])
    t.same([wrong.incoming.length, wrong.repeated], [1, 1])

    const words = prepare(
      'server,owner,protocol,expires\n10.0.0.1,net,gre,275760-09-13\n10.0.0.2,net,foo,2027-01-01\n',
      { kind: 'services' },
    )
    t.match(words.problems, [
      { line: 2, message: /must be a time like 2027-01-31T12:00:00Z/, found: '275760-09-13' },
      { line: 3, message: /must be a protocol: a number from 0 to 255/, found: 'foo' },
    ])

    const heads: [string, Partial<PrepareOptions>, RegExp, string | undefined][] = [
      ['prefix,name\n', {}, /zones or assets/, undefined],
      ['prefix,colour\n', {}, /no kind of entries/, undefined],
      ['prefix,colour\n', { kind: 'zones' }, /no field of zones/, 'colour'],
      ['prefix,name,Prefix\n', { kind: 'zones' }, /twice/, 'Prefix'],
      ['source,owner,__proto__\n', { kind: 'monitors' }, /no field/, '__proto__'],
      ['', {}, /no row of names/, undefined],
    ]
    for (const [head, options, message, field] of heads) {
      const [problem] = prepare(head, options).problems
      t.match(problem, { line: 1, message }, head)
      t.equal(problem?.field, field, head)
    }
  },
)

t.test('documents: lists by kind, or one list of a kind that is said', async (t) => {
  const yaml = `# of the core
zones:
  - prefix: 10.0.0.0/8
    name: campus
  - {prefix: 10.9.0.0/16, name: 7}
monitors:
  - source: 10.0.0.9
    owner: noc
    expires: 2026-03-01
  - noc
services:
  - server: 10.0.0.1
    protocol: gre
    owner: net
    colour: red
`
  const read = prepare(yaml, { format: 'yaml' })
  t.same(read.kinds, ['zones', 'monitors', 'services'])
  t.same(entriesOf(read), [
    { prefix: '10.0.0.0/8', name: 'campus' },
    { source: '10.0.0.9', owner: 'noc', expiresMilliseconds: Date.UTC(2026, 2, 1) },
  ])
  t.match(read.problems, [
    { line: 5, pointer: '/zones/1', field: 'name', message: /string/, found: '7' },
    { line: 10, pointer: '/monitors/1', message: /no entry/, found: 'noc' },
    { line: 12, pointer: '/services/0', field: 'colour', message: /not a known key/ },
  ])
  t.same(prepare(yaml, { format: 'yaml', kind: 'monitors' }).kinds, ['monitors'])

  const list = '- prefix: 10.0.0.1\n  role: printer\n'
  t.match(prepare(list, { format: 'yaml' }).problems, [{ message: /say the kind/ }])
  t.equal(prepare(list, { format: 'yaml', kind: 'assets' }).incoming.length, 1)
  const json =
    '{"version": 4, "zones": [{"prefix": "10.0.0.0/8", "name": "a", "__proto__": {"x": 1}}], "zonez": []}'
  t.match(prepare(json, { format: 'yaml' }).problems, [
    { pointer: '/zonez' },
    { pointer: '/zones/0', field: '__proto__', message: /not a known key/ },
  ])
  t.match(prepare('zones: [', { format: 'yaml' }).problems, [{ line: 1, message: /no YAML/ }])
  t.match(prepare('zones: 5', { format: 'yaml' }).problems, [
    { pointer: '/zones', message: /list of zones/, found: '5' },
  ])
  t.match(prepare('just text', { format: 'yaml' }).problems, [{ found: 'just text' }])
  const merged = 'zones:\n  - &a {prefix: 10.0.0.0/8, name: a}\n  - {<<: *a, prefix: 10.1.0.0/16, name: b}\n'
  t.match(prepare(merged, { format: 'yaml' }).problems, [
    { line: 3, field: '<<', message: /is a merge key, which is not read/ },
  ])
})

t.test('what is there already may come again when its time is over', async (t) => {
  const csv = 'source,owner,expires\n10.0.0.9,noc,2020-01-01\n10.0.0.8,noc,2020-01-01\n'
  const stored = { source: '10.0.0.9', owner: 'it', expiresMilliseconds: Date.UTC(2020, 0, 1) }
  const find = (_kind: string, key: string) => (key === '10.0.0.9 → any' ? stored : undefined)
  t.match(prepare(csv, { find }).problems, [{ line: 3, field: 'expires', message: /past/ }])
  t.equal(prepare(csv, { find }).incoming.length, 1)
})

t.test('the format by the content', async (t) => {
  const table: [string, string][] = [
    ['prefix,name\n', 'csv'],
    ['\ufeffprefix;name\n', 'csv'],
    ['zones:\n', 'yaml'],
    ['# ours\nzones:\n', 'yaml'],
    ['- prefix: 10.0.0.1\n', 'yaml'],
    ['{"version": 3, "zones": []}', 'yaml'],
    ['{"count": 1, "next": null, "results": []}', 'netbox'],
    ['[{"id": 1, "url": "https://netbox.example/api/", "prefix": "10.0.0.0/8"}]', 'netbox'],
  ]
  for (const [content, format] of table) t.equal(formatOf(content), format, content)
})

t.test('NetBox: prefixes', async (t) => {
  const now = [
    'ID,Prefix,Status,Children,VRF,Utilization,Tenant,Scope,VLAN,Role,Description',
    '1,10.0.0.0/8,Container,2,Global,12.5,,,,,all',
    '2,"\u2022\n        \n10.1.0.0/16",Active,0,Global,3.1,,Zurich,,Office,',
    '5,\u2022 10.2.0.0/16,Active,0,prod,0,,Bern,,\u2014,',
    '6,10.3.0.0/16,Deprecated,0,Global,0,,Bern,,Office,',
    '7,10.4.0.0/99,Active,0,Global,0,,Bern,,Office,',
  ].join('\r\n')
  const read = prepare(now, { format: 'netbox' })
  t.same(entriesOf(read), [
    { prefix: '10.1.0.0/16', name: 'Office' },
    { prefix: '10.2.0.0/16', name: 'Bern' },
  ])
  t.match(read.problems, [{ line: 8, field: 'Prefix', message: /neither/, found: '10.4.0.0/99' }])
  t.match(read.notMapped, [
    { reason: /without role, site, scope/, count: 1, examples: ['10.0.0.0/8'] },
    { reason: /deprecated/, count: 1, examples: ['10.3.0.0/16'] },
  ])
  t.match(read.mapped, [
    { reason: 'zones are called by role', examples: ['Office'] },
    { reason: 'zones are called by scope', examples: ['Bern'] },
  ])
  t.same(entriesOf(prepare(now, { format: 'netbox', vrf: 'prod' })), [
    { prefix: '10.2.0.0/16', name: 'Bern' },
  ])
  t.same(entriesOf(prepare(now, { format: 'netbox', zoneBy: ['description'] })), [
    { prefix: '10.0.0.0/8', name: 'all' },
  ])

  const flat = 'Prefix,Prefix (Flat),Site,Role\n\u2022,10.1.0.0/16,Zurich,\n'
  t.same(entriesOf(prepare(flat, { format: 'netbox' })), [{ prefix: '10.1.0.0/16', name: 'Zurich' }])
  const before3 =
    'prefix,vrf,tenant,site,vlan_group,vlan,status,role,is_pool,description\n10.1.0.0/16,,,zurich,,,Active,office,False,\n'
  t.same(entriesOf(prepare(before3, { format: 'netbox' })), [{ prefix: '10.1.0.0/16', name: 'office' }])

  const object = {
    id: 1,
    url: 'u',
    family: { value: 4, label: 'IPv4' },
    prefix: '10.1.0.0/16',
    vrf: null,
    description: '',
  }
  const versions = [
    {
      ...object,
      site: { id: 1, name: 'Zurich', slug: 'zurich' },
      role: null,
      status: { value: 1, label: 'Active' },
    },
    {
      ...object,
      display: '10.1.0.0/16',
      scope_type: 'dcim.site',
      scope: { id: 1, display: 'Zurich', name: 'Zurich' },
      role: null,
      status: { value: 'active', label: 'Active' },
    },
  ]
  for (const version of versions) {
    const page = JSON.stringify({ count: 1, next: null, previous: null, results: [version] })
    t.same(entriesOf(prepare(page, { format: 'netbox' })), [{ prefix: '10.1.0.0/16', name: 'Zurich' }])
  }
  const clash = JSON.stringify([
    { ...versions[0], vrf: { name: 'a' } },
    { ...versions[0], vrf: { name: 'b' }, role: { name: 'Plant' } },
  ])
  t.match(prepare(clash, { format: 'netbox' }).problems, [
    { pointer: '/1', message: /the zone of \/0 again/ },
  ])
  t.same(entriesOf(prepare(clash, { format: 'netbox', vrf: 'b' })), [
    { prefix: '10.1.0.0/16', name: 'Plant' },
  ])
})

t.test('NetBox: addresses', async (t) => {
  const csv = [
    'IP Address,VRF,Status,Role,Tenant,Assigned,DNS Name,Description',
    '10.0.0.1/24,Global,Active,VRRP,,True,gw.example,',
    '10.0.0.5/24,Global,Active,,IT,True,,',
    '10.0.0.6/24,Global,Active,Anycast,,False,,spare',
    '10.0.0.7/24,Global,Deprecated,,,False,old.example,',
    '2001:db8::1/64,Global,Active,Loopback,,True,r1.example,',
    '10.0.0.5/24,prod,Active,,,True,five.example,',
  ].join('\n')
  const read = prepare(csv, { format: 'netbox' })
  t.same(read.problems, [])
  t.same(entriesOf(read), [
    { prefix: '10.0.0.1', name: 'gw.example', role: 'gateway' },
    { prefix: '10.0.0.5', owner: 'IT', name: 'five.example' },
    { prefix: '2001:db8::1', name: 'r1.example' },
  ])
  t.equal(read.repeated, 1)
  t.match(read.notMapped, [{ reason: /says nothing/, examples: ['10.0.0.6/24'] }, { reason: /deprecated/ }])
  t.match(read.mapped, [
    { reason: 'the role is gateway', examples: ['VRRP'] },
    { examples: ['Anycast', 'Loopback'] },
  ])

  const object = { id: 1, url: 'u', address: '10.0.0.9/24', dns_name: '', role: null, tenant: null }
  const versions = [
    {
      ...object,
      status: { value: 1, label: 'Active' },
      interface: { id: 1, device: { id: 1, name: 'sw9' }, name: 'e0' },
    },
    {
      ...object,
      status: { value: 'active', label: 'Active' },
      assigned_object: { id: 1, device: { name: 'sw9', display: 'sw9' } },
    },
    {
      ...object,
      status: { value: 'active', label: 'Active' },
      assigned_object: { id: 1, virtual_machine: { name: 'sw9' } },
    },
  ]
  for (const version of versions) {
    t.same(entriesOf(prepare(JSON.stringify({ results: [version] }), { format: 'netbox' })), [
      { prefix: '10.0.0.9', name: 'sw9' },
    ])
  }
})

t.test('NetBox: devices and virtual machines', async (t) => {
  const csv = [
    'Name,Status,Tenant,Site,Location,Rack,Role,Manufacturer,Type,IP Address,IPv4 Address,IPv6 Address',
    'fw1,Active,IT,Zurich,,,Perimeter Firewall,Acme,F1,2001:db8::1/64,10.0.0.1/24,2001:db8::1/64',
    'ap7,Active,,Zurich,,,Access Point,Acme,A7,10.0.0.7/24,10.0.0.7/24,',
    'sw3,Planned,,Zurich,,,Access Switch,Acme,S3,,,',
    'nms,Active,,Zurich,,,Monitoring Server,Acme,N1,10.0.0.8/24,10.0.0.8/24,',
    '=cmd|x,Active,,Zurich,,,printer,Acme,N1,10.0.0.9/24,,',
  ].join('\n')
  const read = prepare(csv, { format: 'netbox', roles: { 'access point': 'server' } })
  t.same(read.problems, [])
  t.same(entriesOf(read), [
    { prefix: '10.0.0.1', name: 'fw1', role: 'firewall', owner: 'IT' },
    { prefix: '2001:db8::1', name: 'fw1', role: 'firewall', owner: 'IT' },
    { prefix: '10.0.0.7', name: 'ap7', role: 'server' },
    { prefix: '10.0.0.8', name: 'nms', role: 'server' },
    { prefix: '10.0.0.9', name: '=cmd|x', role: 'printer' },
  ])
  t.match(read.notMapped, [{ reason: /without an address/, count: 1, examples: ['sw3'] }])
  t.ok(
    read.mapped.some(
      ({ reason, examples }) => /kept as they are/.test(reason) && examples[0] === 'Access Switch',
    ),
  )

  const object = {
    id: 1,
    url: 'u',
    name: 'r1',
    tenant: { name: 'IT' },
    primary_ip4: { address: '10.0.0.1/24' },
    primary_ip6: null,
  }
  const role = { id: 1, name: 'Core Router', slug: 'core-router' }
  for (const version of [
    { ...object, device_role: role },
    { ...object, role },
    { ...object, role, cluster: { name: 'c' } },
  ]) {
    const { incoming } = prepare(JSON.stringify({ results: [version] }), { format: 'netbox' })
    t.same(incoming, [
      { kind: 'assets', entry: { prefix: '10.0.0.1', name: 'r1', role: 'gateway', owner: 'IT' } },
    ])
  }
  const more = JSON.stringify({ next: 'https://netbox.example/?offset=50', results: [{ ...object, role }] })
  t.match(prepare(more, { format: 'netbox' }).notMapped, [{ reason: /further pages/ }])
  const others = [
    '{"results": [{"id": 1, "name": "site"}, 5]}',
    'Start Address,End Address\n',
    '{"a": 1}',
    '{"a":',
  ]
  for (const other of others) t.not(prepare(other, { format: 'netbox' }).problems.length, 0, other)
})

/** The evidence report: the same for the same data, counted, hashed, and safe to read. */
import { createHash } from 'node:crypto'
import t from 'tap'
import { canonicalJson } from '#core/findings/canonical.js'
import type { StoredFinding } from '#core/findings/finding.js'
import type { Run } from '#core/findings/runs.js'
import { reportMarkdown } from '#core/report/markdown.js'
import { makeReport, type ReportParts } from '#core/report/report.js'

const NOW = Date.UTC(2026, 5, 15, 12)
const run = (id: string, outcome: Run['outcome'], error?: string): Run => ({
  id,
  detector: 'icmp-tunnel',
  fromMilliseconds: NOW - 60_000,
  toMilliseconds: NOW,
  startedAtMilliseconds: NOW,
  outcome,
  ...(error === undefined ? {} : { error }),
  rowsRead: 1,
  blocksRead: 1,
  blocksFailed: 0,
  observations: 0,
  created: 0,
  updated: 0,
})
const finding = (sequence: number, severity: 'low' | 'high', state: 'open' | 'expected') =>
  ({
    id: `f${sequence}`,
    kind: 'finding',
    detector: 'icmp-tunnel',
    severity,
    title: 'echo between <b>a</b> and | b |',
    sequence,
    disposition: { state, version: 0 },
    firstSeenMilliseconds: NOW,
    lastSeenMilliseconds: NOW,
  }) as StoredFinding

const parts: ReportParts = {
  version: '0.1.0',
  generatedAtMilliseconds: NOW,
  fromMilliseconds: NOW - 86_400_000,
  toMilliseconds: NOW,
  coverage: [
    {
      exporterId: 'a',
      address: '192.0.2.1',
      listenerPort: 2055,
      kind: 'netflow',
      detector: 'icmp-tunnel',
      state: 'blind',
      reasons: [{ code: 'silent', state: 'blind', text: 'has sent nothing' }],
      lastSeenMilliseconds: NOW,
    },
  ],
  detectors: [{ id: 'icmp-tunnel', enabled: true, settings: { SizeSet: [84] } }],
  runs: [run('1', 'ok'), run('2', 'partial', '7 rows are gone\n# not a heading'), run('3', 'ok')],
  baselines: [],
  exceptions: [
    {
      id: 'e1',
      state: 'active',
      owner: '=cmd|x',
      reason: '[click](http://example.com)',
      effect: 'hide',
      hits: 2,
    },
  ],
  findings: [finding(2, 'high', 'open'), finding(1, 'low', 'expected'), finding(3, 'high', 'open')],
  changes: [],
  losses: { lostRows: 0, damagedBlocks: 0, acknowledgements: 0 },
  audit: { intact: true, entries: 0, headHash: '0'.repeat(64) },
}

t.test('counts, order and hash', async (t) => {
  const report = makeReport(parts)
  t.match(report, {
    coverage: { states: { blind: 1 } },
    detectors: [{ id: 'icmp-tunnel', runs: { ok: 2, partial: 1 }, judgedToMilliseconds: NOW }],
    notOkRuns: [{ id: '2' }],
    findings: [
      { severity: 'high', disposition: 'open', count: 2 },
      { severity: 'low', disposition: 'expected', count: 1 },
    ],
    openFindings: [{ id: 'f2' }, { id: 'f3' }],
  })
  const { sha256, ...rest } = report
  t.equal(sha256, createHash('sha256').update(canonicalJson(rest)).digest('hex'))
  const shuffled = { ...parts, runs: parts.runs.toReversed(), findings: parts.findings.toReversed() }
  t.same(makeReport(shuffled), report)
})

t.test('Markdown of an expiry that no calendar has', async (t) => {
  const exceptions = parts.exceptions.map((one) => ({ ...one, expiresMilliseconds: 1e308 }))
  t.match(reportMarkdown(makeReport({ ...parts, exceptions })), /1e\+308/)
})

t.test('Markdown that no text of a device can bend', async (t) => {
  const text = reportMarkdown(makeReport(parts))
  t.match(text, /192\.0\.2\.1 port 2055, netflow \| icmp-tunnel \| blind \| has sent nothing/)
  t.notMatch(text, /^# not a heading/m)
  t.notMatch(text, /[^\\]<b>/)
  t.notMatch(text, /[^\\]\[click\]/)
  for (const line of text.split('\n').filter((one) => one.startsWith('| f')))
    t.equal(line.match(/(?<!\\)\|/g)?.length, 6, 'a bar in a title makes no column')
})

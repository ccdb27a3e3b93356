/** Shapes: every test met and not met; the profiles and their page. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { portProtocol } from '#core/detectors/port-protocol/index.js'
import { profiles } from '#core/detectors/port-protocol/profiles.js'
import { MAX_TESTS } from '#core/detectors/port-protocol/shape-test.js'
import { project } from '../../../support/project.js'
import { codes, findings, firewall, judged, tcp, udp } from './made.js'
import { shapes } from './shape-table.js'

t.test('every shape test is met by one conversation and not by another', (t) => {
  const covered = new Set(shapes.map(([code]) => code))
  const all = new Set(profiles.flatMap(({ tests }) => tests.map(({ code }) => code)))
  t.same(
    [...all].filter((code) => !covered.has(code)),
    [],
    'the table has every test',
  )
  for (const [code, met, notMet] of shapes) {
    const found = met.flatMap((made) => findings([made]))
    t.ok(found.length > 0 && found.every((one) => codes(one).includes(code)), `${code} is found`)
    for (const one of found) t.ok(one.severity === 'medium' || one.severity === 'low', `${code} is not high`)
    t.notOk(
      findings(notMet).some((one) => codes(one).includes(code)),
      `${code} is not found`,
    )
  }
  t.end()
})

t.test('profiles are whole: few enough tests, a source each', (t) => {
  for (const { service, tests } of profiles) {
    t.ok(tests.length <= MAX_TESTS, service)
    for (const { because } of tests) t.ok(because.length > 40, because)
  }
  t.end()
})

t.test('a device that looked inside and saw what belongs there outweighs a shape', (t) => {
  const shaped = tcp(443, { up: [1000, 85_000], down: [990, 121_000], seconds: 1200 })
  t.equal(findings([shaped]).length, 1)
  const seen = tcp(443, {
    clientPort: 45_000,
    name: 'ssl',
    up: [15, 1500],
    down: [25, 30_000],
    exporter: firewall,
  })
  t.same(findings([seen, shaped]), [])
  t.end()
})

t.test('sampled rows: bounds on whole counts are left out, and it is said', (t) => {
  const large = udp(53, { up: [120, 17_760], down: [120, 20_000], seconds: 1200, sampling: 10 })
  const [found] = findings([large])
  t.equal(found?.severity, 'medium', 'a mean size survives sampling')
  t.match(found?.evidenceQuality, { level: 'degraded', reasons: [{ code: 'sampled' }] })
  t.match(found?.exporters, [{ samplingInterval: 10 }])
  const shell = tcp(443, { up: [1000, 85_000], down: [990, 121_000], seconds: 1200, sampling: 10 })
  t.same(findings([shell]), [], 'the pace is not known')
  t.ok(judged([large]).some(({ kind, title }) => kind === 'coverage' && title.includes('samples 1 in 10')))
  t.end()
})

t.test('the page of detectors names every test, setting and measure of coverage', (t) => {
  const page = readFileSync(join(project, 'docs/detectors.md'), 'utf8')
  const tests = profiles.flatMap((profile) => profile.tests.map(({ code }) => code))
  const settings = Object.keys(portProtocol.settings.properties)
  for (const name of [...tests, ...settings, 'state-full', 'applications-not-named', 'one-sided']) {
    t.ok(page.includes(`\`${name}\``), name)
  }
  t.end()
})

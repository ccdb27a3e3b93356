import t from 'tap'
import { compareHeaders, compareProducts } from '../../conformance/syslog.js'
import { reasonOf } from '../../conformance/syslog-deliberate.js'
import { corporaFolder } from '../netflow/probe.js'

/** Products that are implemented, and the share of golden fields that must agree or be listed with a reason. */
const wanted: Readonly<Record<string, number>> = {
  'cisco-aironet': 1,
  'cisco-asa': 1,
  'cisco-ftd': 1,
  'cisco-ios': 1,
  'cisco-meraki': 1,
  'cisco-nexus': 1,
  'fortinet-fortigate': 1,
  'juniper-srx': 1,
  'linux-iptables': 1,
  'paloalto-panos': 1,
  pfsense: 0.98,
  sonicwall: 1,
  'sophos-xg': 0.997,
  'ubiquiti-edgeos': 1,
}

const corpora = corporaFolder()
if (corpora === undefined) {
  process.stderr.write('\nCONFORMANCE NOT CHECKED: no shared/corpora found (set CULVERT_SHARED)\n\n')
  t.pass('no corpus: set CULVERT_SHARED', { skip: true })
} else {
  t.test('the corpus agrees', async (t) => {
    const showDifferences = process.env['CULVERT_CONFORMANCE'] === 'differences'
    for (const result of compareProducts(corpora)) {
      const listed = result.differences.filter(
        ({ line, key }) => reasonOf(result.product, line, key) !== undefined,
      ).length
      const share = result.fields === 0 ? 1 : (result.matching + listed) / result.fields
      t.comment(
        `${result.product}: ${result.lines} lines, ${result.connectionsFound}/${result.connections} connections, ` +
          `${result.matching}/${result.fields} fields (${(share * 100).toFixed(2)} %)`,
      )
      if (showDifferences)
        for (const difference of result.differences) t.comment(`  ${JSON.stringify(difference)}`)
      const least = wanted[result.product]
      if (least === undefined) continue
      t.ok(share >= least, `${result.product}: ${share} of at least ${least}`)
      const unlisted = (lines: readonly number[]) =>
        lines.filter((line) => reasonOf(result.product, line, 'type') === undefined)
      t.same(unlisted(result.falseConnections), [], `${result.product}: nothing else is taken for traffic`)
      if (result.product !== 'sophos-xg')
        t.same(unlisted(result.missedConnections), [], `${result.product}: every connection is found`)
    }
  })
  t.test('the headers agree', async (t) => {
    for (const [kind, result] of compareHeaders(corpora)) {
      t.comment(
        `${kind}: ${result.recognised}/${result.lines} lines, ${result.matching}/${result.fields} fields`,
      )
      const listed = result.differences.filter(
        ({ line, key }) => reasonOf(kind, line, key) !== undefined,
      ).length
      t.ok((result.matching + listed) / result.fields >= 0.98, kind)
    }
  })
}

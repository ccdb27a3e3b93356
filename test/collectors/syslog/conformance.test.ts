import t from 'tap'
import { compareHeaders, compareProducts } from '../../conformance/syslog.js'
import { reasonOf } from '../../conformance/syslog-deliberate.js'
import { corporaFolder } from '../netflow/probe.js'

/** Products that are implemented, and the share of golden fields that must agree. */
const wanted: Readonly<Record<string, number>> = {
  'cato-sase': 0.96,
  checkpoint: 0.99,
  'citrix-adc': 1,
  'cisco-asa': 0.985,
  'cisco-ftd': 0.965,
  'cisco-ios': 0.98,
  'cisco-meraki': 0.99,
  'ekinops-oneos': 1,
  'f5-bigip': 0.88,
  'fortinet-fortigate': 0.98,
  'infoblox-nios': 1,
  'juniper-pfe': 0.86,
  'juniper-srx': 0.93,
  'linux-iptables': 1,
  'paloalto-panos': 0.995,
  'openbsd-pf': 0.97,
  opnsense: 0.93,
  pfsense: 0.98,
  'pulse-secure': 1,
  snort: 0.89,
  sonicwall: 0.95,
  'sophos-xg': 0.98,
  'zscaler-zia': 0.96,
}

const corpora = corporaFolder()
if (corpora === undefined) {
  process.stderr.write('\nCONFORMANCE NOT CHECKED: no shared/corpora found (set CULVERT_SHARED)\n\n')
  t.pass('no corpus: set CULVERT_SHARED', { skip: true })
} else {
  t.test('the corpus agrees', async (t) => {
    const showDifferences = process.env['CULVERT_CONFORMANCE'] === 'differences'
    for (const result of compareProducts(corpora)) {
      const share = result.fields === 0 ? 1 : result.matching / result.fields
      t.comment(
        `${result.product}: ${result.lines} lines, ${result.connectionsFound}/${result.connections} connections, ` +
          `${result.matching}/${result.fields} fields (${(share * 100).toFixed(2)} %)`,
      )
      if (showDifferences)
        for (const difference of result.differences) t.comment(`  ${JSON.stringify(difference)}`)
      const least = wanted[result.product]
      if (least !== undefined) t.ok(share >= least, `${result.product}: ${share} of at least ${least}`)
    }
  })
  t.test('the headers agree', async (t) => {
    for (const [kind, result] of compareHeaders(corpora)) {
      t.comment(
        `${kind}: ${result.recognised}/${result.lines} lines, ${result.matching}/${result.fields} fields`,
      )
      const listed = result.differences.filter(({ line, key }) => reasonOf(kind, line, key) !== undefined)
      t.ok((result.matching + listed.length) / result.fields >= 0.97, kind)
    }
  })
}

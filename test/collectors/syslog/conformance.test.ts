import t from 'tap'
import { compareHeaders, compareProducts } from '../../conformance/syslog.js'
import { reasonOf } from '../../conformance/syslog-deliberate.js'
import { corporaFolder } from '../netflow/probe.js'

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
      t.equal(share, 1, `${result.product}: every field agrees, or is listed with a reason`)
      const unlisted = (lines: readonly number[]) =>
        lines.filter((line) => reasonOf(result.product, line, 'type') === undefined)
      t.same(unlisted(result.falseConnections), [], `${result.product}: nothing else is taken for traffic`)
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

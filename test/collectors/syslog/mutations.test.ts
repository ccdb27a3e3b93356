// Short forms of `npm run fuzz -- --lines N` and of the mutations of connections.
import t from 'tap'
import { fixtureLines, fuzzLines } from '../../conformance/fuzz-syslog.js'
import { corpusLines } from '../../conformance/syslog.js'
import { mutateConnections } from '../../conformance/syslog-mutations.js'
import { corporaFolder } from '../netflow/probe.js'

const corpora = corporaFolder()

t.test('lines that were cut, joined, swollen and salted do no harm', async (t) => {
  const { progress, failure } = fuzzLines({ lines: 30_000, seed: 4, corpora })
  t.equal(failure, undefined)
  t.equal(progress.lines, 30_000)
  t.ok(progress.connections > 1000, 'some of them are connections still')
})

t.test(
  'connections are found under other hosts and addresses, and with their fields in another order',
  async (t) => {
    const lines = [...fixtureLines(), ...(corpora === undefined ? [] : corpusLines(corpora))]
    const { connections, mutations, lost } = mutateConnections(lines, 2, 11)
    t.comment(`${connections} connections, ${mutations} mutations, ${lost.length} lost`)
    t.ok(connections > 30 && mutations > 2 * connections)
    t.same(lost, [])
  },
)

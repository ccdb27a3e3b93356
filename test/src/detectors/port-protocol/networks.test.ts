/** The detector on simulated networks, and on the laboratory capture when it is there. */
import t from 'tap'
import { portProtocol } from '#core/detectors/port-protocol/index.js'
import type { Observation } from '#core/findings/finding.js'
import { readCorpus } from '#evaluate/corpus.js'
import { datagramsOf } from '#evaluate/enterprise.js'
import type { JudgedDatagram } from '#evaluate/judge.js'
import { exportsOf, labExporters } from '#evaluate/lab.js'
import { enterprise } from '#simulate/enterprise.js'
import { smallCompany } from '#simulate/small-company.js'
import { judgeDatagrams } from '../../../support/judge.js'

/** What the detector tells of in datagrams, through the decoders and a store. */
async function findingsIn(datagrams: Iterable<JudgedDatagram>): Promise<Observation[]> {
  const { observations } = await judgeDatagrams(datagrams, portProtocol)
  return observations.filter(({ kind }) => kind === 'finding')
}

t.test('the small company: what is misplaced, and nothing else', async (t) => {
  const simulation = smallCompany(3, { durationMilliseconds: 3_600_000 })
  const found = await findingsIn(datagramsOf(simulation))
  const isLabelled = ({ destinationAddresses, destinationTransportPort }: Observation) =>
    simulation.labels.some(
      (label) =>
        label.label === 'port_mismatch' &&
        label.destinationAddress === destinationAddresses[0] &&
        label.destinationTransportPort === destinationTransportPort,
    )
  t.same(
    found.filter((one) => !isLabelled(one)).map(({ title }) => title),
    [],
    'no false finding',
  )
  t.ok(found.length >= 5, `${found.length} of 7 are found`)
})

t.test('an enterprise without anything hidden gives nothing', async (t) => {
  const simulation = enterprise(5, 200, {
    durationMilliseconds: 7_200_000,
    hidden: false,
    webPauseMilliseconds: 120_000,
  })
  const found = await findingsIn(datagramsOf(simulation))
  t.same(
    found.map(({ title }) => title),
    [],
  )
})

t.test('the laboratory: every exporter', async (t) => {
  const corpus = readCorpus()
  if (corpus === undefined) {
    t.comment('NOT RUN: no shared/corpora folder found (set CULVERT_SHARED); the laboratory was not checked')
    t.pass('the laboratory', { skip: 'no shared/corpora folder found' })
    return
  }
  const wanted = corpus.pairs.filter(({ label }) => ['port_mismatch', 'socks', 'dns_tunnel'].includes(label))
  for (const { port, isSampled } of labExporters) {
    await t.test(`port ${port}`, async (t) => {
      const found = await findingsIn(exportsOf(corpus, port))
      const servers = new Set(found.map(({ destinationAddresses }) => destinationAddresses[0]))
      const others = [...servers].filter(
        (server) => !wanted.some(({ destination }) => destination === server),
      )
      t.same(others, [], 'no benign pair')
      const hits = wanted.filter(({ destination }) => servers.has(destination)).length
      // One of ten packets leaves what means and regular starts tell.
      t.ok(hits >= (isSampled ? 4 : 10), `${hits} of ${wanted.length}`)
    })
  }
})

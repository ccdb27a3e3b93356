/** Packed records come back as they were. */
import fc from 'fast-check'
import t from 'tap'
import { EvidenceLog, type RecordEvidence } from '#core/detectors/port-protocol/evidence-log.js'
import { MAX_EVIDENCE } from '#core/findings/finding.js'

const address = fc.constantFrom('10.0.0.1', '192.0.2.7', '2001:db8::9')
const number = fc.integer({ min: 0, max: 2 ** 53 - 1 })
const record: fc.Arbitrary<RecordEvidence> = fc.record(
  {
    receivedMilliseconds: number,
    startMilliseconds: number,
    endMilliseconds: number,
    exporterAddress: address,
    listenerPort: fc.constantFrom(2055, 4739),
    observationDomainId: fc.constantFrom(0, 1),
    row: number,
    sourceAddress: address,
    destinationAddress: address,
    sourceTransportPort: fc.integer({ min: 0, max: 65_535 }),
    destinationTransportPort: fc.integer({ min: 0, max: 65_535 }),
    protocolIdentifier: fc.constantFrom(6, 17),
    octets: number,
    packets: number,
    applicationName: fc.constantFrom('ssh', 'dns'),
  },
  { noNullPrototype: true },
)

t.test('the newest ones, the oldest first, with their members in order', async (t) => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 3 * MAX_EVIDENCE }), (records) => {
      const log = new EvidenceLog()
      for (const one of records) log.add(one)
      return JSON.stringify(log.list()) === JSON.stringify(records.slice(-MAX_EVIDENCE))
    }),
  )
  const { applicationName: _, ...unnamed } = fc.sample(record, 1)[0]!
  const log = new EvidenceLog()
  log.add(unnamed)
  t.equal(JSON.stringify(log.list()), JSON.stringify([unnamed]), 'without an application')
})

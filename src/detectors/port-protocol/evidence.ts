/** The records behind a finding: the last one of each direction of a conversation. */
import { formatAddress } from '../../records/address.js'
import { lastRecordOf } from './add-record.js'
import { Flag } from './conversation-record.js'
import type { Conversations } from './conversations.js'
import type { RecordEvidence } from './evidence-log.js'
import { createOpener } from './opened.js'
import type { Point } from './points.js'
import { addressAt } from './settings.js'

export function evidenceOf(
  conversations: Conversations,
  slot: number,
  point: Point,
  applicationName: string,
): RecordEvidence[] {
  const of = createOpener(conversations)(slot)
  const ends = [addressAt(of.ends, 0, of.family), addressAt(of.ends, 4, of.family)].map(formatAddress)
  const ports = [of.lowPort, of.highPort]
  const found: RecordEvidence[] = []
  for (const direction of [0, 1] as const) {
    if ((of.flags & (direction === 0 ? Flag.hasLow : Flag.hasHigh)) === 0) continue
    const { receivedMilliseconds, startMilliseconds, endMilliseconds, row, octets, packets } = lastRecordOf(
      conversations,
      slot,
      direction,
    )
    found.push({
      receivedMilliseconds,
      startMilliseconds,
      endMilliseconds,
      exporterAddress: formatAddress(point.identity.address),
      listenerPort: point.identity.listenerPort,
      observationDomainId: point.identity.observationDomainId,
      row,
      sourceAddress: ends[direction]!,
      destinationAddress: ends[1 - direction]!,
      sourceTransportPort: ports[direction]!,
      destinationTransportPort: ports[1 - direction]!,
      protocolIdentifier: of.protocolIdentifier,
      octets,
      packets,
      ...(applicationName === '' ? {} : { applicationName }),
    })
  }
  return found
}

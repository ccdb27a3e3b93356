/** The records behind a finding: the last one of each direction of a conversation. */
import type { Evidence } from '../../findings/finding.js'
import { formatAddress } from '../../records/address.js'
import { CONVERSATION_WORDS, type Conversations } from './conversations.js'
import type { Point } from './points.js'
import { addressAt } from './settings.js'

export function evidenceOf(
  conversations: Conversations,
  slot: number,
  point: Point,
  applicationName: string,
): Evidence[] {
  const { keys } = conversations.table
  const at = slot * CONVERSATION_WORDS
  const head = keys[at]!
  const family = (head & 0x8000) === 0 ? 4 : 6
  const ends = [addressAt(keys, at + 1, family), addressAt(keys, at + 5, family)].map(formatAddress)
  const ports = [keys[at + 9]! >>> 16, keys[at + 9]! & 0xffff]
  const found: Evidence[] = []
  for (const direction of [0, 1] as const) {
    const own = slot * 2 + direction
    const row = conversations.row.values[own]!
    if (row === 0) continue
    found.push({
      receivedMilliseconds: conversations.rowReceived.values[own]!,
      startMilliseconds: conversations.rowStart.values[own]!,
      endMilliseconds: conversations.rowEnd.values[own]!,
      exporterAddress: formatAddress(point.identity.address),
      listenerPort: point.identity.listenerPort,
      observationDomainId: point.identity.observationDomainId,
      row: row - 1,
      sourceAddress: ends[direction]!,
      destinationAddress: ends[1 - direction]!,
      sourceTransportPort: ports[direction]!,
      destinationTransportPort: ports[1 - direction]!,
      protocolIdentifier: head & 0xff,
      octets: conversations.rowOctets.values[own]!,
      packets: conversations.rowPackets.values[own]!,
      ...(applicationName === '' ? {} : { applicationName }),
    })
  }
  return found
}

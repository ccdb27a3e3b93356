/** The records behind a finding: the last one of each direction of a conversation. */
import type { Evidence } from '../../findings/finding.js'
import { formatAddress } from '../../records/address.js'
import { Sum } from './conversation-record.js'
import type { Conversations } from './conversations.js'
import type { Point } from './points.js'
import { addressAt } from './settings.js'

export function evidenceOf(
  conversations: Conversations,
  slot: number,
  point: Point,
  applicationName: string,
): Evidence[] {
  const { words: keys, numbers } = conversations
  const at = conversations.wordsAt(slot)
  const head = keys[at]!
  const family = (head & 0x8000) === 0 ? 4 : 6
  const ends = [addressAt(keys, at + 1, family), addressAt(keys, at + 5, family)].map(formatAddress)
  const ports = [keys[at + 9]! >>> 16, keys[at + 9]! & 0xffff]
  const found: Evidence[] = []
  for (const direction of [0, 1] as const) {
    const own = conversations.directionAt(slot, direction)
    const row = numbers[own + Sum.row]!
    if (row === 0) continue
    found.push({
      receivedMilliseconds: numbers[own + Sum.rowReceived]!,
      startMilliseconds: numbers[own + Sum.rowStart]!,
      endMilliseconds: numbers[own + Sum.rowEnd]!,
      exporterAddress: formatAddress(point.identity.address),
      listenerPort: point.identity.listenerPort,
      observationDomainId: point.identity.observationDomainId,
      row: row - 1,
      sourceAddress: ends[direction]!,
      destinationAddress: ends[1 - direction]!,
      sourceTransportPort: ports[direction]!,
      destinationTransportPort: ports[1 - direction]!,
      protocolIdentifier: head & 0xff,
      octets: numbers[own + Sum.rowOctets]!,
      packets: numbers[own + Sum.rowPackets]!,
      ...(applicationName === '' ? {} : { applicationName }),
    })
  }
  return found
}

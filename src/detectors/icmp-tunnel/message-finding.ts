/** What is told of ICMP that is no echo. */
import { type Evidence, findingId, type Observation } from '../../findings/finding.js'
import { icmpNames } from '../../iana/icmp-types.js'
import { formatAddress } from '../../records/address.js'
import { attackNetworkDevices } from '../detector.js'
import { CARRIED_OCTETS, ERRORS, type Exchange, SUSTAINED_PACKETS } from './message-kinds.js'
import { ICMP_TUNNEL } from './names.js'

export function messageObservation(exchange: Exchange): Observation {
  const { point, family, type, source, destination, packets, octets } = exchange
  const isError = ERRORS[family].has(type)
  const name =
    icmpNames.get((family === 6 ? 58 : 1) * 65_536 + type * 256 + lowestBit(exchange.codes)) ?? `type ${type}`
  const mean = Math.round(octets / packets)
  const { address, listenerPort, observationDomainId } = point.identity
  const exporter = { address: formatAddress(address), listenerPort, observationDomainId }
  return {
    kind: 'finding',
    id: findingId(ICMP_TUNNEL, { messages: [source, destination, type] }),
    detector: ICMP_TUNNEL,
    severity: isError ? 'medium' : 'high',
    score: isError ? 60 : 75,
    title: isError
      ? `${source} keeps sending ${name} to ${destination}, which sends nothing that would provoke it`
      : `ICMP ${name} from ${source} to ${destination} carries data`,
    sourceAddresses: [source],
    destinationAddresses: [destination],
    protocolIdentifier: family === 6 ? 58 : 1,
    icmpType: type,
    firstSeenMilliseconds: exchange.firstMilliseconds,
    lastSeenMilliseconds: exchange.lastMilliseconds,
    exporters: [
      {
        ...exporter,
        bothDirections: false,
        ...(point.samplingInterval > 0 ? { samplingInterval: point.samplingInterval } : {}),
      },
    ],
    evidenceQuality: { level: 'good', reasons: [] },
    reasons: [
      { code: isError ? 'unprovoked-errors' : 'odd-type', value: packets, threshold: SUSTAINED_PACKETS },
      { code: 'octets', value: octets, threshold: CARRIED_OCTETS },
      { code: 'mean-octets', value: mean },
      ...(isError ? [{ code: 'packets-that-may-have-provoked', value: exchange.provokedByAny }] : []),
    ],
    subScores: {},
    attack: attackNetworkDevices,
    evidence: exchange.evidence.map(
      (message): Evidence => ({
        receivedMilliseconds: message.receivedMilliseconds,
        startMilliseconds: message.startMilliseconds,
        endMilliseconds: message.endMilliseconds,
        exporterAddress: exporter.address,
        listenerPort,
        observationDomainId,
        row: message.row,
        sourceAddress: source,
        destinationAddress: destination,
        protocolIdentifier: family === 6 ? 58 : 1,
        icmpType: type,
        icmpCode: message.code,
        octets: message.octets,
        packets: message.packets,
      }),
    ),
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits)
}

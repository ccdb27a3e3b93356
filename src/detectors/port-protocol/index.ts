/**
 * Port/protocol pairing (AN1258): traffic on a port that is not the one of its application. Two kinds of evidence: a
 * device names the application and the port is not among those where it is expected; or no device does, and the
 * conversation's shape cannot be, or is hardly, that of the port's service. Weaker: slow, kept-up exchanges on ports
 * without a usual service, proxies' ports, rare IP protocols. Cannot see a channel that keeps to its port's shape.
 * Sources: IANA registries, the RFCs named in profiles.ts; ATT&CK DET0457.
 */
import { attackNetworkDevices, type Detector } from '../detector.js'
import { createJudge } from './judge.js'
import { faultsOfLearned } from './learned.js'
import { Settings } from './settings.js'
import { PORT_PROTOCOL } from './subjects.js'

export const portProtocol: Detector = {
  id: PORT_PROTOCOL,
  title: 'Port/protocol pairing',
  description:
    "Traffic on a port that is not its application's: a device names the application and the port is another's, or the conversation's shape contradicts the port's service (one UDP/53 port for minutes, answers smaller than questions, a terminal on 443). Raised only with a second fact: outside server, long, regular, mostly upload. The pairing of a channel that keeps to its port's shape cannot be seen; nor can entropy (ProtocolEntropyThreshold), since flow records carry no payload.",
  attack: attackNetworkDevices,
  streams: ['exporterEvent', 'flow4', 'flow6'],
  needs: [
    { column: 'destinationTransportPort', isRequired: true, why: 'there is no pairing without ports' },
    { column: 'protocolIdentifier', isRequired: true, why: 'there is no pairing without a protocol' },
    { column: 'octets', isRequired: true, why: 'shapes are told by octets' },
    { column: 'packets', isRequired: false, why: 'shapes are told by octets a packet' },
    { column: 'startMilliseconds', isRequired: false, why: 'durations are then those of arrival' },
    { column: 'applicationName', isRequired: false, why: 'pairings are then judged by port and shape alone' },
    { column: 'tcpControlBits', isRequired: false, why: 'who opened a connection is then told by the ports' },
    { column: 'samplingInterval', isRequired: false, why: 'sampled counts are then taken for whole ones' },
  ],
  settings: Settings,
  lookbackMilliseconds: 3_600_000,
  settleMilliseconds: 5 * 60_000,
  faultsOf: faultsOfLearned,
  start: (settings, surroundings) => createJudge(settings as Settings, surroundings),
}

/**
 * Port/protocol pairing (AN1258): traffic on a port that is not the one of its application. Two kinds of evidence: a
 * device names the application and the port is not among those where it is expected; or no device does, and the
 * conversation's shape cannot be, or is hardly, that of the port's service. Weaker: slow, kept-up exchanges on ports
 * without a usual service, proxies' ports, rare IP protocols. Cannot see a channel that keeps to its port's shape.
 * Sources: IANA registries, the RFCs named in profiles.ts; ATT&CK DET0457.
 */
import type { Evidence } from '../../findings/finding.js'
import { formatAddress } from '../../records/address.js'
import { attackNetworkDevices, type Detector, type Judge } from '../detector.js'
import { applications } from './applications.js'
import { Conversations } from './conversations.js'
import { coverageObservations, createEvictionCoverage } from './coverage.js'
import { Denials } from './denials.js'
import { evidenceOf } from './evidence.js'
import { createIntake } from './intake.js'
import { createLedger } from './ledger.js'
import { createNames } from './names.js'
import { Pairs, Services } from './pairs.js'
import { createPoints } from './points.js'
import { addressAt, baselineOf, insideOf, Settings } from './settings.js'
import { createSubjects, PORT_PROTOCOL } from './subjects.js'
import { judgePair } from './verdict.js'

/** How long news of a conversation waits, so that both directions have come before it is counted. */
const SETTLE_MILLISECONDS = 30_000
/** Records told of with findings of one evaluation at most. */
const MAX_COUNTED = 65_536

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
  start: (settings) => createJudge(settings as Settings),
}

function createJudge(settings: Settings): Judge {
  const conversations = new Conversations()
  const pairs = new Pairs()
  const services = new Services()
  const points = createPoints()
  const names = createNames()
  const denials = new Denials()
  const subjects = createSubjects()
  const isInside = insideOf(settings.insidePrefixes)
  /** Conversations counted since the last evaluation: pair, its conversation, and that slot's generation. */
  const counted: { pair: number; slot: number; generation: number }[] = []
  const ledger = createLedger({
    conversations,
    pairs,
    services,
    points,
    names,
    settings,
    isBaseline: baselineOf(settings.BaselinePortProfiles),
    isInside,
    onCounted(pair, slot) {
      if (counted.length >= MAX_COUNTED) return
      counted.push({ pair, slot, generation: conversations.table.generation.values[slot]! })
    },
  })
  const intake = createIntake({ conversations, points, names, denials, onBurst: ledger.noteBurst })
  const evictions = createEvictionCoverage([
    ['conversations', conversations.table],
    ['pairs', pairs.table],
    ['services', services.table],
  ])
  conversations.table.onEvict = (slot) => ledger.count(slot, true)

  return {
    observe({ block, rows }) {
      if (block.header.stream.name === 'exporterEvent') points.observeEvents(block, rows)
      else intake.observe(block, rows)
    },
    evaluate(atMilliseconds) {
      const ended = countDue(atMilliseconds)
      const changed = judgeTouched()
      for (const slot of ended) conversations.table.delete(slot)
      counted.length = 0
      const found = [...changed].map((key) => subjects.observation(key)).filter((one) => one !== undefined)
      return [...found, ...coverageObservations(points), ...evictions(atMilliseconds)]
    },
  }

  function countDue(atMilliseconds: number): number[] {
    const { table, newsSince } = conversations
    const ended: number[] = []
    for (let slot = table.oldest(); slot >= 0; slot = table.after(slot)) {
      if (conversations.hasEnded(slot, atMilliseconds)) {
        ledger.count(slot, true)
        ended.push(slot)
      } else if (
        newsSince.values[slot] !== 0 &&
        atMilliseconds - newsSince.values[slot]! >= SETTLE_MILLISECONDS
      )
        ledger.count(slot, false)
    }
    return ended
  }

  function judgeTouched(): Set<string> {
    const changed = new Set<string>()
    const touched = ledger.takeTouched()
    const slots = new Map<number, number[]>()
    for (const { pair, slot, generation } of counted) {
      if (conversations.table.generation.values[slot] !== generation) continue
      const list = slots.get(pair)
      if (list === undefined) slots.set(pair, [slot])
      else list.push(slot)
    }
    for (const pair of touched) {
      const { keys, keyWords } = pairs.table
      const at = pair * keyWords
      const head = keys[at]!
      const family = (head & 0x8000) === 0 ? 4 : 6
      const [protocolIdentifier, port] = [head & 0xff, keys[at + 9]! >>> 16]
      const [client, server] = [addressAt(keys, at + 1, family), addressAt(keys, at + 5, family)]
      const name = pairs.name.values[pair]!
      const applicationName = names.textOf(name)
      const point = points.byNumber(head >>> 16)
      const service = services.find(head & 0x80ff, keys, at + 5, port)
      const verdict = judgePair(
        pairs,
        pair,
        {
          protocolIdentifier,
          family,
          port,
          application: (keys[at + 9]! & 0xffff) - 1,
          isOutbound: !isInside(server) && isInside(client),
          clients: services.clientsOf(service),
          nameText: applicationName,
          samplingInterval: point.samplingInterval,
          refused: denials.refusedElsewhere(
            client,
            server,
            protocolIdentifier,
            port,
            pairs.last.values[pair]!,
          ),
        },
        settings,
      )
      if (verdict === undefined) continue
      const evidence: Evidence[] = (slots.get(pair) ?? []).flatMap((slot) =>
        evidenceOf(conversations, slot, point, applicationName),
      )
      const key = subjects.note(
        {
          point,
          client: formatAddress(client),
          server: formatAddress(server),
          port,
          protocolIdentifier,
          application: name === 0 ? '' : applications[names.applicationOf(name)]!.name,
          applicationName,
          verdict,
          firstSeenMilliseconds: pairs.first.values[pair]!,
          lastSeenMilliseconds: pairs.last.values[pair]!,
          conversations: pairs.conversations.values[pair]!,
        },
        evidence,
      )
      if (key !== undefined) changed.add(key)
    }
    return changed
  }
}

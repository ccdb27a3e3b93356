/**
 * Echo replies that nobody asked for, where both directions are seen (tier A): a channel that uses replies alone. Guard 8:
 * type 0 may also be a later fragment of a long ping, so those of hosts that ping with long packets are left alone.
 */
import type { Observation } from '../../findings/finding.js'
import { formatAddress } from '../../records/address.js'
import { attackNetworkDevices } from '../detector.js'
import { ICMP_TUNNEL } from './names.js'
import type { Pair } from './points.js'
import { evidenceOf, pairId } from './subjects.js'
import type { Neighbours } from './views.js'

/** Replies without a request from which they are no remnant of a lost record. */
const TELLING_PACKETS = 20
const TELLING_RECORDS = 2
const TELLING_MILLISECONDS = 60_000
/** The requests' record may come this much later. */
const WAIT_MILLISECONDS = 180_000
/** Pings to a group that are enough for the replies. */
const ANSWERED_SHARE = 0.8
/** Pings whose packets are about as long as a frame may have fragments. */
const LONG_OCTETS = 1400

/**
 * Whether the host pinged a group about as often: a multicast address, or one that nobody answers for, as with the broadcast
 * address of a network whose length is not known here. Then every reply comes from another address than was asked.
 */
function isAnswerToMany({ point, requester, session: { replies } }: Pair, neighbours: Neighbours): boolean {
  const needed = replies.packets * ANSWERED_SHARE
  const group = point.groupRequests.get(requester)
  if (group !== undefined && group.packets >= needed && group.lastMilliseconds >= replies.firstMilliseconds)
    return true
  return neighbours.unanswered(requester).some(({ session: { requests } }) => {
    const overlaps =
      requests.firstMilliseconds <= replies.lastMilliseconds &&
      requests.lastMilliseconds >= replies.firstMilliseconds
    return overlaps && requests.packets >= needed
  })
}

export type RepliesOnly = { readonly key: string; readonly observation: Observation }

export function unaskedReplies(
  pair: Pair,
  neighbours: Neighbours,
  reverseOf: (pair: Pair) => Pair | undefined,
  atMilliseconds: number,
): RepliesOnly | undefined {
  const { point, requester, responder, session } = pair
  const { requests, replies } = session
  if (requests.records > 0 || replies.packets < TELLING_PACKETS || replies.records < TELLING_RECORDS)
    return undefined
  if (session.isIncomplete || session.hasFragments || !session.hasTimes) return undefined
  if (replies.lastMilliseconds - replies.firstMilliseconds < TELLING_MILLISECONDS) return undefined
  if (atMilliseconds - pair.firstReceivedMilliseconds < WAIT_MILLISECONDS) return undefined
  const back = reverseOf(pair)
  if (back !== undefined && back.session.requests.octets > LONG_OCTETS * back.session.requests.packets)
    return undefined
  if (isAnswerToMany(pair, neighbours)) return undefined
  const isKnownPath = neighbours.isNetworkSeen(responder)
  const family = responder.includes(':') ? 6 : 4
  const { address, listenerPort, observationDomainId } = point.identity
  return {
    key: pair.key,
    observation: {
      kind: 'finding',
      id: pairId(requester, responder),
      detector: ICMP_TUNNEL,
      // Replies may come back by the one way and requests leave by another; of a neighbour of the host both were seen.
      severity: isKnownPath ? 'high' : 'medium',
      score: isKnownPath ? 75 : 55,
      title: `echo replies from ${responder} to ${requester} that were never asked for`,
      sourceAddresses: [requester],
      destinationAddresses: [responder],
      protocolIdentifier: family === 6 ? 58 : 1,
      firstSeenMilliseconds: replies.firstMilliseconds,
      lastSeenMilliseconds: replies.lastMilliseconds,
      exporters: [
        { address: formatAddress(address), listenerPort, observationDomainId, bothDirections: false },
      ],
      evidenceQuality: isKnownPath
        ? { level: 'good', reasons: [] }
        : {
            level: 'degraded',
            reasons: [
              {
                code: 'path-unknown',
                text: 'of no other host in its network were both directions seen here',
              },
            ],
          },
      reasons: [
        { code: 'replies-without-requests', value: replies.packets, threshold: TELLING_PACKETS },
        { code: 'octets', value: replies.octets },
      ],
      subScores: {},
      attack: attackNetworkDevices,
      evidence: evidenceOf(pair),
    },
  }
}

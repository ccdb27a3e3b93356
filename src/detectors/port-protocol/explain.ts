/** How usual a pairing is here, in sentences. */
import type { Context } from '../../context/context.js'
import type { SanctionedService } from '../../context/data.js'
import { registeredService } from '../../iana/services.js'
import { type Address, parseAddress } from '../../records/address.js'
import type { Explanation, Tuple } from '../detector.js'
import { applications } from './applications.js'
import { applicationIndex, isExpected, isUsualPort, TCP, UDP } from './expected.js'
import type { Learning, Standing } from './learning.js'
import { FIRST_EPHEMERAL_PORT } from './server.js'
import type { Baseline } from './settings.js'

/** A pairing with its ends; `application` as a device names it, '' when none does. */
export type Pairing = {
  readonly client: Address
  readonly server: Address
  readonly protocolIdentifier: number
  readonly port: number
  readonly application: string
}

/** The entry that lets it be. An entry may name the application as the device does, or as we do. */
export function sanctionOf(
  context: Context,
  { application, ...pairing }: Pairing,
  atMilliseconds: number,
): SanctionedService | undefined {
  if (context.data.services.length === 0) return undefined
  const index = applicationIndex(application)
  const names = [application === '' ? undefined : application, applications[index]?.name]
  for (const name of names) {
    const found = context.serviceFor({ ...pairing, application: name }, atMilliseconds)
    if (found !== undefined) return found
  }
  return undefined
}

export type ExplainParts = {
  readonly context: Context
  readonly learning: Learning
  readonly isBaseline: Baseline | undefined
}

export function explainPairing(
  { context, learning, isBaseline }: ExplainParts,
  tuple: Tuple,
  atMilliseconds: number,
): Explanation {
  const [client, server] = [parseAddress(tuple.source), parseAddress(tuple.destination)]
  if (client === undefined || server === undefined)
    return { isUsual: false, facts: ['the addresses cannot be read'] }
  const { protocolIdentifier, port = 0, application = '' } = tuple
  const index = applicationIndex(application)
  const sanction = sanctionOf(
    context,
    { client, server, protocolIdentifier, port, application },
    atMilliseconds,
  )
  const isConfigured = isBaseline?.(protocolIdentifier, port, index, server) === true
  const keys = Uint32Array.from([...client.words, ...server.words])
  const ends = { keys, clientAt: 0, serverAt: 4, family: client.family, protocolIdentifier, port }
  const standing =
    client.family === server.family
      ? learning.standing({ ...ends, application: index }, undefined, atMilliseconds, atMilliseconds)
      : undefined
  const facts = [
    ...(sanction === undefined ? [] : [`sanctioned; ${sanction.owner} answers for it`]),
    ...(isConfigured ? ['a row of the setting BaselinePortProfiles expects it'] : []),
    ...standingFacts(standing, context, server),
    ...portFacts(protocolIdentifier, port, index),
    ...(learning.isMatureAt(atMilliseconds)
      ? []
      : ['the learning period has not passed, so "rare" means nothing yet']),
  ]
  const isCommon = standing?.isMature === true && !standing.isRare && !standing.isUncommon
  return { isUsual: sanction !== undefined || isConfigured || isCommon, facts }
}

function standingFacts(standing: Standing | undefined, context: Context, server: Address): string[] {
  if (standing === undefined) return ['of clients outside, and between families, nothing is learned']
  const { group, hosts, groupHosts, elsewhere, bits, knownDays, isRare, isUncommon, isUsual } = standing
  const rank = isRare
    ? ', which is rare'
    : isUncommon
      ? ', which is uncommon'
      : isUsual
        ? ', which is usual'
        : ''
  return [
    `${hosts.toFixed(1)} of ${groupHosts.toFixed(1)} other hosts of ${group} use it towards zone ${context.zoneOf(server)}, those of long ago counting less`,
    `${(100 * elsewhere).toFixed(1)} % of the hosts of other groups do`,
    `a surprise of ${bits.toFixed(1)} bits${rank}`,
    knownDays < 0 ? 'it has not been seen before' : `first seen ${knownDays} days ago`,
  ]
}

function portFacts(protocolIdentifier: number, port: number, application: number): string[] {
  if (protocolIdentifier !== TCP && protocolIdentifier !== UDP) return []
  const registered = registeredService(protocolIdentifier, port)
  const facts = [
    registered === undefined
      ? `port ${port} is not registered`
      : `port ${port} is registered for ${registered}`,
    isUsualPort(protocolIdentifier, port)
      ? 'ordinary services use the port'
      : 'no ordinary service is known to use the port',
  ]
  if (port >= FIRST_EPHEMERAL_PORT)
    facts.push(`ports from ${FIRST_EPHEMERAL_PORT} are counted as one: systems give them to clients`)
  if (application >= 0)
    facts.push(
      `${applications[application]!.name} is ${isExpected(application, protocolIdentifier, port) ? '' : 'not '}expected there`,
    )
  return facts
}

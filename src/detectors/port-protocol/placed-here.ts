/**
 * What the site's own habits make of evidence: what many hosts have long done here ends what rests on numbers alone, and
 * what nobody else does raises it. Pure.
 */
import type { Candidate } from './evidence-kinds.js'
import { type Reason, round } from './facts.js'
import type { Standing } from './learning.js'
import type { Settings } from './settings.js'

/** Kinds that rest on a number: a registry's, a configured one, a protocol's. */
const WEAK_KINDS: ReadonlySet<string> = new Set(['registry', 'proxy', 'serviceNamed', 'rareProtocol'])
/** What evidence is worth more where the pairing is rare, and uncommon; what is left of it where it is common. */
const RARE_GAIN = 0.15
const UNCOMMON_GAIN = 0.05
const COMMON_SHARE = 0.75
const USUAL_SHARE = 0.5

/** The candidates as they stand here. What a shape contradicts is not made right by many doing it. */
export function placedHere(
  candidates: readonly Candidate[],
  standing: Standing | undefined,
  settings: Settings,
): Candidate[] {
  if (standing === undefined) return [...candidates]
  const placed = candidates.map((candidate) => placeOne(candidate, standing, settings))
  return placed.filter((candidate) => candidate !== undefined)
}

function placeOne(candidate: Candidate, standing: Standing, settings: Settings): Candidate | undefined {
  const { kind, evidence, reasons, most } = candidate
  const { isUsual, isRare, isUncommon, isMature, hosts } = standing
  const isWeak = WEAK_KINDS.has(kind)
  if (kind === 'rare') return candidate
  if (isUsual && isWeak) return undefined
  const told = [...reasons, ...rarityReasons(standing, settings)]
  if (isUsual && kind === 'named')
    return { ...candidate, evidence: evidence * USUAL_SHARE, most: 'low', reasons: told }
  if (isRare || isUncommon) {
    const raised = Math.min(1, evidence + (isRare ? RARE_GAIN : UNCOMMON_GAIN))
    return { ...candidate, evidence: raised, most: isRare && most === 'low' ? 'medium' : most, reasons: told }
  }
  if (isWeak && isMature && hosts > 0)
    return { ...candidate, evidence: evidence * COMMON_SHARE, reasons: told }
  return candidate
}

/** How usual the pairing is here, in bits and hosts. */
export function rarityReasons(standing: Standing, { rareBits, uncommonBits }: Settings): Reason[] {
  const { bits, hosts, groupHosts, group, isRare, isUncommon } = standing
  const [code, threshold] = isRare
    ? ['rare-here', rareBits]
    : isUncommon
      ? ['uncommon-here', uncommonBits]
      : ['used-here', uncommonBits]
  return [
    { code, value: round(bits), threshold },
    { code: 'other-hosts-using-it', value: round(hosts), threshold: `of ${round(groupHosts)} in ${group}` },
  ]
}

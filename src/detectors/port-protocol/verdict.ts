/**
 * Judges a pair: the strongest of its evidence, weighed with the second facts. Pure but for reading the pair's columns.
 * Nothing is raised on the pairing alone.
 */
import type { Severity } from '../../findings/finding.js'
import { type Candidate, candidatesOf } from './evidence-kinds.js'
import { type Facts, factsOf, type PairFacts, type Reason, reasonsOf, scoresOf } from './facts.js'
import type { Kind, Pairs } from './pairs.js'
import { placedHere } from './placed-here.js'
import type { Settings } from './settings.js'

/** What is found between two hosts inside is worth this much of the same towards outside. */
const INSIDE_WEIGHT = 0.6
/** Scores from which a finding is high and medium, as far as its kind allows. */
const HIGH_SCORE = 70
const MEDIUM_SCORE = 40

/** What the second facts are worth against each other; they sum to 1, and a refusal elsewhere makes up for others. */
const factWeights: Readonly<Record<string, number>> = {
  external: 0.35,
  periodic: 0.25,
  long: 0.15,
  fewClients: 0.15,
  upload: 0.1,
  refused: 0.2,
  role: 0.2,
}

export type Verdict = {
  readonly kind: keyof typeof Kind
  readonly severity: Severity
  readonly score: number
  readonly subScores: Record<string, number>
  readonly reasons: Reason[]
}

/** What the pair amounts to; undefined when nothing is to be raised. */
export function judgePair(
  pairs: Pairs,
  pair: number,
  of: PairFacts,
  settings: Settings,
): Verdict | undefined {
  const facts = factsOf(pairs, pair, of, settings)
  const candidates = candidatesOf({ pairs, pair, of, facts, settings })
  if (candidates.length === 0) return undefined
  const scores = scoresOf(facts)
  const told = reasonsOf(facts, of, settings)
  let best: Verdict | undefined
  for (const candidate of placedHere(candidates, of.standing(), settings)) {
    const verdict = weigh(candidate, facts, scores, told)
    if (best === undefined || verdict.score > best.score) best = verdict
  }
  return best
}

function weigh(
  { kind, evidence, most, isAboutDuration, reasons }: Candidate,
  facts: Facts,
  scores: Readonly<Record<string, number>>,
  told: readonly Reason[],
): Verdict {
  const subScores: Record<string, number> = { pairing: evidence, ...scores }
  if (isAboutDuration) subScores['long'] = 0
  let second = 0
  for (const [name, weight] of Object.entries(factWeights)) second += weight * subScores[name]!
  const place = facts.external ? 1 : INSIDE_WEIGHT
  const score = Math.round(100 * evidence * place * (0.5 + 0.5 * Math.min(1, second)))
  const byScore: Severity = score >= HIGH_SCORE ? 'high' : score >= MEDIUM_SCORE ? 'medium' : 'low'
  const ranks: readonly Severity[] = ['low', 'medium', 'high']
  const severity = ranks[Math.min(ranks.indexOf(byScore), ranks.indexOf(most))]!
  return { kind, severity, score, subScores, reasons: [...reasons, ...told] }
}

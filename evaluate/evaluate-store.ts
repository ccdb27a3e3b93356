/** One store judged by all: the detectors, and beside them the peers' rules on the same rows. */
import { detectors } from '#core/detectors/registry.js'
import { nothingKnown, type SurroundingsData } from '#core/detectors/surroundings.js'
import type { BlockStore } from '#core/store/block-store.js'
import { type Alarm, judgeStore, startJudge } from './judge.js'
import { createPeers, type RuleScore, scoreEchoRules, scoreFlowRules } from './peers.js'
import { createOctetCounter, type EchoRow, type FlowRow, pairOf, rowReader } from './rows.js'
import { type Score, score, type Truth } from './score.js'

export type StoreScore = Score & {
  readonly alarms: readonly Alarm[]
  readonly peers: readonly RuleScore[]
}

export type StoreOptions = {
  readonly surroundings?: SurroundingsData
  /** Step of the detectors' judgement; as live unless told otherwise. */
  readonly stepMilliseconds?: number
  /** Restate the peers' rules too. Default true. */
  readonly withPeers?: boolean
}

/** Judges a store. `truths` may leave starts to be read from the rows: those of 0 become the pair's first packet. */
export async function evaluateStore(
  store: BlockStore,
  truths: readonly Truth[],
  { surroundings = nothingKnown, stepMilliseconds, withPeers = true }: StoreOptions = {},
): Promise<StoreScore> {
  const hidden = truths.filter(({ kind }) => kind !== 'benign')
  const octets = createOctetCounter(
    new Set(hidden.map(({ source, destination }) => pairOf(source, destination))),
  )
  const peers = createPeers()
  const taker = {
    echo(row: EchoRow) {
      octets.echo(row)
      if (withPeers) peers.echo(row)
    },
    flow(row: FlowRow) {
      octets.flow(row)
      if (withPeers) peers.flow(row)
    },
  }
  const reader = rowReader(taker)
  // Rows in large steps: nothing here depends on when it is asked.
  await judgeStore(store, reader.detector, reader.judge, 3_600_000)
  const rules = peers.end()
  const alarms: Alarm[] = []
  for (const detector of detectors) {
    const judgement = await judgeStore(store, detector, startJudge(detector, surroundings), stepMilliseconds)
    alarms.push(...judgement.alarms.values())
  }
  const dated = truths.map((truth) =>
    truth.startMilliseconds > 0
      ? truth
      : { ...truth, startMilliseconds: octets.firstStart(truth.source, truth.destination) ?? 0 },
  )
  return {
    ...score(alarms, dated, octets.until),
    alarms,
    peers: withPeers ? [...scoreEchoRules(rules.echoes, truths), ...scoreFlowRules(rules.flows, truths)] : [],
  }
}

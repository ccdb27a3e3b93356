/**
 * What judging costs: processor time of each detector over rows as they come in use, blocks opened and read included, by the
 * way and in the steps of a running appliance. Two mixes: an edge router whose every second flow is a new conversation, and an
 * office of hosts with their habits. To be run while nothing else runs in the process.
 */
import { FlowLoad } from '#bench/load/flow-load.js'
import { sourceAddressText } from '#bench/load/load.js'
import type { Detector } from '#core/detectors/detector.js'
import { detectors } from '#core/detectors/registry.js'
import type { StreamName } from '#core/records/columns.js'
import { ceilingTo, evaluate, floorTo, STEP_MILLISECONDS } from '#core/scheduler/evaluate.js'
import type { BlockStore } from '#core/store/block-store.js'
import { emptyScanCounts, receivedRange } from '#core/store/scan.js'
import { enterprise } from '#simulate/enterprise.js'
import { datagramsOf } from './enterprise.js'
import { octets, table } from './format.js'
import { type JudgedDatagram, startJudge, withStore } from './judge.js'

/** A day's flows of a large network, and how long judging them may take on one core. */
const GOAL_FLOWS = 100_000_000
const GOAL_SECONDS = 120
const DAY_SECONDS = 86_400
const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 5, 9)
const EDGE_PORT = 2055
const OFFICE_HOSTS = 1000

type Cost = { readonly detector: string; readonly seconds: number }

/** What one mix costs; `icmpShare` of its rows. */
export type MixSpeed = {
  readonly mix: string
  readonly rows: number
  readonly icmpShare: number
  readonly costs: readonly Cost[]
}

/** Flows at the pace of the goal's day. */
function* edgeDatagrams(flows: number): Generator<JudgedDatagram> {
  const load = new FlowLoad({ protocol: 'v9', seed: 1, epochMilliseconds: START })
  load.restart()
  while (load.counts.records < flows) {
    const timeMilliseconds = START + (load.counts.records / GOAL_FLOWS) * DAY_SECONDS * 1000
    load.advance(timeMilliseconds)
    const payload = load.arena.slice(load.offset, load.offset + load.length)
    yield { timeMilliseconds, source: sourceAddressText(load.source), port: EDGE_PORT, payload }
  }
}

/** Flows of the edge, hours of the office. */
export type SpeedSize = { readonly flows: number; readonly hours: number }

/** Measures both mixes. */
export async function measureSpeed({ flows, hours }: SpeedSize): Promise<MixSpeed[]> {
  const office = enterprise(1, OFFICE_HOSTS, {
    startMilliseconds: START,
    durationMilliseconds: hours * HOUR,
  })
  return [
    await withStore(edgeDatagrams(flows), (store) => measureMix('edge router', store)),
    await withStore(datagramsOf(office), (store) =>
      measureMix(`office of ${OFFICE_HOSTS} hosts, ${hours} h`, store),
    ),
  ]
}

async function measureMix(mix: string, store: BlockStore): Promise<MixSpeed> {
  const rowsOf = async (names: readonly StreamName[]) => {
    let rows = 0
    for (const name of names) for (const entry of await store.index(name)) rows += entry.rows
    return rows
  }
  const icmp = await rowsOf(['icmp4', 'icmp6'])
  const rows = icmp + (await rowsOf(['flow4', 'flow6']))
  const costs: Cost[] = []
  for (const detector of detectors)
    costs.push({ detector: detector.id, seconds: await measureOne(store, detector) })
  return { mix, rows, icmpShare: icmp / rows, costs }
}

async function measureOne(store: BlockStore, detector: Detector): Promise<number> {
  const range = (await receivedRange(store, detector.streams))!
  const steps = evaluate({
    store,
    judge: startJudge(detector),
    streams: detector.streams,
    fromMilliseconds: floorTo(range.fromMilliseconds, STEP_MILLISECONDS),
    toMilliseconds: ceilingTo(range.toMilliseconds + 1, STEP_MILLISECONDS),
    stepMilliseconds: STEP_MILLISECONDS,
    counts: emptyScanCounts(),
  })
  const before = process.cpuUsage()
  for await (const _ of steps);
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** Prints what was measured, and what a day of the goal would take. */
export function speedTables(mixes: readonly MixSpeed[]): string {
  const perRow = ({ rows, costs }: MixSpeed) => costs.map(({ seconds }) => seconds / rows)
  const lines = mixes.map((mix) => {
    const each = perRow(mix)
    const all = each.reduce((sum, seconds) => sum + seconds, 0)
    return [
      mix.mix,
      octets(mix.rows),
      `${(mix.icmpShare * 100).toFixed(1)} %`,
      ...each.map((seconds) => (seconds * 1e9).toFixed(0)),
      `${(all * GOAL_FLOWS).toFixed(0)} s`,
      all * GOAL_FLOWS <= GOAL_SECONDS ? 'met' : 'MISSED',
    ]
  })
  const names = detectors.map(({ id }) => `${id}, ns a row`)
  return `Speed: processor time of judging in steps of ${STEP_MILLISECONDS / 1000} s, blocks read included; goal for a day of ${GOAL_FLOWS / 1e6} M flows: ${GOAL_SECONDS} s:\n${table(['mix', 'rows', 'ICMP', ...names, 'a day', ''], lines)}`
}

/** (c) Weeks of a simulated enterprise with every trap, and channels injected at random once the site has been learned. */
import { defaultLearning, nothingKnown } from '#core/detectors/surroundings.js'
import { type EnterpriseOptions, enterprise } from '#simulate/enterprise.js'
import type { Label, Simulation } from '#simulate/scenario.js'
import { evaluateStore } from './evaluate-store.js'
import { type JudgedDatagram, withStore } from './judge.js'
import type { RuleScore } from './peers.js'
import type { Case, FalseAlarm, Kind, Truth } from './score.js'

const DAY = 86_400_000
const LEARNING_DAYS = 7
/** Of runs shorter than two weeks, the part that is for learning. */
const LEARNING_SHARE = 0.47
const WEB_PAUSE_MILLISECONDS = 7_200_000
const MIRRORING = /^(mirrored|one-way)/

export type EnterpriseTask = {
  readonly seed: number
  readonly hosts: number
  readonly days: number
  /** How many of each shape are injected. */
  readonly rounds: number
}

export type EnterpriseResult = EnterpriseTask & {
  readonly learningDays: number
  readonly cases: readonly Case[]
  readonly falseAlarms: readonly FalseAlarm[]
  readonly peers: readonly RuleScore[]
  /** Each benign behaviour, by shape: how many pairs, or servers with a port, it has. */
  readonly benign: Readonly<Record<string, number>>
  readonly startMilliseconds: number
}

/** Runs one enterprise from datagrams to findings; nothing of its context is told to the detectors. */
export async function evaluateEnterprise(task: EnterpriseTask): Promise<EnterpriseResult> {
  const { seed, hosts, days, rounds } = task
  const learningDays = Math.min(LEARNING_DAYS, days * LEARNING_SHARE)
  const startMilliseconds = Date.UTC(2026, 0, 5)
  const options: EnterpriseOptions = {
    startMilliseconds,
    durationMilliseconds: days * DAY,
    webPauseMilliseconds: WEB_PAUSE_MILLISECONDS,
    isLean: true,
    traps: true,
    injectAfterMilliseconds: learningDays * DAY + DAY / 10,
    injectionRounds: rounds,
  }
  const simulation = enterprise(seed, hosts, options)
  const truths = truthsOf(simulation)
  const learning = { ...defaultLearning, periodMilliseconds: learningDays * DAY }
  const result = await withStore(datagramsOf(simulation), (store) =>
    evaluateStore(store, truths, { surroundings: { ...nothingKnown, learning } }),
  )
  const benign: Record<string, number> = {}
  for (const { kind, shape } of truths) if (kind === 'benign') benign[shape] = (benign[shape] ?? 0) + 1
  const { cases, falseAlarms, peers } = result
  return { ...task, learningDays, cases, falseAlarms, peers, benign, startMilliseconds }
}

/** A simulation's datagrams as the collector gets them. */
export function* datagramsOf({ datagrams }: Pick<Simulation, 'datagrams'>): Generator<JudgedDatagram> {
  for (const { timeMilliseconds, exporterAddress, listenerPort, payload } of datagrams)
    yield { timeMilliseconds, source: exporterAddress, port: listenerPort, payload }
}

function kindOf({ label, shape }: Label): Kind {
  if (label === 'icmp_tunnel') return MIRRORING.test(shape) ? 'mirroring' : 'carrying'
  return label === 'port_mismatch' ? 'pairing' : 'benign'
}

/** A simulation's labels as truths. */
export function truthsOf({ labels, network }: Pick<Simulation, 'labels' | 'network'>): Truth[] {
  const timeouts = new Map(
    network.exporters.map(({ name, activeTimeoutMilliseconds }) => [name, activeTimeoutMilliseconds]),
  )
  return labels.map((label) => {
    const seen = label.devices.map((name) => timeouts.get(name)).filter((timeout) => timeout !== undefined)
    return {
      kind: kindOf(label),
      shape: label.shape,
      source: label.sourceAddress,
      destination: label.destinationAddress,
      protocolIdentifier: label.protocolIdentifier,
      ...(label.destinationTransportPort === 0 ? {} : { port: label.destinationTransportPort }),
      startMilliseconds: label.startMilliseconds,
      ...(label.carriesFromMilliseconds === undefined
        ? {}
        : { carriesFromMilliseconds: label.carriesFromMilliseconds }),
      ...(seen.length === 0 ? {} : { activeTimeoutMilliseconds: Math.min(...seen) }),
    }
  })
}

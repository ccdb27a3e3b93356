/**
 * Kills a real appliance at random moments while records come in, starts it again each time, and holds at the end what is
 * stored against what was sent.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createRandom } from '#simulate/random.js'
import {
  freePort,
  getJson,
  type StartOptions,
  spawnAppliance,
  startAppliance,
  stopAppliance,
} from '../support/running.js'
import { type Kind, type Sent, startLoad } from './load.js'
import { readStored, type Stored } from './stored.js'

export type KillOptions = {
  readonly folder: string
  readonly times: number
  readonly seed: number
  /** Told after each kill. */
  readonly onKill?: (kills: number, lostRows: number) => void
}

export type KillResult = {
  readonly kills: number
  /** Of them before the appliance was up. */
  readonly killsWhileStarting: number
  /** Records that were sent while it listened. */
  readonly sent: number
  readonly stored: number
  /** Sent while it listened, and gone. */
  readonly gone: number
  /** How long before the kill the oldest of them was sent. */
  readonly oldestGoneMilliseconds: number
  readonly twice: number
  /** Sequences of no row, as counted from the blocks, as the last start told them, and as health shows them. */
  readonly missing: number
  readonly toldAtStart: number
  readonly shownInHealth: boolean
  /** True when a later start told of fewer than an earlier one. */
  readonly wasForgotten: boolean
  readonly blocksFailed: number
}

/** One kill in so many comes while the appliance starts. */
const STARTING_SHARE = 0.15
const MAX_STARTING_MILLISECONDS = 900
const MAX_UP_MILLISECONDS = 3500

export async function runKills({ folder, times, seed, onKill }: KillOptions): Promise<KillResult> {
  const random = createRandom(seed)
  const ports = { netflow: await freePort(), syslog: await freePort() }
  const settings = { scrub: { passHours: 0.01 } }
  const options: StartOptions = { folder, settings, ...ports }
  const load = startLoad(ports)
  /** Moments of kills of an appliance that was up. */
  const killedAt: number[] = []
  let killsWhileStarting = 0
  let told = 0
  let wasForgotten = false
  const hear = (lostRows: number) => {
    wasForgotten ||= lostRows < told
    told = lostRows
  }
  try {
    for (let kill = 1; kill <= times; kill++) {
      if (random.uniform() < STARTING_SHARE) {
        const child = await spawnAppliance(options)
        await delay(random.uniform() * MAX_STARTING_MILLISECONDS)
        await stopAppliance(child, 'SIGKILL')
        killsWhileStarting++
      } else {
        const running = await startAppliance(options)
        hear(running.report.lostRows)
        load.listening(true)
        await delay(random.uniform() * MAX_UP_MILLISECONDS)
        load.listening(false)
        killedAt.push(performance.now())
        await stopAppliance(running, 'SIGKILL')
      }
      onKill?.(kill, told)
    }
  } finally {
    await load.stop()
  }
  const last = await startAppliance(options)
  hear(last.report.lostRows)
  const { checks } = (await getJson(last, 'health')) as { checks: { name: string; text: string }[] }
  const shown = checks.find(({ name }) => name === 'stored rows')?.text ?? ''
  await stopAppliance(last)
  const stored = await readStored(join(folder, 'data'))
  return {
    kills: times,
    killsWhileStarting,
    ...compare(load.sent, stored, killedAt),
    missing: stored.missing,
    toldAtStart: told,
    shownInHealth: shown.startsWith(`${told} rows gone`),
    wasForgotten,
    blocksFailed: stored.blocksFailed,
  }
}

function compare(sent: Sent, { times, rows }: Stored, killedAt: readonly number[]) {
  let expected = 0
  let gone = 0
  let oldestGoneMilliseconds = 0
  let twice = 0
  for (const kind of ['flow', 'line'] satisfies Kind[]) {
    for (const [number, at] of sent[kind].entries()) {
      const count = times[kind].get(number) ?? 0
      if (count > 1) twice++
      if (at === 0) continue
      expected++
      if (count > 0) continue
      gone++
      const kill = killedAt.find((killed) => killed >= at)!
      oldestGoneMilliseconds = Math.max(oldestGoneMilliseconds, kill - at)
    }
  }
  return {
    sent: expected,
    stored: rows,
    gone,
    oldestGoneMilliseconds: Math.round(oldestGoneMilliseconds),
    twice,
  }
}

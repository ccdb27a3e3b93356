/**
 * Processor time and memory of other processes, from /proc (proc(5)). Time counts all threads, those that have ended
 * too, in clock ticks of 10 ms.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ, which is 100 on every architecture that Node runs on under Linux. */
const TICKS_PER_SECOND = 100
/** Fields of /proc/PID/stat behind the name in parentheses. */
const PARENT = 1
const OWN_USER = 11
const OWN_SYSTEM = 12
const REAPED_USER = 13
const REAPED_SYSTEM = 14

type Stat = { readonly parent: number; readonly own: number; readonly reaped: number }

function readStat(pid: number | 'self'): Stat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const seconds = (...places: number[]) =>
    places.reduce((sum, place) => sum + fields[place]!, 0) / TICKS_PER_SECOND
  return {
    parent: fields[PARENT]!,
    own: seconds(OWN_USER, OWN_SYSTEM),
    reaped: seconds(REAPED_USER, REAPED_SYSTEM),
  }
}

/** A process and those that come from it. */
function treeOf(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    const parent = Number.isInteger(pid) ? readStat(pid)?.parent : undefined
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** User and system seconds of a living process, its living descendants and those that they have waited for. */
export function treeSeconds(root: number): number {
  let sum = 0
  for (const pid of treeOf(root)) {
    const stat = readStat(pid)
    if (stat !== undefined) sum += stat.own + stat.reaped
  }
  return sum
}

/** The same of all children of this process that have ended, with what they waited for. */
export function reapedSeconds(): number {
  return readStat('self')?.reaped ?? 0
}

/** Octets that a process has in memory. */
export type Resident = {
  readonly now: number
  readonly most: number
  /** Of `now`, what is its own: not pages of files, which the kernel takes back when it needs them. */
  readonly own: number
}

/** Undefined when it has ended. */
export function residentOctets(pid: number): Resident | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/status`, 'latin1')
  } catch {
    return undefined
  }
  const kibibytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  const own = kibibytes('RssAnon') + kibibytes('RssShmem')
  return { now: kibibytes('VmRSS') * 1024, most: kibibytes('VmHWM') * 1024, own: own * 1024 }
}

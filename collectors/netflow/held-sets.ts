/**
 * Data sets that came before their template: kept for a while, bounded in octets and age, and given back when the
 * template is learnt.
 */
import type { Domain, KeptContext, MessageContext } from './context.js'

/** Octets of all held sets together. */
export const MAX_HELD_OCTETS = 16 * 1024 * 1024
/** Octets held for one domain, so that one exporter cannot take all. */
export const MAX_HELD_OCTETS_PER_DOMAIN = 1024 * 1024
/** What keeping a set costs besides its octets, so that many small sets are bounded too. */
const OCTETS_PER_SET = 256
/** Exporters send their templates again within this time; older sets are given up. */
export const MAX_HELD_MILLISECONDS = 30 * 60 * 1000

export type HeldSet = {
  readonly domain: Domain
  readonly setId: number
  /** The records, without the set's header. */
  readonly octets: Uint8Array
  readonly context: KeptContext
}

export class HeldSets {
  private readonly byDomain = new Map<Domain, { octets: number; sets: HeldSet[] }>()
  private octets = 0

  /** False when the set cannot be kept. One without records needs no keeping. */
  hold(context: MessageContext, setId: number, view: DataView, offset: number, end: number): boolean {
    const length = end - offset
    if (length === 0) return true
    const cost = length + OCTETS_PER_SET
    let held = this.byDomain.get(context.domain)
    if (this.octets + cost > MAX_HELD_OCTETS) return false
    if ((held?.octets ?? 0) + cost > MAX_HELD_OCTETS_PER_DOMAIN) return false
    if (held === undefined) {
      held = { octets: 0, sets: [] }
      this.byDomain.set(context.domain, held)
    }
    const { receivedMilliseconds, exportMilliseconds, sysUpTimeMilliseconds, datagram, set } = context
    held.sets.push({
      domain: context.domain,
      setId,
      octets: new Uint8Array(view.buffer, view.byteOffset + offset, length).slice(),
      context: { receivedMilliseconds, exportMilliseconds, sysUpTimeMilliseconds, datagram, set },
    })
    held.octets += cost
    this.octets += cost
    return true
  }

  /** Removes and returns the sets of a template, in the order they came. */
  take(domain: Domain, setId: number): HeldSet[] {
    return this.remove(domain, (set) => set.setId === setId)
  }

  /** Removes and returns the sets that came before a time. */
  expire(beforeMilliseconds: number): HeldSet[] {
    const expired: HeldSet[] = []
    for (const domain of [...this.byDomain.keys()]) {
      expired.push(...this.remove(domain, (set) => set.context.receivedMilliseconds < beforeMilliseconds))
    }
    return expired
  }

  /** How many sets wait for each template of a domain. */
  waiting(domain: Domain): Map<number, number> {
    const counts = new Map<number, number>()
    for (const set of this.byDomain.get(domain)?.sets ?? [])
      counts.set(set.setId, (counts.get(set.setId) ?? 0) + 1)
    return counts
  }

  private remove(domain: Domain, isTaken: (set: HeldSet) => boolean): HeldSet[] {
    const held = this.byDomain.get(domain)
    if (held === undefined) return []
    const taken = held.sets.filter(isTaken)
    if (taken.length === 0) return taken
    held.sets = held.sets.filter((set) => !isTaken(set))
    for (const set of taken) {
      held.octets -= set.octets.length + OCTETS_PER_SET
      this.octets -= set.octets.length + OCTETS_PER_SET
    }
    if (held.sets.length === 0) this.byDomain.delete(domain)
    return taken
  }
}

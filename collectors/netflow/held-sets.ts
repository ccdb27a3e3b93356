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

type HeldOfDomain = { octets: number; readonly bySet: Map<number, HeldSet[]> }

export class HeldSets {
  private readonly byDomain = new Map<Domain, HeldOfDomain>()
  private octets = 0

  /** Octets that wait, with what each set costs besides. */
  get heldOctets(): number {
    return this.octets
  }

  /** False when the set cannot be kept. One without records needs no keeping. */
  hold(context: MessageContext, setId: number, view: DataView, offset: number, end: number): boolean {
    const { domain, receivedMilliseconds, exportMilliseconds, sysUpTimeMilliseconds, datagram, set } = context
    const length = end - offset
    if (length === 0) return true
    const cost = length + OCTETS_PER_SET
    let held = this.byDomain.get(domain)
    if (this.octets + cost > MAX_HELD_OCTETS) return false
    if ((held?.octets ?? 0) + cost > MAX_HELD_OCTETS_PER_DOMAIN) return false
    if (held === undefined) {
      held = { octets: 0, bySet: new Map() }
      this.byDomain.set(domain, held)
    }
    let sets = held.bySet.get(setId)
    if (sets === undefined) {
      sets = []
      held.bySet.set(setId, sets)
    }
    sets.push({
      domain,
      setId,
      octets: new Uint8Array(view.buffer, view.byteOffset + offset, length).slice(),
      context: { receivedMilliseconds, exportMilliseconds, sysUpTimeMilliseconds, datagram, set },
    })
    held.octets += cost
    this.octets += cost
    return true
  }

  /** Removes and returns the sets of a template, in the order they came. */
  take(domain: Domain, setId: number): readonly HeldSet[] {
    const held = this.byDomain.get(domain)
    const sets = held?.bySet.get(setId)
    if (held === undefined || sets === undefined) return []
    held.bySet.delete(setId)
    this.forget(domain, held, sets)
    return sets
  }

  /** Removes and returns the sets that came before a time: domain by domain, each in the order they came. */
  expire(beforeMilliseconds: number): HeldSet[] {
    const expired: HeldSet[] = []
    for (const [domain, held] of this.byDomain) {
      const ofDomain: HeldSet[] = []
      for (const [setId, sets] of held.bySet) {
        const kept = sets.filter(({ context }) => context.receivedMilliseconds >= beforeMilliseconds)
        if (kept.length === sets.length) continue
        ofDomain.push(...sets.filter(({ context }) => context.receivedMilliseconds < beforeMilliseconds))
        if (kept.length > 0) held.bySet.set(setId, kept)
        else held.bySet.delete(setId)
      }
      this.forget(domain, held, ofDomain)
      expired.push(
        ...ofDomain.sort((a, b) => a.context.datagram - b.context.datagram || a.context.set - b.context.set),
      )
    }
    return expired
  }

  /** Removes and returns all sets of a domain, in the order they came. */
  drop(domain: Domain): HeldSet[] {
    const held = this.byDomain.get(domain)
    if (held === undefined) return []
    const sets = [...held.bySet.values()].flat()
    held.bySet.clear()
    this.forget(domain, held, sets)
    return sets.sort((a, b) => a.context.datagram - b.context.datagram || a.context.set - b.context.set)
  }

  /** How many sets wait for each template of a domain. */
  waiting(domain: Domain): Map<number, number> {
    const bySet = this.byDomain.get(domain)?.bySet ?? new Map<number, HeldSet[]>()
    return new Map([...bySet].map(([setId, sets]) => [setId, sets.length]))
  }

  private forget(domain: Domain, held: HeldOfDomain, sets: readonly HeldSet[]): void {
    for (const set of sets) {
      held.octets -= set.octets.length + OCTETS_PER_SET
      this.octets -= set.octets.length + OCTETS_PER_SET
    }
    if (held.bySet.size === 0) this.byDomain.delete(domain)
  }
}

// When a channel over ICMP begins to carry data: until then it is a ping to whoever meters it.
import type { Behaviour } from './activity.js'

/** The time of the first exchange whose packets differ in size, in epoch milliseconds; undefined when none does before `endMilliseconds`. */
export function carriesFrom(behaviour: Behaviour, endMilliseconds: number): number | undefined {
  for (;;) {
    const step = behaviour.next()
    if (step.done === true) return undefined
    const [first, ...others] = step.value
    if (first === undefined) continue
    if (first.timeMilliseconds >= endMilliseconds) return undefined
    if (others.some(({ octets, packets }) => octets * first.packets !== first.octets * packets))
      return first.timeMilliseconds
  }
}

/** The detector's id. */
export const ICMP_TUNNEL = 'icmp-tunnel'

/** Of two hosts, the same whoever of them asks. */
export function pairKey(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`
}

/** The detector's id. */
export const ICMP_TUNNEL = 'icmp-tunnel'

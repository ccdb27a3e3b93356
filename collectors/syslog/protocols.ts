/** Names of IP protocols as firewalls write them (IANA Assigned Internet Protocol Numbers, and vendors' spellings). */

import { KeyTable } from './keyvalue.js'
import type { Line } from './line.js'
import { isDigit, readSmall } from './scan.js'

/** Numbers are stored plus one: 0 means "no such name" in a `KeyTable`. */
const numbers: Readonly<Record<string, number>> = {
  hopopt: 0,
  icmp: 1,
  icmpv4: 1,
  igmp: 2,
  ggp: 3,
  ipv4: 4,
  ipip: 4,
  ipinip: 4,
  ipencap: 4,
  st: 5,
  tcp: 6,
  egp: 8,
  igp: 9,
  igrp: 9,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  'ipv6-route': 43,
  'ipv6-frag': 44,
  rsvp: 46,
  gre: 47,
  esp: 50,
  'esp-udp': 50,
  ah: 51,
  ahp: 51,
  ipsec: 50,
  icmp6: 58,
  icmpv6: 58,
  'icmp-v6': 58,
  'ipv6-icmp': 58,
  ipv6icmp: 58,
  'icmp-ipv6': 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  eigrp: 88,
  ospf: 89,
  ospfigp: 89,
  nos: 94,
  etherip: 97,
  pim: 103,
  pcp: 108,
  ipcomp: 108,
  vrrp: 112,
  carp: 112,
  l2tp: 115,
  sctp: 132,
  'mobility-header': 135,
  udplite: 136,
  mpls: 137,
}
const names: Record<string, number> = {}
for (const [name, number] of Object.entries(numbers)) {
  names[name] = number + 1
}
const table = new KeyTable(names)

/** The protocol number of a range that is a number or a name; -1 when it is neither. */
export function readProtocol(line: Line, start: number, end: number): number {
  if (isDigit(line.octetAt(start))) return readSmall(line, start, end, 255)
  return table.findFolded(line, start, end) - 1
}

export const ICMP = 1
export const TCP = 6
export const UDP = 17
export const ICMPV6 = 58

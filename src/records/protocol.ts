/** Protocols as people type them. */
import { protocolNames } from '../iana/protocols.js'

/** What people type beside IANA's keywords. */
const typed: ReadonlyMap<string, number> = new Map([
  ['ipip', 4],
  ['icmpv6', 58],
  ['icmp6', 58],
  ['eigrp', 88],
  ['ospf', 89],
])

const keywords = new Map<string, number>()
for (const [number, keyword] of protocolNames) {
  const name = keyword.toLowerCase()
  if (!keywords.has(name)) keywords.set(name, number)
}

/** The protocol that a name or number stands for; undefined when it is neither. */
export function protocolNumber(text: string): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= 255 ? Number(text) : undefined
  const name = text.toLowerCase()
  return typed.get(name) ?? keywords.get(name)
}

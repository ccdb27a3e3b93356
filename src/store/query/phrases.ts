/** The words that begin a test, and what each tests. */
import type { AddressField, NumberField, TextField } from './filter.js'

export type Phrase =
  | { readonly kind: 'number'; readonly field: NumberField }
  | { readonly kind: 'address'; readonly field: AddressField; readonly takesPrefix: boolean }
  | { readonly kind: 'text'; readonly field: TextField }
  | { readonly kind: 'contains'; readonly field: TextField }
  | { readonly kind: 'family'; readonly family: 4 | 6 }
  | { readonly kind: 'protocol'; readonly protocol: number }
  | { readonly kind: 'flags' }
  | { readonly kind: 'any' }

const number = (field: NumberField): Phrase => ({ kind: 'number', field })
const text = (field: TextField): Phrase => ({ kind: 'text', field })
const host = (field: AddressField): Phrase => ({ kind: 'address', field, takesPrefix: false })
const net = (field: AddressField): Phrase => ({ kind: 'address', field, takesPrefix: true })

/** Phrases of one word or two, in lower case. */
export const phrases: ReadonlyMap<string, Phrase> = new Map<string, Phrase>([
  ['any', { kind: 'any' }],
  ['ipv4', { kind: 'family', family: 4 }],
  ['ipv6', { kind: 'family', family: 6 }],
  // nfdump's words for both.
  ['inet', { kind: 'family', family: 4 }],
  ['inet6', { kind: 'family', family: 6 }],
  ['proto', number('protocol')],
  ['icmp', { kind: 'protocol', protocol: 1 }],
  ['tcp', { kind: 'protocol', protocol: 6 }],
  ['udp', { kind: 'protocol', protocol: 17 }],
  ['icmp6', { kind: 'protocol', protocol: 58 }],
  ['host', host('address')],
  ['src host', host('source')],
  ['dst host', host('destination')],
  ['ip', net('address')],
  ['src ip', net('source')],
  ['dst ip', net('destination')],
  ['net', net('address')],
  ['src net', net('source')],
  ['dst net', net('destination')],
  ['exporter', net('exporter')],
  ['agent', net('agent')],
  ['port', number('port')],
  ['src port', number('sourcePort')],
  ['dst port', number('destinationPort')],
  ['icmp-type', number('icmpType')],
  ['icmp-code', number('icmpCode')],
  ['bytes', number('octets')],
  ['packets', number('packets')],
  ['reverse bytes', number('reverseOctets')],
  ['reverse packets', number('reversePackets')],
  ['total bytes', number('octetsTotal')],
  ['total packets', number('packetsTotal')],
  ['duration', number('duration')],
  ['bps', number('bitsPerSecond')],
  ['pps', number('packetsPerSecond')],
  ['bpp', number('octetsPerPacket')],
  ['flags', { kind: 'flags' }],
  ['tos', number('classOfService')],
  ['if', number('interface')],
  ['in if', number('ingressInterface')],
  ['out if', number('egressInterface')],
  ['vlan', number('vlan')],
  ['severity', number('severity')],
  ['outcome', number('outcome')],
  ['phase', number('phase')],
  ['app', text('application')],
  ['action', text('action')],
  ['rule', text('rule')],
  ['user', text('user')],
  ['zone', text('zone')],
  ['src zone', text('sourceZone')],
  ['dst zone', text('destinationZone')],
  ['vendor', text('vendor')],
  ['product', text('product')],
  ['session', text('session')],
  ['service', text('service')],
  ['event', text('event')],
  ['device', text('device')],
  ['message', { kind: 'contains', field: 'message' }],
])

/** First words of phrases of two → the second words that fit. */
export const qualifiers: ReadonlyMap<string, readonly string[]> = (() => {
  const found = new Map<string, string[]>()
  for (const phrase of phrases.keys()) {
    const [first, second] = phrase.split(' ')
    if (second !== undefined) found.set(first!, [...(found.get(first!) ?? []), second])
  }
  return found
})()

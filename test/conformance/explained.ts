// Why other decoders say something else, case by case.
import type { Agreement, Oracle } from './differential.js'

const held = 'data before their template are not held: lost to it, replayed by us'
const endless =
  'a FlowSet of length 0 (a tail of zeros) makes it run for ever; the process was ended after its time'
const secondMessage = 'two messages in one datagram: it stops behind the first'
const reverse = 'it shows reverse elements (RFC 5103) under the names of the forward ones; all else agrees'

/** By decoder and case: the reason, and how many values or rows each side has alone, so that no other hides behind it. */
const explanations: Readonly<
  Record<Oracle, Readonly<Record<string, readonly [reason: string, ours: number, theirs: number]>>>
> = {
  'node-netflowv9': {
    'cisco-aci-v9': [endless, 21, 0],
    'paloalto-v9-zerofilled': [endless, 7, 0],
    'softflowd-v5-netcat': ['octets behind the last record make it throw', 14, 0],
    'synthetic-v7-minimal': ['it reads 52 octets of a version 7 record but steps by 48, and throws', 7, 0],
    'unknown-v9-data-before-template': [held, 77, 0],
  },
  tshark: {
    'cisco-nbar-v9-flowset262': [
      'it shows the ports of UDP and of TCP (IE 180 to 183) under the names of IE 7 and 11 too; all else agrees',
      0,
      10,
    ],
    'h3c-v9-netstream': [
      'it calls the template malformed: field type 0, and a variable length in version 9',
      105,
      0,
    ],
    'ipfixprobe-ipfix-biflow': [reverse, 0, 8],
    'softflowd-ipfix-netcat': [secondMessage, 42, 0],
    'softflowd110-ipfix-biflow': [reverse, 0, 38],
    'unknown-v9-data-before-template': [held, 77, 0],
  },
  nfdump: {
    'cisco-ipfix-avc-http': ["it does not know Cisco's elements for the two ends of a connection", 1, 1],
    'procera-ipfix': ['IPv4 and IPv6 in one template: it takes the IPv6 addresses, which are zero', 6, 6],
    'softflowd-ipfix-netcat': [secondMessage, 6, 0],
    'softflowd-v5-netcat': ['octets behind the last record are taken for further records', 0, 28],
    'softflowd110-v9-sampled': [
      'it does not take the interval of these options data; we scale by it',
      19,
      19,
    ],
    'synthetic-v7-minimal': [
      'it takes the reserved word of a version 7 header for the sampling of version 5',
      1,
      1,
    ],
    'unknown-ipfix-datalink-ie315': ['it does not look into the packet section (IE 315)', 1, 1],
    'unknown-v9-data-before-template': [held, 21, 10],
    'unknown-v9-inrecord-sampling': [
      'it does not take the interval of the record itself (IE 34); we scale by it',
      6,
      6,
    ],
  },
}

/** The reason, when one is known and the figures are those that it explains. */
export function explanationOf(
  oracle: Oracle,
  name: string,
  { oursAlone, theirsAlone }: Agreement,
): string | undefined {
  const [reason, ours, theirs] = explanations[oracle][name] ?? []
  return oursAlone === ours && theirsAlone === theirs ? reason : undefined
}

// Goldens of the syslog corpus that are not followed: the place, the fields, and why.
import { firewallFields } from './syslog-deliberate-firewalls.js'

/** Fields of some lines of a product (or of a kind of header, by the line in the file of headers). */
export type DeliberateField = {
  readonly product: string
  /** Numbers from 1; absent for every line of the product. */
  readonly lines?: readonly number[]
  readonly keys: readonly string[]
  readonly reason: string
}

const bodyOnly =
  'a relay reads it out of the text of a product that sends no flows; the header does not have it'
const fraction =
  'the header ends at the second; the fraction stands in the text of a product that sends no flows'

export const deliberateFields: readonly DeliberateField[] = [
  ...firewallFields,
  {
    product: 'rfc3164',
    lines: [22, 23, 24, 25],
    keys: ['host', 'app'],
    reason: 'the oracle ran with a setting that calls names in ctld bad',
  },
  {
    product: 'rfc3164',
    lines: [45],
    keys: ['host', 'app'],
    reason: 'one word behind the time: other goldens of the corpus call it the host',
  },
  {
    product: 'rfc3164',
    lines: [46],
    keys: ['facility', 'severity', 'app'],
    reason: 'the priority that a relay would add (RFC 3164 section 4.3.3) was not sent',
  },
  {
    product: 'rfc3164',
    lines: [50, 67],
    keys: ['app'],
    reason: 'a first word without colon or bracket: other goldens of the corpus call it text',
  },
  {
    product: 'rfc3164',
    lines: [83],
    keys: ['app'],
    reason: 'other goldens of the corpus have Cisco’s mnemonic as the tag',
  },
  {
    product: 'rfc3164',
    lines: [92, 94, 99],
    keys: ['timeLocal', 'timeNoYear'],
    reason: 'the golden has a year, or a time, that the line does not have',
  },
  {
    product: 'rfc5424',
    lines: [523],
    keys: ['host'],
    reason: 'the golden has the APP-NAME for the host',
  },
  {
    product: 'bsd-or-vendor',
    lines: [168, 169, 251, 254, 256, 297, 298, 323, 324, 325, 326, 327],
    keys: ['timeNoYear'],
    reason: fraction,
  },
  {
    product: 'bsd-or-vendor',
    lines: [219, 227, 241, 244, 245, 273, 274, 275, 312, 318, 377, 378, 522, 530, 532, 534],
    keys: ['host', 'time'],
    reason: bodyOnly,
  },
  {
    product: 'bsd-or-vendor',
    lines: [529],
    keys: ['time'],
    reason:
      'the year is inferred from the day of receipt; the golden reads an epoch in the text of a web proxy',
  },
  {
    product: 'rfc5424',
    lines: [465, 466, 467],
    keys: ['time', 'timeNoYear'],
    reason:
      'the header’s time is complete; the golden reads another, years away, in the LEEF of a made-up product',
  },
  {
    product: 'bsd-or-vendor',
    lines: [464],
    keys: ['time'],
    reason: 'the golden reads another time, months away, in the LEEF of a made-up product',
  },
  {
    product: 'leef',
    lines: [81, 82],
    keys: ['timeNoYear'],
    reason: 'the header has no zone; the device’s own time of the same minute has one',
  },
  {
    product: 'vendor',
    lines: [702, 703, 704, 705, 707],
    keys: ['timeLocal'],
    reason: 'the golden is when HAProxy accepted the request; the header says when the line was written',
  },
]

/** The reason why a difference is meant, or undefined. */
export function reasonOf(product: string, line: number, key: string): string | undefined {
  return deliberateFields.find(
    (entry) =>
      entry.product === product &&
      (entry.lines === undefined || entry.lines.includes(line)) &&
      entry.keys.includes(key),
  )?.reason
}

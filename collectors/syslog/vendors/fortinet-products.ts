/**
 * Fortinet's products share the form of their logs; the serial number in `devid` tells whose a line is.
 * Source: Fortinet "Log Message Reference" of each product; prefixes of serial numbers, Fortinet support's product list.
 */
import type { Line } from '../line.js'
import { QUOTE } from '../scan.js'

/** Prefixes of serial numbers, the longer first. */
const prefixes: readonly (readonly [prefix: string, product: string])[] = [
  ['FPX', 'fortiproxy'],
  ['FMG', 'fortimanager'],
  ['FMV', 'fortimanager'],
  ['FAZ', 'fortianalyzer'],
  ['FAC', 'fortiauthenticator'],
  ['FSA', 'fortisandbox'],
  ['FE', 'fortimail'],
  ['FV', 'fortiweb'],
]
/** How many octets of a line are looked through for the serial number. */
const WINDOW = 512

/** The product that a line of pairs is of; FortiGate's where its serial number tells no other. */
export function fortinetProduct(line: Line, contentStart: number): string {
  let start = line.indexOf('devid=', contentStart)
  if (start < 0) start = line.indexOf('device_id=', contentStart)
  if (start < 0 || start > contentStart + WINDOW) return 'fortigate'
  start = line.indexOf('=', start) + 1
  while (line.octetAt(start) === QUOTE) start++
  if (line.startsWith('FGT', start)) return 'fortigate'
  for (let index = 0; index < prefixes.length; index++) {
    if (line.startsWith(prefixes[index]![0], start)) return prefixes[index]![1]
  }
  return 'fortigate'
}

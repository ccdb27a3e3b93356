/** The vendors' elements: one file each, and this list. */
import { barracuda } from './barracuda.js'
import { cert } from './cert.js'
import { cisco } from './cisco.js'
import { ixia } from './ixia.js'
import { netscaler } from './netscaler.js'
import { ntop } from './ntop.js'
import { astaro, juniper, netfilter, nokia } from './others.js'
import { procera } from './procera.js'
import type { EnterpriseElements } from './table.js'
import { version9 } from './version9.js'
import { vmware } from './vmware.js'

/** CERT marks its reverse elements by this bit of the id, beside RFC 5103's own way. */
export const CERT_REVERSE_BIT = 0x4000
const CERT = 6871
/** ntop's elements in NetFlow v9, which has no enterprise numbers. */
const NTOP_IN_VERSION_9 = 57_472

/** Enterprise number → its elements. */
export const enterprises: ReadonlyMap<number, EnterpriseElements> = new Map([
  [9, cisco],
  [637, nokia],
  [2636, juniper],
  [3054, ixia],
  [5951, netscaler],
  [CERT, [...cert, ...cert.filter(([id]) => id < CERT_REVERSE_BIT).map(reverseOfCert)]],
  [6876, vmware],
  [9789, astaro],
  [10_704, barracuda],
  [12_326, barracuda],
  [15_397, procera],
  [21_373, netfilter],
  [35_632, ntop],
])

/** Field types of NetFlow v9 that are none of IANA's; in IPFIX no id is as large. */
export const version9Elements: EnterpriseElements = [
  ...version9,
  ...ntop.map(([id, name, type]) => [NTOP_IN_VERSION_9 + id, name, type] as const),
]

function reverseOfCert([id, name, type]: EnterpriseElements[number]): EnterpriseElements[number] {
  return [id | CERT_REVERSE_BIT, `reverse${name[0]!.toUpperCase()}${name.slice(1)}`, type]
}

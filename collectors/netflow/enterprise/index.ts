/** The vendors' elements: one file each, and this list. */
import { barracuda } from './barracuda.js'
import { cert } from './cert.js'
import { certInspection } from './cert-inspection.js'
import { certLists } from './cert-lists.js'
import { cesnet } from './cesnet.js'
import { cisco } from './cisco.js'
import { gigamon } from './gigamon.js'
import { ixia } from './ixia.js'
import { netscaler } from './netscaler.js'
import { ntop } from './ntop.js'
import { ntopPlugins } from './ntop-plugins.js'
import { astaro, huawei, juniper, netfilter, nokia } from './others.js'
import { procera } from './procera.js'
import type { EnterpriseElements } from './table.js'
import { version9 } from './version9.js'
import { vmware } from './vmware.js'

/** CERT marks its reverse elements by this bit of the id, beside RFC 5103's own way. */
export const CERT_REVERSE_BIT = 0x4000
const CERT = 6871
/** ntop's elements in NetFlow v9, which has no enterprise numbers. */
const NTOP_IN_VERSION_9 = 57_472

const allOfCert = [...cert, ...certInspection, ...certLists]
const allOfNtop = [...ntop, ...ntopPlugins]

/** Enterprise number → its elements. */
export const enterprises: ReadonlyMap<number, EnterpriseElements> = new Map([
  [9, cisco],
  [637, nokia],
  [2011, huawei],
  [2636, juniper],
  [3054, ixia],
  [5951, netscaler],
  [CERT, [...allOfCert, ...allOfCert.filter(hasReverse).map(reverseOfCert)]],
  [6876, vmware],
  [8057, cesnet],
  [9789, astaro],
  [10_704, barracuda],
  [12_326, barracuda],
  [15_397, procera],
  [21_373, netfilter],
  [26_866, gigamon],
  [35_632, allOfNtop],
])

/** Field types of NetFlow v9 that are none of IANA's: larger than any that IANA has given out. */
export const version9Elements: EnterpriseElements = [
  ...version9,
  ...allOfNtop.map(([id, name, type]) => [NTOP_IN_VERSION_9 + id, name, type] as const),
]

/** What is a reverse by its name has no reverse of its own. */
function hasReverse([, name]: EnterpriseElements[number]): boolean {
  return !/^(reverse|obsoleteReverse)/.test(name)
}

function reverseOfCert([id, name, type]: EnterpriseElements[number]): EnterpriseElements[number] {
  return [id | CERT_REVERSE_BIT, `reverse${name[0]!.toUpperCase()}${name.slice(1)}`, type]
}

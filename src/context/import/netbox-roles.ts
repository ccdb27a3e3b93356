/** NetBox's roles in words that detectors know. Roles of devices are free text there; those of addresses are a short list. */
import { knownRoles } from '../data.js'
import type { Remarks } from './rows.js'

/** A role of NetBox, in lower case, and the one that it is here. */
export type RoleNames = Readonly<Record<string, string>>

/**
 * Words in the names of roles, the first that fits. A monitor is never guessed: what it pings is sanctioned, and that is
 * for people to say.
 */
const words: readonly (readonly [RegExp, (typeof knownRoles)[number]])[] = [
  [/\b(firewall|ngfw)\b/, 'firewall'],
  [/\bvpn\b/, 'vpn'],
  [/\b(load[ -]?balancer|adc)\b/, 'loadBalancer'],
  [/\b(router|gateway)\b/, 'gateway'],
  [/\bprinter\b/, 'printer'],
  [/\b(camera|cctv)\b/, 'camera'],
  [/\b(phone|voip)\b/, 'phone'],
  [/\b(workstation|desktop|laptop)\b/, 'workstation'],
  [/\b(plc|scada|ics|ot)\b/, 'ot'],
  [/\bproxy\b/, 'proxy'],
  [/\b(resolver|dns)\b/, 'resolver'],
  [/\b(server|hypervisor)\b/, 'server'],
]

/** Roles of addresses that only a router has: the shared address of a first hop. Others say nothing of the host. */
const firstHopRoles: ReadonlySet<string> = new Set(['vrrp', 'hsrp', 'glbp'])

/** How a role was understood is remarked; one that is not is kept as it is. */
export function roleOfDevice(
  name: string | undefined,
  roles: RoleNames | undefined,
  mapped: Remarks,
): string | undefined {
  if (name === undefined) return undefined
  const key = name.toLowerCase()
  const said = roles !== undefined && Object.hasOwn(roles, key) ? roles[key] : undefined
  const exact = knownRoles.find((role) => role.toLowerCase() === key)
  const role = said ?? exact ?? words.find(([pattern]) => pattern.test(key))?.[1]
  mapped.add(
    role === undefined ? 'roles that no detector knows are kept as they are' : `the role is ${role}`,
    name,
  )
  return role ?? name
}

export function roleOfAddress(name: string | undefined, mapped: Remarks): string | undefined {
  if (name === undefined) return undefined
  const role = firstHopRoles.has(name.toLowerCase()) ? 'gateway' : undefined
  mapped.add(
    role === undefined ? 'roles of addresses that say nothing of the host' : `the role is ${role}`,
    name,
  )
  return role
}

// What resembles a hidden channel in an ordinary enterprise, every kind in every run, each labelled. Those of a site
// repeat for each site, those of the company are there once.

import type { TrapGround, TrapHosts, TrapRow } from './enterprise-trap-hosts.js'
import { companyIcmpTraps, siteIcmpTraps } from './enterprise-traps-icmp.js'
import { companyServiceTraps, siteServiceTraps } from './enterprise-traps-services.js'
import type { TrafficPlan } from './scenario.js'
import { PROTOCOL } from './traffic/packets.js'

export { addTrapHosts } from './enterprise-trap-hosts.js'

/** Adds every trap with its label. */
export function addTraps(plan: TrafficPlan, ground: TrapGround, hosts: TrapHosts): void {
  const add = (rows: readonly TrapRow[], where: string) => {
    for (const [
      index,
      [shape, make, [source, destinations, protocolIdentifier = PROTOCOL.icmp, port]],
    ] of rows.entries()) {
      plan.add(make(plan.context(`trap ${where} ${index} ${shape}`)), {
        label: protocolIdentifier === PROTOCOL.icmp ? 'icmp_benign' : 'benign',
        shape,
        source,
        destinations,
        protocolIdentifier,
        ...(port === undefined ? {} : { destinationTransportPort: port }),
      })
    }
  }
  for (const [index, { zone }] of ground.sites.entries()) {
    add([...siteIcmpTraps(ground, hosts, index), ...siteServiceTraps(ground, hosts, index)], zone)
  }
  add([...companyIcmpTraps(plan, ground, hosts), ...companyServiceTraps(plan, ground, hosts)], 'company')
}

// What hides in the small company: ICMP tunnels of several shapes, quieter channels over ICMP, and services on
// ports that are not theirs, spread over the exporters and firewalls.
import type { Host } from './network.js'
import type { TrafficPlan } from './scenario.js'
import type { SmallCompany } from './small-company.js'
import {
  balancedTunnel,
  bulkTunnel,
  idleTunnel,
  interactiveTunnel,
  mirroredBeacon,
  oneWayExfiltration,
  pollingShell,
} from './traffic/icmp-tunnels.js'
import { datagramsOnPort, shortOnPort, socks, sshOn443 } from './traffic/mispairs.js'

const BULK_SECONDS_AT_MOST = 600
const BULK_PACKETS_PER_SECOND = 60
const PAYLOAD_OCTETS = 1024
const PHASE_MILLISECONDS_AT_MOST = 900_000

/** Adds the channels over ICMP. The balanced tunnel runs between the sites, the others lead to the internet. */
export function addHiddenTunnels(plan: TrafficPlan, company: SmallCompany): void {
  const { users, printers, servers, branch, cameras, lab, strangers } = company
  const duration = plan.endMilliseconds - plan.startMilliseconds
  const at = (share: number) => plan.startMilliseconds + Math.round(duration * share)
  const tunnel = (
    shape: string,
    client: Host,
    server: Host,
    startMilliseconds: number,
    endMilliseconds?: number,
  ) => ({
    label: 'icmp_tunnel' as const,
    shape,
    source: client,
    destinations: server,
    protocolIdentifier: client.address.family === 4 ? 1 : 58,
    startMilliseconds,
    endMilliseconds: endMilliseconds ?? plan.endMilliseconds,
  })
  {
    const [client, server, start] = [users[8]!, strangers[0]!, at(0.1)]
    const context = plan.context('interactive tunnel', start)
    plan.add(
      interactiveTunnel(context, { client, server }),
      tunnel('interactive-tunnel', client, server, start),
    )
  }
  {
    const [client, server, start] = [branch[4]!, strangers[1]!, at(0)]
    const context = plan.context('idle tunnel', start)
    plan.add(idleTunnel(context, { client, server }), tunnel('idle-tunnel', client, server, start))
  }
  {
    const [client, server, start] = [servers.web, strangers[2]!, at(0.3)]
    const seconds = Math.min(BULK_SECONDS_AT_MOST, (duration / 1000) * 0.3)
    const octets = seconds * BULK_PACKETS_PER_SECOND * PAYLOAD_OCTETS
    const context = plan.context('bulk tunnel', start)
    const details = tunnel('bulk-tunnel', client, server, start, start + seconds * 1000)
    plan.add(bulkTunnel(context, { client, server }, octets, BULK_PACKETS_PER_SECOND), details)
  }
  {
    const [client, server, start] = [branch[6]!, servers.files, at(0.2)]
    const phase = Math.min(PHASE_MILLISECONDS_AT_MOST, duration * 0.35)
    const context = plan.context('balanced tunnel', start)
    const details = tunnel('balanced-tunnel', client, server, start, start + 2 * phase)
    plan.add(balancedTunnel(context, { client, server }, phase), details)
  }
  {
    const [client, server, start] = [lab[1]!.ipv6!, strangers[3]!.ipv6!, at(0.15)]
    const context = plan.context('polling shell', start)
    plan.add(pollingShell(context, { client, server }), tunnel('polling-shell', client, server, start))
  }
  {
    const [client, server, start] = [cameras[1]!, strangers[4]!, at(0)]
    const context = plan.context('beacon', start)
    const beacon = mirroredBeacon(context, { client, server }, 60, 20_000, 0.25)
    plan.add(beacon, tunnel('mirrored-beacon', client, server, start))
  }
  {
    const [client, server, start] = [printers[1]!, strangers[5]!, at(0.4)]
    const context = plan.context('one way', start)
    plan.add(
      oneWayExfiltration(context, { client, server }),
      tunnel('one-way-exfiltration', client, server, start),
    )
  }
}

/** Adds the services on ports that are not theirs. */
export function addHiddenServices(plan: TrafficPlan, company: SmallCompany): void {
  const { users, servers, branch, lab, strangers } = company
  const mismatch = (
    shape: string,
    source: Host,
    destinations: Host,
    protocolIdentifier: number,
    port: number,
  ) => ({
    label: 'port_mismatch' as const,
    shape,
    source,
    destinations,
    protocolIdentifier,
    destinationTransportPort: port,
  })
  const context = plan.context
  const [shellServer, proxyServer, otherProxy] = [strangers[6]!, strangers[7]!, strangers[8]!]
  const [relay, drop, control] = [strangers[9]!, strangers[10]!, strangers[0]!]
  plan.add(
    sshOn443(context('ssh 443'), users[9]!, shellServer),
    mismatch('ssh-443', users[9]!, shellServer, 6, 443),
  )
  plan.add(
    socks(context('socks 4444'), branch[2]!, proxyServer, 4444),
    mismatch('socks-4444', branch[2]!, proxyServer, 6, 4444),
  )
  plan.add(
    socks(context('socks 1080'), users[10]!, otherProxy, 1080),
    mismatch('socks-1080', users[10]!, otherProxy, 6, 1080),
  )
  plan.add(
    shortOnPort(context('http 53'), users[11]!, relay, 53, 'http', 30_000),
    mismatch('http-53-tcp', users[11]!, relay, 6, 53),
  )
  plan.add(
    datagramsOnPort(context('raw 53'), servers.web, drop, 53),
    mismatch('datagrams-53-udp', servers.web, drop, 17, 53),
  )
  plan.add(
    datagramsOnPort(context('raw 6000'), branch[3]!, control, 6000, 5000, 300),
    mismatch('datagrams-6000-udp', branch[3]!, control, 17, 6000),
  )
  plan.add(
    shortOnPort(context('tls 4444'), lab[2]!, drop, 4444, 'ssl', 45_000),
    mismatch('tls-4444', lab[2]!, drop, 6, 4444),
  )
}

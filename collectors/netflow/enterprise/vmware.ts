/**
 * VMware (enterprise 6876). Source: VMware, "Flows Monitored by the IPFIX for vSphere Distributed Switch" (NSX for vSphere 6.4 documentation).
 */
import type { EnterpriseElements } from './table.js'

export const vmware: EnterpriseElements = [
  [880, 'vmwareTenantProtocol', 'unsigned8'],
  [881, 'vmwareTenantSourceIPv4', 'ipv4Address'],
  [882, 'vmwareTenantDestIPv4', 'ipv4Address'],
  [883, 'vmwareTenantSourceIPv6', 'ipv6Address'],
  [884, 'vmwareTenantDestIPv6', 'ipv6Address'],
  [886, 'vmwareTenantSourcePort', 'unsigned16'],
  [887, 'vmwareTenantDestPort', 'unsigned16'],
  [888, 'vmwareEgressInterfaceAttr', 'unsigned16'],
  [889, 'vmwareVxlanExportRole', 'unsigned8'],
  [890, 'vmwareIngressInterfaceAttr', 'unsigned16'],
]

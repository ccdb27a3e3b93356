/**
 * VMware (enterprise 6876). Source: VMware, "Flows Monitored by the IPFIX for vSphere Distributed Switch" (NSX for vSphere
 * 6.4) for 880 to 890, "IPFIX" (NSX-T Data Center 3.2 Administration Guide) for the logical switch (898) and the distributed
 * firewall (950 to 961).
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
  [898, 'vmwareVirtualObsId', 'string'],
  [950, 'vmwareRuleId', 'unsigned32'],
  [951, 'vmwareVmUuid', 'string'],
  [952, 'vmwareVnicIndex', 'unsigned32'],
  [953, 'vmwareSessionFlags', 'unsigned8'],
  [954, 'vmwareFlowDirection', 'unsigned8'],
  [955, 'vmwareAlgControlFlowId', 'unsigned64'],
  [956, 'vmwareAlgType', 'unsigned8'],
  [957, 'vmwareAlgFlowType', 'unsigned8'],
  [958, 'vmwareAverageLatency', 'unsigned32'],
  [959, 'vmwareRetransmissionCount', 'unsigned32'],
  [960, 'vmwareVifUuid', 'octetArray'],
  [961, 'vmwareVifId', 'string'],
]

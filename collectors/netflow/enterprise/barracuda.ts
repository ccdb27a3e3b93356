/**
 * Barracuda NextGen Firewall (enterprise 10704). Source: Barracuda Campus, "How to Configure Audit and Reporting with IPFIX", as logstash-codec-netflow (ipfix.yaml) lists it.
 */
import type { EnterpriseElements } from './table.js'

export const barracuda: EnterpriseElements = [
  [1, 'barracudaTimestamp', 'dateTimeSeconds'],
  [2, 'barracudaLogOp', 'unsigned8'],
  [3, 'barracudaTrafficType', 'unsigned8'],
  [4, 'barracudaFwRule', 'string'],
  [5, 'barracudaServiceName', 'string'],
  [6, 'barracudaReason', 'unsigned32'],
  [7, 'barracudaReasonText', 'string'],
  [8, 'barracudaBindIPv4Address', 'ipv4Address'],
  [9, 'barracudaBindTransportPort', 'unsigned16'],
  [10, 'barracudaConnIPv4Address', 'ipv4Address'],
  [11, 'barracudaConnTransportPort', 'unsigned16'],
  [12, 'barracudaAuditCounter', 'unsigned32'],
]

/**
 * Field types of NetFlow v9 above IANA's range: plain numbers there, no enterprise bit. Source: Cisco ASA and IOS firewall
 * (33000 to 35012: "Cisco ASA NetFlow Implementation Guide", IOS "Firewall High-Speed Logging", as Filebeat lists them in
 * decoder/fields/cisco.csv; 40000 to 40005: ASA before 8.4) and Palo Alto Networks (PAN-OS, "NetFlow Templates").
 */
import type { EnterpriseElements } from './table.js'

export const version9: EnterpriseElements = [
  [33000, 'ingressAclId', 'octetArray'],
  [33001, 'egressAclId', 'octetArray'],
  [33002, 'fwExtEvent', 'unsigned16'],
  [33003, 'fwEventLevel', 'unsigned32'],
  [33004, 'fwEventLevelId', 'unsigned32'],
  [33005, 'fwConfiguredValue', 'unsigned32'],
  [34000, 'fwCtsSourceSgt', 'unsigned32'],
  [35001, 'fwExtEventAlt', 'unsigned32'],
  [35004, 'fwBlackoutSeconds', 'unsigned32'],
  [35005, 'fwHalfOpenHigh', 'unsigned32'],
  [35006, 'fwHalfOpenRate', 'unsigned32'],
  [35007, 'fwZonePairId', 'unsigned32'],
  [35008, 'fwMaxSessions', 'unsigned32'],
  [35009, 'fwZonePairName', 'octetArray'],
  [35010, 'fwExtEventDescription', 'string'],
  [35011, 'fwSummaryPacketCount', 'unsigned32'],
  [35012, 'fwHalfOpenCount', 'unsigned32'],
  [40000, 'asaUserName', 'string'],
  [40001, 'asaXlateSourceIPv4Address', 'ipv4Address'],
  [40002, 'asaXlateDestinationIPv4Address', 'ipv4Address'],
  [40003, 'asaXlateSourceTransportPort', 'unsigned16'],
  [40004, 'asaXlateDestinationTransportPort', 'unsigned16'],
  [40005, 'asaFirewallEvent', 'unsigned8'],
  [56701, 'paloAltoAppId', 'string'],
  [56702, 'paloAltoUserId', 'string'],
]

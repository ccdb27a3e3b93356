/**
 * Vendors with a few elements each. Sources: logstash-codec-netflow (ipfix.yaml), which Filebeat repeats
 * (decoder/fields/assorted.csv), for Nokia, Astaro, Barracuda's older number and netfilter; NetGauze (huawei.xml) for
 * Huawei; Wireshark's packet-netflow.c for Juniper, whose element is a kind in its high six bits (drop reason, interface
 * index, …) and a value.
 */
import type { EnterpriseElements } from './table.js'

/** Nokia, formerly Alcatel-Lucent (enterprise 637). */
export const nokia: EnterpriseElements = [
  [91, 'natInsideSvcid', 'unsigned16'],
  [92, 'natOutsideSvcid', 'unsigned16'],
  [93, 'natSubString', 'string'],
]

/** Huawei (enterprise 2011), passive optical networks. */
export const huawei: EnterpriseElements = [
  [1, 'ingressGponGemPortId', 'unsigned16'],
  [2, 'egressGponGemPortId', 'unsigned16'],
]

/** Juniper Networks (enterprise 2636). */
export const juniper: EnterpriseElements = [[137, 'commonPropertiesId', 'octetArray']]

/** Astaro, now Sophos (enterprise 9789). */
export const astaro: EnterpriseElements = [
  [1, 'afcProtocol', 'unsigned16'],
  [2, 'afcProtocolName', 'string'],
  [4, 'flowDirection', 'unsigned8'],
]

/** netfilter's ulogd2 (enterprise 21373). */
export const netfilter: EnterpriseElements = [
  [4, 'mark', 'unsigned32'],
  [6, 'conntrackId', 'unsigned32'],
]

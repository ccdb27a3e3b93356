/**
 * The structures of flow records by their format number, with the names of the texts that define them, for people to
 * read. "sFlow Version 5" (2004) up to 1012; RFC 4625 (1018); the texts at sflow.org on 802.11 (1013 to 1016), OpenFlow
 * (1017), ports of NAT (1020), tunnels (1021 to 1030), InfiniBand (1031 to 1033), drops (1036 to 1038), transit (1039,
 * 1040), hosts (2100, 2101), HTTP (2102, 2103, 2201, 2206, 2207), applications (2202 to 2205), memcache (2200); the sFlow
 * discussion list for 1019, 1034, 1035, 2000 to 2003, 2208 and 2209; host-sflow for 1041, 1042 and 2210; Broadcom (4413).
 */
import { formatOf, type Structures, structure } from './structure.js'

const ETHERNET = 'length src_mac:mac dst_mac:mac type'
const IPV4 = 'length protocol src_ip:ipv4 dst_ip:ipv4 src_port dst_port tcp_flags tos'
const IPV6 = 'length protocol src_ip:ipv6 dst_ip:ipv6 src_port dst_port tcp_flags priority'
const SOCKET_IPV4 = 'protocol local_ip:ipv4 remote_ip:ipv4 local_port remote_port'
const SOCKET_IPV6 = 'protocol local_ip:ipv6 remote_ip:ipv6 local_port remote_port'
const HTTP_TEXTS = 'uri:text host:text referer:text useragent:text xff:text authuser:text mime_type:text'
const HTTP_END = 'req_bytes:u64 resp_bytes:u64 uS status:i32'
const CONTEXT = 'application:text operation:text attributes:text'
const NAVIGATION = `type redirectCount navigationStart unloadEventStart unloadEventEnd redirectStart redirectEnd fetchStart
  domainLookupStart domainLookupEnd connectStart connectEnd secureConnectionStart requestStart responseStart responseEnd
  domLoading domInteractive domContentLoadedEventStart domContentLoadedEventEnd domComplete loadEventStart loadEventEnd`

export const flowStructures: Structures = new Map([
  [1, structure('sampled_header', 'header_protocol frame_length stripped header:opaque')],
  [2, structure('sampled_ethernet', ETHERNET)],
  [3, structure('sampled_ipv4', IPV4)],
  [4, structure('sampled_ipv6', IPV6)],
  [1001, structure('extended_switch', 'src_vlan src_priority dst_vlan dst_priority')],
  [1002, structure('extended_router', 'nexthop:address src_mask_len dst_mask_len')],
  [
    1003,
    structure(
      'extended_gateway',
      'nexthop:address as src_as src_peer_as dst_as_path:path communities:list localpref',
    ),
  ],
  [1004, structure('extended_user', 'src_charset src_user:text dst_charset dst_user:text')],
  [1005, structure('extended_url', 'direction url:text host:text')],
  [1006, structure('extended_mpls', 'nexthop:address in_stack:list out_stack:list')],
  [1007, structure('extended_nat', 'src_address:address dst_address:address')],
  [1008, structure('extended_mpls_tunnel', 'tunnel_lsp_name:text tunnel_id tunnel_cos')],
  [1009, structure('extended_mpls_vc', 'vc_instance_name:text vll_vc_id vc_label_cos')],
  [1010, structure('extended_mpls_FTN', 'mplsFTNDescr:text mplsFTNMask')],
  [1011, structure('extended_mpls_LDP_FEC', 'mplsFecAddrPrefixLength')],
  [1012, structure('extended_vlantunnel', 'stack:list')],
  [1013, structure('extended_80211_payload', 'ciphersuite data:opaque')],
  [
    1014,
    structure('extended_80211_rx', 'ssid:text bssid:mac version channel speed:u64 rsni rcpi packet_duration'),
  ],
  [
    1015,
    structure(
      'extended_80211_tx',
      'ssid:text bssid:mac version transmissions packet_duration retrans_duration channel speed:u64 power',
    ),
  ],
  [1016, structure('extended_80211_aggregation', 'pdus:pdus')],
  [1017, structure('extended_openflow_v1', 'flow_cookie:u64 flow_match flow_actions')],
  [1018, structure('extended_fc', 'src_mask_len dst_mask_len next_hop metric')],
  [1019, structure('extended_queue_length', 'queueIndex queueLength')],
  [1020, structure('extended_nat_port', 'src_port dst_port')],
  [1021, structure('extended_L2_tunnel_egress', ETHERNET)],
  [1022, structure('extended_L2_tunnel_ingress', ETHERNET)],
  [1023, structure('extended_ipv4_tunnel_egress', IPV4)],
  [1024, structure('extended_ipv4_tunnel_ingress', IPV4)],
  [1025, structure('extended_ipv6_tunnel_egress', IPV6)],
  [1026, structure('extended_ipv6_tunnel_ingress', IPV6)],
  [1027, structure('extended_decapsulate_egress', 'inner_header_offset')],
  [1028, structure('extended_decapsulate_ingress', 'inner_header_offset')],
  [1029, structure('extended_vni_egress', 'vni')],
  [1030, structure('extended_vni_ingress', 'vni')],
  [
    1031,
    structure(
      'extended_ib_lrh',
      'src_vl src_sl src_dlid src_slid src_lnh dst_vl dst_sl dst_dlid dst_slid dst_lnh',
    ),
  ],
  [1032, structure('extended_ib_grh', 'flow_label tc s_gid:octets16 d_gid:octets16 next_header length')],
  [1033, structure('extended_ib_bth', 'pkey dst_qp opcode')],
  [1034, structure('extended_vlanin', 'stack:list')],
  [1035, structure('extended_vlanout', 'stack:list')],
  [1036, structure('extended_egress_queue', 'queue')],
  [1037, structure('extended_acl', 'number name:text direction')],
  [1038, structure('extended_function', 'symbol:text')],
  [1039, structure('extended_transit', 'delay')],
  [1040, structure('extended_queue', 'depth')],
  [1041, structure('extended_hw_trap', 'group:text trap:text')],
  [1042, structure('extended_linux_drop_reason', 'reason:text')],
  [2000, structure('transaction', 'direction wait duration status bytes_received:u64 bytes_send:u64')],
  [2001, structure('extended_nfs_storage_transaction', 'path:text operation status')],
  [2002, structure('extended_scsi_storage_transaction', 'lun operation status')],
  [
    2003,
    structure('extended_http_transaction', 'url:text host:text referer:text useragent:text user:text status'),
  ],
  [2100, structure('extended_socket_ipv4', SOCKET_IPV4)],
  [2101, structure('extended_socket_ipv6', SOCKET_IPV6)],
  [2102, structure('extended_proxy_socket_ipv4', SOCKET_IPV4)],
  [2103, structure('extended_proxy_socket_ipv6', SOCKET_IPV6)],
  [2200, structure('memcache_operation', 'protocol cmd key:text nkeys value_bytes uS status')],
  // The draft of 2206, without the version of HTTP.
  [2201, structure('http_request', `method ${HTTP_TEXTS} ${HTTP_END}`)],
  [2202, structure('app_operation', `${CONTEXT} status_descr:text req_bytes:u64 resp_bytes:u64 uS status`)],
  [2203, structure('app_parent_context', CONTEXT)],
  [2204, structure('app_initiator', 'actor:text')],
  [2205, structure('app_target', 'actor:text')],
  [2206, structure('http_request', `method protocol ${HTTP_TEXTS} ${HTTP_END}`)],
  [2207, structure('extended_proxy_request', 'uri:text host:text')],
  [2208, structure('extended_nav_timing', NAVIGATION)],
  [
    2209,
    structure(
      'extended_tcp_info',
      'dir snd_mss rcv_mss unacked lost retrans pmtu rtt rttvar snd_cwnd reordering min_rtt',
    ),
  ],
  [2210, structure('extended_entities', 'src_ds_class src_ds_index dst_ds_class dst_ds_index')],
  [formatOf(4413, 1), structure('extended_bst_egress_queue', 'queue')],
])

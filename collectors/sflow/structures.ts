/**
 * The structures of flow and counter records by their format number, with the specification's names, for people to
 * read: fields in wire order. Of enterprise 0; what is not here is shown in hex. "sFlow Version 5" (2004), and the
 * later texts on NAT ports (1020), tunnels (1021-1030), host functions and queues (1036-1040), ports (1005).
 */

/** XDR types; `list` is a count and so many words, `path` AS path segments, `mac` six octets in eight. */
export type FieldType =
  | 'u32'
  | 'u64'
  | 'ipv4'
  | 'ipv6'
  | 'address'
  | 'mac'
  | 'text'
  | 'opaque'
  | 'list'
  | 'path'
export type Field = readonly [name: string, type: FieldType]
export type Structure = { readonly name: string; readonly fields: readonly Field[] }

const words = (names: string): Field[] => names.split(' ').map((name) => [name, 'u32'])
const structure = (name: string, ...fields: Field[]): Structure => ({ name, fields })

const sampledEthernet: Field[] = [
  ['length', 'u32'],
  ['src_mac', 'mac'],
  ['dst_mac', 'mac'],
  ['type', 'u32'],
]
const sampledIpv4: Field[] = [
  ...words('length protocol'),
  ['src_ip', 'ipv4'],
  ['dst_ip', 'ipv4'],
  ...words('src_port dst_port tcp_flags tos'),
]
const sampledIpv6: Field[] = [
  ...words('length protocol'),
  ['src_ip', 'ipv6'],
  ['dst_ip', 'ipv6'],
  ...words('src_port dst_port tcp_flags priority'),
]

export const flowStructures: ReadonlyMap<number, Structure> = new Map([
  [1, structure('sampled_header', ...words('header_protocol frame_length stripped'), ['header', 'opaque'])],
  [2, structure('sampled_ethernet', ...sampledEthernet)],
  [3, structure('sampled_ipv4', ...sampledIpv4)],
  [4, structure('sampled_ipv6', ...sampledIpv6)],
  [1001, structure('extended_switch', ...words('src_vlan src_priority dst_vlan dst_priority'))],
  [1002, structure('extended_router', ['nexthop', 'address'], ...words('src_mask_len dst_mask_len'))],
  [
    1003,
    structure(
      'extended_gateway',
      ['nexthop', 'address'],
      ...words('as src_as src_peer_as'),
      ['dst_as_path', 'path'],
      ['communities', 'list'],
      ['localpref', 'u32'],
    ),
  ],
  [
    1004,
    structure(
      'extended_user',
      ['src_charset', 'u32'],
      ['src_user', 'text'],
      ['dst_charset', 'u32'],
      ['dst_user', 'text'],
    ),
  ],
  [1005, structure('extended_url', ['direction', 'u32'], ['url', 'text'], ['host', 'text'])],
  [1006, structure('extended_mpls', ['nexthop', 'address'], ['in_stack', 'list'], ['out_stack', 'list'])],
  [1007, structure('extended_nat', ['src_address', 'address'], ['dst_address', 'address'])],
  [1008, structure('extended_mpls_tunnel', ['tunnel_lsp_name', 'text'], ...words('tunnel_id tunnel_cos'))],
  [1009, structure('extended_mpls_vc', ['vc_instance_name', 'text'], ...words('vll_vc_id vc_label_cos'))],
  [1010, structure('extended_mpls_FTN', ['mplsFTNDescr', 'text'], ['mplsFTNMask', 'u32'])],
  [1011, structure('extended_mpls_LDP_FEC', ['mplsFecAddrPrefixLength', 'u32'])],
  [1012, structure('extended_vlantunnel', ['stack', 'list'])],
  [1020, structure('extended_nat_port', ...words('src_port dst_port'))],
  [1021, structure('extended_L2_tunnel_egress', ...sampledEthernet)],
  [1022, structure('extended_L2_tunnel_ingress', ...sampledEthernet)],
  [1023, structure('extended_ipv4_tunnel_egress', ...sampledIpv4)],
  [1024, structure('extended_ipv4_tunnel_ingress', ...sampledIpv4)],
  [1025, structure('extended_ipv6_tunnel_egress', ...sampledIpv6)],
  [1026, structure('extended_ipv6_tunnel_ingress', ...sampledIpv6)],
  [1027, structure('extended_decapsulate_egress', ['inner_header_offset', 'u32'])],
  [1028, structure('extended_decapsulate_ingress', ['inner_header_offset', 'u32'])],
  [1029, structure('extended_vni_egress', ['vni', 'u32'])],
  [1030, structure('extended_vni_ingress', ['vni', 'u32'])],
  [1036, structure('extended_egress_queue', ['queue', 'u32'])],
  [1037, structure('extended_acl', ['number', 'u32'], ['name', 'text'], ['direction', 'u32'])],
  [1038, structure('extended_function', ['symbol', 'text'])],
  [1039, structure('extended_transit', ['delay', 'u32'])],
  [1040, structure('extended_queue', ['depth', 'u32'])],
])

export const counterStructures: ReadonlyMap<number, Structure> = new Map([
  [
    1,
    structure(
      'if_counters',
      ...words('ifIndex ifType'),
      ['ifSpeed', 'u64'],
      ...words('ifDirection ifStatus'),
      ['ifInOctets', 'u64'],
      ...words('ifInUcastPkts ifInMulticastPkts ifInBroadcastPkts ifInDiscards ifInErrors ifInUnknownProtos'),
      ['ifOutOctets', 'u64'],
      ...words('ifOutUcastPkts ifOutMulticastPkts ifOutBroadcastPkts ifOutDiscards ifOutErrors'),
      ['ifPromiscuousMode', 'u32'],
    ),
  ],
  [
    2,
    structure(
      'ethernet_counters',
      ...words('dot3StatsAlignmentErrors dot3StatsFCSErrors dot3StatsSingleCollisionFrames'),
      ...words('dot3StatsMultipleCollisionFrames dot3StatsSQETestErrors dot3StatsDeferredTransmissions'),
      ...words('dot3StatsLateCollisions dot3StatsExcessiveCollisions dot3StatsInternalMacTransmitErrors'),
      ...words('dot3StatsCarrierSenseErrors dot3StatsFrameTooLongs dot3StatsInternalMacReceiveErrors'),
      ['dot3StatsSymbolErrors', 'u32'],
    ),
  ],
  [
    5,
    structure(
      'vlan_counters',
      ['vlan_id', 'u32'],
      ['octets', 'u64'],
      ...words('ucastPkts multicastPkts broadcastPkts discards'),
    ),
  ],
  [
    1001,
    structure('processor', ...words('5s_cpu 1m_cpu 5m_cpu'), ['total_memory', 'u64'], ['free_memory', 'u64']),
  ],
  [1005, structure('port_name', ['name', 'text'])],
])

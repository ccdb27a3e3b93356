/**
 * The structures of counter records by their format number, with the names of the texts that define them, for people to
 * read. "sFlow Version 5" (2004) for 1 to 5 and 1001; the texts at sflow.org on 802.11 (6, 1002), link aggregation (7),
 * optics (10), OpenFlow (1004, 1005), hosts (2000 to 2006, 2100 to 2104), Java (2105, 2106), HTTP (2201), applications
 * (2202, 2203, 2206), memcache (2204), Broadcom's tables (4413) and NVIDIA's (5703); the sFlow discussion list for 1003;
 * host-sflow for 2007 to 2010.
 */
import { fields, formatOf, type Structures, structure } from './structure.js'

const NET_IO = 'bytes_in:u64 pkts_in errs_in drops_in bytes_out:u64 packets_out errs_out drops_out'

export const counterStructures: Structures = new Map([
  [
    1,
    structure(
      'if_counters',
      `ifIndex ifType ifSpeed:u64 ifDirection ifStatus ifInOctets:u64 ifInUcastPkts ifInMulticastPkts ifInBroadcastPkts
       ifInDiscards ifInErrors ifInUnknownProtos ifOutOctets:u64 ifOutUcastPkts ifOutMulticastPkts ifOutBroadcastPkts
       ifOutDiscards ifOutErrors ifPromiscuousMode`,
    ),
  ],
  [
    2,
    structure(
      'ethernet_counters',
      `dot3StatsAlignmentErrors dot3StatsFCSErrors dot3StatsSingleCollisionFrames dot3StatsMultipleCollisionFrames
       dot3StatsSQETestErrors dot3StatsDeferredTransmissions dot3StatsLateCollisions dot3StatsExcessiveCollisions
       dot3StatsInternalMacTransmitErrors dot3StatsCarrierSenseErrors dot3StatsFrameTooLongs
       dot3StatsInternalMacReceiveErrors dot3StatsSymbolErrors`,
    ),
  ],
  [
    3,
    structure(
      'tokenring_counters',
      `dot5StatsLineErrors dot5StatsBurstErrors dot5StatsACErrors dot5StatsAbortTransErrors dot5StatsInternalErrors
       dot5StatsLostFrameErrors dot5StatsReceiveCongestions dot5StatsFrameCopiedErrors dot5StatsTokenErrors
       dot5StatsSoftErrors dot5StatsHardErrors dot5StatsSignalLoss dot5StatsTransmitBeacons dot5StatsRecoverys
       dot5StatsLobeWires dot5StatsRemoves dot5StatsSingles dot5StatsFreqErrors`,
    ),
  ],
  [
    4,
    structure(
      'vg_counters',
      `dot12InHighPriorityFrames dot12InHighPriorityOctets:u64 dot12InNormPriorityFrames dot12InNormPriorityOctets:u64
       dot12InIPMErrors dot12InOversizeFrameErrors dot12InDataErrors dot12InNullAddressedFrames
       dot12OutHighPriorityFrames dot12OutHighPriorityOctets:u64 dot12TransitionIntoTrainings
       dot12HCInHighPriorityOctets:u64 dot12HCInNormPriorityOctets:u64 dot12HCOutHighPriorityOctets:u64`,
    ),
  ],
  [5, structure('vlan_counters', 'vlan_id octets:u64 ucastPkts multicastPkts broadcastPkts discards')],
  [
    6,
    structure(
      'ieee80211_counters',
      `dot11TransmittedFragmentCount dot11MulticastTransmittedFrameCount dot11FailedCount dot11RetryCount
       dot11MultipleRetryCount dot11FrameDuplicateCount dot11RTSSuccessCount dot11RTSFailureCount dot11ACKFailureCount
       dot11ReceivedFragmentCount dot11MulticastReceivedFrameCount dot11FCSErrorCount dot11TransmittedFrameCount
       dot11WEPUndecryptableCount dot11QoSDiscardedFragmentCount dot11AssociatedStationCount
       dot11QoSCFPollsReceivedCount dot11QoSCFPollsUnusedCount dot11QoSCFPollsUnusableCount dot11QoSCFPollsLostCount`,
    ),
  ],
  [
    7,
    structure(
      'lag_port_stats',
      `dot3adAggPortActorSystemID:mac dot3adAggPortPartnerOperSystemID:mac dot3adAggPortAttachedAggID dot3adAggPortState
       dot3adAggPortStatsLACPDUsRx dot3adAggPortStatsMarkerPDUsRx dot3adAggPortStatsMarkerResponsePDUsRx
       dot3adAggPortStatsUnknownRx dot3adAggPortStatsIllegalRx dot3adAggPortStatsLACPDUsTx
       dot3adAggPortStatsMarkerPDUsTx dot3adAggPortStatsMarkerResponsePDUsTx`,
    ),
  ],
  [
    10,
    structure('sfp', 'module_id module_num_lanes module_supply_voltage module_temperature:i32', [
      {
        name: 'lanes',
        each: fields(
          `index tx_bias_current tx_power tx_power_min tx_power_max tx_wavelength rx_power rx_power_min rx_power_max
           rx_wavelength`,
        ),
      },
    ]),
  ],
  [1001, structure('processor', '5s_cpu 1m_cpu 5m_cpu total_memory:u64 free_memory:u64')],
  [1002, structure('radio_utilization', 'elapsed_time on_channel_time on_channel_busy_time')],
  [
    1003,
    structure(
      'queue_length',
      `queueIndex segmentSize queueSegments queueLength0 queueLength1 queueLength2 queueLength4 queueLength8
       queueLength32 queueLength128 queueLength1024 queueLengthMore dropped`,
    ),
  ],
  [1004, structure('of_port', 'datapath_id:u64 port_no')],
  [1005, structure('port_name', 'name:text')],
  [2000, structure('host_descr', 'hostname:text uuid:octets16 machine_type os_name os_release:text')],
  [
    2001,
    structure('host_adapters', '', [
      {
        name: 'adapters',
        each: [...fields('ifIndex'), { name: 'mac_addresses', each: fields('mac_address:mac') }],
      },
    ]),
  ],
  [2002, structure('host_parent', 'container_type container_index')],
  [
    2003,
    // The last three came later.
    structure(
      'host_cpu',
      `load_one:f32 load_five:f32 load_fifteen:f32 proc_run proc_total cpu_num cpu_speed uptime cpu_user cpu_nice
       cpu_system cpu_idle cpu_wio cpu_intr cpu_sintr interrupts contexts cpu_steal cpu_guest cpu_guest_nice`,
      [],
      17,
    ),
  ],
  [
    2004,
    structure(
      'host_memory',
      `mem_total:u64 mem_free:u64 mem_shared:u64 mem_buffers:u64 mem_cached:u64 swap_total:u64 swap_free:u64 page_in
       page_out swap_in swap_out`,
    ),
  ],
  [
    2005,
    structure(
      'host_disk_io',
      'disk_total:u64 disk_free:u64 part_max_used:i32 reads bytes_read:u64 read_time writes bytes_written:u64 write_time',
    ),
  ],
  [2006, structure('host_net_io', NET_IO)],
  [
    2007,
    structure(
      'mib2_ip_group',
      `ipForwarding ipDefaultTTL ipInReceives ipInHdrErrors ipInAddrErrors ipForwDatagrams ipInUnknownProtos ipInDiscards
       ipInDelivers ipOutRequests ipOutDiscards ipOutNoRoutes ipReasmTimeout ipReasmReqds ipReasmOKs ipReasmFails
       ipFragOKs ipFragFails ipFragCreates`,
    ),
  ],
  [
    2008,
    structure(
      'mib2_icmp_group',
      `icmpInMsgs icmpInErrors icmpInDestUnreachs icmpInTimeExcds icmpInParamProbs icmpInSrcQuenchs icmpInRedirects
       icmpInEchos icmpInEchoReps icmpInTimestamps icmpInAddrMasks icmpInAddrMaskReps icmpOutMsgs icmpOutErrors
       icmpOutDestUnreachs icmpOutTimeExcds icmpOutParamProbs icmpOutSrcQuenchs icmpOutRedirects icmpOutEchos
       icmpOutEchoReps icmpOutTimestamps icmpOutTimestampReps icmpOutAddrMasks icmpOutAddrMaskReps`,
    ),
  ],
  [
    2009,
    structure(
      'mib2_tcp_group',
      `tcpRtoAlgorithm tcpRtoMin tcpRtoMax tcpMaxConn tcpActiveOpens tcpPassiveOpens tcpAttemptFails tcpEstabResets
       tcpCurrEstab tcpInSegs tcpOutSegs tcpRetransSegs tcpInErrs tcpOutRsts tcpInCsumErrors`,
    ),
  ],
  [
    2010,
    structure(
      'mib2_udp_group',
      'udpInDatagrams udpNoPorts udpInErrors udpOutDatagrams udpRcvbufErrors udpSndbufErrors udpInCsumErrors',
    ),
  ],
  [2100, structure('virt_node', 'mhz cpus memory:u64 memory_free:u64 num_domains')],
  [2101, structure('virt_cpu', 'state cpuTime nrVirtCpu')],
  [2102, structure('virt_memory', 'memory:u64 maxMemory:u64')],
  [
    2103,
    structure(
      'virt_disk_io',
      'capacity:u64 allocation:u64 physical:u64 rd_req rd_bytes:u64 wr_req wr_bytes:u64 errs',
    ),
  ],
  [
    2104,
    structure(
      'virt_net_io',
      'rx_bytes:u64 rx_packets rx_errs rx_drop tx_bytes:u64 tx_packets tx_errs tx_drop',
    ),
  ],
  [2105, structure('jvm_runtime', 'vm_name:text vm_vendor:text vm_version:text')],
  [
    2106,
    structure(
      'jvm_statistics',
      `heap_initial:u64 heap_used:u64 heap_committed:u64 heap_max:u64 non_heap_initial:u64 non_heap_used:u64
       non_heap_committed:u64 non_heap_max:u64 gc_count gc_time classes_loaded classes_total classes_unloaded
       compilation_time thread_num_live thread_num_daemon thread_num_started fd_open_count fd_max_count`,
    ),
  ],
  [
    2201,
    structure(
      'http_counters',
      `method_option_count method_get_count method_head_count method_post_count method_put_count method_delete_count
       method_trace_count method_connect_count method_other_count status_1XX_count status_2XX_count status_3XX_count
       status_4XX_count status_5XX_count status_other_count`,
    ),
  ],
  [
    2202,
    structure(
      'app_operations',
      `application:text success other timeout internal_error bad_request forbidden too_large not_implemented not_found
       unavailable unauthorized`,
    ),
  ],
  [
    2203,
    structure(
      'app_resources',
      'user_time system_time mem_used:u64 mem_max:u64 fd_open fd_max conn_open conn_max',
    ),
  ],
  [
    2204,
    structure(
      'memcache_counters',
      `cmd_set cmd_touch cmd_flush get_hits get_misses delete_hits delete_misses incr_hits incr_misses decr_hits
       decr_misses cas_hits cas_misses cas_badval auth_cmds auth_errors threads conn_yields listen_disabled_num
       curr_connections rejected_connections total_connections connection_structures evictions reclaimed curr_items
       total_items bytes_read:u64 bytes_written:u64 bytes:u64 limit_maxbytes:u64`,
    ),
  ],
  [2206, structure('app_workers', 'workers_active workers_idle workers_max req_delayed req_dropped')],
  [formatOf(4413, 1), structure('bst_device_buffers', 'uc_pc:i32 mc_pc:i32')],
  [
    formatOf(4413, 3),
    structure(
      'hw_tables',
      `host_entries host_entries_max ipv4_entries ipv4_entries_max ipv6_entries ipv6_entries_max ipv4_ipv6_entries
       ipv4_ipv6_entries_max long_ipv6_entries long_ipv6_entries_max total_routes total_routes_max ecmp_nexthops
       ecmp_nexthops_max mac_entries mac_entries_max ipv4_neighbors ipv6_neighbors ipv4_routes ipv6_routes
       acl_ingress_entries acl_ingress_entries_max acl_ingress_counters acl_ingress_counters_max acl_ingress_meters
       acl_ingress_meters_max acl_ingress_slices acl_ingress_slices_max acl_egress_entries acl_egress_entries_max
       acl_egress_counters acl_egress_counters_max acl_egress_meters acl_egress_meters_max acl_egress_slices
       acl_egress_slices_max`,
    ),
  ],
  [
    formatOf(5703, 1),
    structure(
      'nvidia_gpu',
      'device_count processes gpu_time mem_time mem_total:u64 mem_free:u64 ecc_errors energy temperature fan_speed',
    ),
  ],
])

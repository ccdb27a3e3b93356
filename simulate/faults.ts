// What goes wrong between the wire and the collector, as options per exporter. Each is absent by default.
// "Forward" is from the initiator of the traffic to the responder, "reverse" the way back.

/** Faults of one exporter's metering and export; probabilities are in [0, 1]. */
export interface ExporterFaults {
  /** Each packet is missed by the meter with this probability. */
  readonly meterDropProbability?: number
  /** Forward packets take another path with this probability (1: one-sided view, 0.5: ECMP over two routers). */
  readonly missingForwardProbability?: number
  /** Reverse packets take another path with this probability. */
  readonly missingReverseProbability?: number
  /** Octets of layer 2 that the meter counts in each forward packet. */
  readonly layer2OctetsForward?: number
  /** Octets of layer 2 that the meter counts in each reverse packet. */
  readonly layer2OctetsReverse?: number
  /** Flows metered at ingress and again at egress (IE 61 tells them apart where it is exported). */
  readonly doubleMetering?: 'both' | 'forward' | 'reverse'
  /** Metered 1:N although nothing that is exported says so. */
  readonly unannouncedSamplingInterval?: number
  /** Export datagrams that never arrive. */
  readonly datagramLossProbability?: number
  /** Export datagrams that arrive after their successor. */
  readonly datagramReorderProbability?: number
  /** Added to every time that the exporter reports. */
  readonly clockOffsetMilliseconds?: number
  /** Times (epoch) of restarts: the cache is lost, sequence numbers and system uptime begin anew. */
  readonly restartsAtMilliseconds?: readonly number[]
}

/** What the receiving thread and the one that started it say to each other. */

import type { ClockSetup } from '#core/clock.js'
import type { Config } from '#core/config.js'
import type { ThreadCounts } from '#core/counters.js'
import type { ExporterStatus } from '#core/exporters.js'
import type { ReceivedReport } from '#core/metrics.js'
import type { ElementType } from '#core/records/element-types.js'
import type { DatagramPort } from './datagram/ports.js'
import type { ExporterNews } from './exporter-directory.js'
import type { SyslogMapping } from './syslog/mapping.js'

/** Everything that the thread needs to know when it begins. */
export type ReceiverSetup = {
  readonly data: string
  /** Absent: the system's clock. */
  readonly clock?: ClockSetup
  /** Shared memory of the ingest sequence. */
  readonly sequence: SharedArrayBuffer
  readonly listen: Config['listen']
  /** This thread's row. */
  readonly counts: ThreadCounts
  /** Which of the receiving threads it is, from 0, and how many there are. */
  readonly worker: number
  readonly workers: number
  readonly datagramPorts: readonly DatagramPort[]
  readonly streamPorts: readonly StreamPort[]
  /** With less free space in the data folder nothing is stored. */
  readonly stopBelowFreeOctets: number
  /** Products of log lines that the configuration describes. */
  readonly mappings: readonly SyslogMapping[]
  /** Enterprise elements that the configuration names. */
  readonly elements: readonly {
    readonly enterpriseNumber: number
    readonly elementId: number
    readonly name: string
    readonly type: ElementType
  }[]
  readonly exporters: readonly {
    readonly address: string
    readonly samplingInterval?: number
    readonly zone?: string
  }[]
}

/** A port for connections. */
export type StreamPort = {
  readonly name: 'ipfix' | 'syslog'
  readonly transport: 'tcp' | 'tls'
  readonly port: number
}

/** A socket, or why there is none. */
export type ListeningReport = {
  readonly name: 'netflow' | 'ipfix' | 'sflow' | 'syslog'
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly port: number
  readonly ok: boolean
  /** Set when it could not be opened. */
  readonly error?: string
  /** True where the port may be left out: below 1024, or a stream whose port another program has. */
  readonly isOptional: boolean
  /** How datagrams are received here. */
  readonly receive?: 'dgram' | 'recvmmsg'
  readonly bufferAsked?: number
  readonly bufferGranted?: number
  /** As in ListeningSocket. */
  readonly inode?: number
}

export type FromReceiver =
  | {
      readonly type: 'listening'
      readonly sockets: readonly ListeningReport[]
      readonly restoredTemplates: number
    }
  /** Once a second. */
  | { readonly type: 'status'; readonly news: readonly ExporterNews[]; readonly report: ReceivedReport }
  /** A piece of what was asked for by that number. */
  | {
      readonly type: 'exporters'
      readonly request: number
      readonly exporters: readonly ExporterStatus[]
      readonly isLast: boolean
    }
  | { readonly type: 'problem'; readonly message: string }
  /** Something to know that is no fault of ours. */
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'stopped' }

export type ToReceiver =
  | { readonly type: 'exporters'; readonly request: number; readonly ids: readonly string[] }
  | { readonly type: 'stop' }

/** What the receiving thread and the one that started it say to each other. */
import type { ClockSetup } from '#core/clock.js'
import type { ExporterStatus } from '#core/exporters.js'

/** Everything that the thread needs to know when it begins. */
export type ReceiverSetup = {
  readonly data: string
  /** Absent: the system's clock. */
  readonly clock?: ClockSetup
  /** Shared memory of the ingest sequence. */
  readonly sequence: SharedArrayBuffer
  readonly host: string
  readonly netflowPorts: readonly number[]
  readonly sflowPorts: readonly number[]
  readonly syslogPorts: readonly number[]
  readonly receiveBufferOctets: number
  readonly exporters: readonly {
    readonly address: string
    readonly samplingInterval?: number
    readonly zone?: string
  }[]
}

/** A socket, or why there is none. */
export type ListeningReport = {
  readonly name: 'netflow' | 'sflow' | 'syslog'
  readonly transport: 'udp' | 'tcp'
  readonly port: number
  readonly ok: boolean
  /** Set when it could not be opened. */
  readonly error?: string
  /** True where the port is one that may be left out (below 1024). */
  readonly isOptional: boolean
  readonly bufferAsked?: number
  readonly bufferGranted?: number
}

/** Counts since the start. */
export type ReceiverCounts = {
  readonly datagrams: number
  readonly octets: number
  readonly rows: number
  readonly blocks: number
  readonly blockOctets: number
  readonly droppedRows: number
  readonly storeFailures: number
  /** Datagrams of no exporter that could be told, by reason. */
  readonly undecoded: Readonly<Record<string, number>>
  /** By what went wrong on TCP connections. */
  readonly tcp: Readonly<Record<string, number>>
  /** By port; absent where the system does not tell. */
  readonly kernelDrops?: Readonly<Record<number, number>>
}

export type FromReceiver =
  | {
      readonly type: 'listening'
      readonly sockets: readonly ListeningReport[]
      readonly restoredTemplates: number
    }
  | {
      readonly type: 'status'
      readonly exporters: readonly ExporterStatus[]
      readonly counts: ReceiverCounts
    }
  | { readonly type: 'problem'; readonly message: string }
  | { readonly type: 'stopped' }

export type ToReceiver = { readonly type: 'stop' }

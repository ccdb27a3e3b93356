/**
 * Captured datagrams into the store by the same decoders as the sockets. A capture does not say what a port is for, so
 * the payload does: a NetFlow, IPFIX or sFlow version number, else text.
 */
import type { Config } from '#core/config.js'
import type { Address } from '#core/records/address.js'
import type { BlockWriter } from '#core/store/writer.js'
import { createStreamSessions } from './capture/stream-sessions.js'
import { createExporterSettings } from './exporter-settings.js'
import { createFlowIntake } from './flow-intake.js'
import { namesOf } from './netflow/elements.js'
import { TemplateStore } from './netflow/template-store.js'
import { AgentStore } from './sflow/agents.js'
import { createSyslogIntake } from './syslog-intake.js'

export type ImportIntake = {
  readonly counts: {
    datagrams: number
    lines: number
    linesNotUnderstood: number
    undecoded: Record<string, number>
  }
  /** `transport` is a key of transportNames, UDP when it is not given; `stream` the TCP connection it came over. */
  datagram(
    payload: Uint8Array,
    source: Address,
    listenerPort: number,
    receivedMilliseconds: number,
    transport?: number,
    stream?: object,
  ): void
  /** Counts what a capture lacks. */
  fault(reason: string): void
  line(text: string, source: Address, listenerPort: number, receivedMilliseconds: number): void
  /** Gives up on what still waits for its template. */
  finish(): void
}

/** What is said of the devices; nothing is needed. */
export type ImportSettings = {
  /** IANA zone of log lines that name none, where the configuration has none for their sender. */
  readonly zone?: string | undefined
  readonly config?: Pick<Config, 'exporters' | 'elements' | 'syslog'> | undefined
}

export function createImportIntake(writer: BlockWriter, { zone, config }: ImportSettings = {}): ImportIntake {
  const settingsOf = createExporterSettings(config?.exporters ?? [])
  const counts: ImportIntake['counts'] = { datagrams: 0, lines: 0, linesNotUnderstood: 0, undecoded: {} }
  const count = (reason: string) => {
    counts.undecoded[reason] = (counts.undecoded[reason] ?? 0) + 1
  }
  const samplingOf = (address: Address) => settingsOf(address)?.samplingInterval ?? 0
  const flows = createFlowIntake({
    writer,
    store: new TemplateStore(samplingOf, {}, namesOf(config?.elements ?? [])),
    agents: new AgentStore(samplingOf),
    onUndecoded: count,
  })
  const sessions = createStreamSessions(flows.decoder)
  const syslog = createSyslogIntake({
    writer,
    zoneOf: (address) => settingsOf(address)?.zone ?? zone,
    mappings: config?.syslog.mappings ?? [],
    onRefused: () => count('exporter-limit'),
  })
  const line = (text: string, source: Address, listenerPort: number, received: number, transport = 0) => {
    counts.lines++
    syslog.line(text, source, listenerPort, transport, received)
  }
  return {
    counts,
    line,
    fault: count,
    datagram(payload, source, listenerPort, receivedMilliseconds, transport = 0, stream = undefined) {
      counts.datagrams++
      if (looksLikeText(payload)) {
        const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('latin1')
        line(text.replace(/[\r\n\0]+$/, ''), source, listenerPort, receivedMilliseconds, transport)
        return
      }
      const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
      if (stream !== undefined) {
        const session = sessions.of(stream, source, listenerPort, transport)
        flows.decoder.message(view, payload.length, session, receivedMilliseconds)
      } else if (transport === 0)
        flows.datagram(view, payload.length, source, listenerPort, receivedMilliseconds)
      else flows.decoder.datagram(view, payload.length, source, listenerPort, receivedMilliseconds, transport)
    },
    finish() {
      flows.decoder.finish()
      counts.linesNotUnderstood += syslog.notUnderstood()
    },
  }
}

/** Export packets begin with a version number, whose first octet is 0; log lines with a printable character. */
function looksLikeText(payload: Uint8Array): boolean {
  const first = payload[0]
  return first !== undefined && (first === 9 || (first >= 0x20 && first !== 0x7f))
}

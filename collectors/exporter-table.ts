/**
 * Who sends: exporters by transport session without the source port (decision 8), for each format alike. Bounded, and
 * found without a string being made as long as the caller uses one object for one address, as the sockets do.
 */
import { type Address, formatAddress } from '#core/records/address.js'

/** Exporters of one table: spoofed sources must not fill the memory. */
export const MAX_EXPORTERS = 16_384

export type ExporterSession = {
  readonly address: Address
  readonly listenerPort: number
  /** 0 UDP, 1 TCP, 2 TLS. */
  readonly transport: number
}

export class ExporterTable<Exporter extends ExporterSession> {
  private readonly list: Exporter[] = []
  private readonly byAddress = new Map<Address, Map<number, Exporter>>()
  private readonly byText = new Map<string, Exporter>()
  private readonly make: (session: ExporterSession) => Exporter
  private readonly most: number

  constructor(make: (session: ExporterSession) => Exporter, most = MAX_EXPORTERS) {
    this.make = make
    this.most = most
  }

  get all(): readonly Exporter[] {
    return this.list
  }

  /** The exporter of a datagram, made when it is new; undefined when there are too many. */
  of(address: Address, listenerPort: number, transport: number): Exporter | undefined {
    const session = listenerPort * 4 + transport
    const found = this.byAddress.get(address)?.get(session)
    if (found !== undefined) return found
    const text = `${formatAddress(address)}|${session}`
    let exporter = this.byText.get(text)
    if (exporter === undefined) {
      exporter = this.add(address, listenerPort, transport)
      if (exporter === undefined) return undefined
      this.byText.set(text, exporter)
    }
    let sessions = this.byAddress.get(address)
    if (sessions === undefined) {
      // Callers that do not reuse address objects must not grow this cache without end.
      if (this.byAddress.size >= 2 * MAX_EXPORTERS) this.byAddress.clear()
      sessions = new Map()
      this.byAddress.set(address, sessions)
    }
    sessions.set(session, exporter)
    return exporter
  }

  /** A session of its own (TCP, TLS), which `of` never finds; undefined when there are too many. */
  add(address: Address, listenerPort: number, transport: number): Exporter | undefined {
    if (this.list.length >= this.most) return undefined
    const exporter = this.make({ address, listenerPort, transport })
    this.list.push(exporter)
    return exporter
  }

  /** Forgets what `add` gave; false when it is not known. */
  remove(exporter: Exporter): boolean {
    const index = this.list.indexOf(exporter)
    if (index < 0) return false
    this.list.splice(index, 1)
    return true
  }
}

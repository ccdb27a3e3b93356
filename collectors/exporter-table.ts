/**
 * Who sends: exporters by transport session without the source port (decision 8), for each format alike. Bounded, and
 * found without a string being made as long as the caller uses one object for one address, as the sockets do.
 */
import { type Address, formatAddress } from '#core/records/address.js'

/** Exporters of one table: spoofed sources must not fill the memory. */
export const MAX_EXPORTERS = 16_384
/** Who has been silent for so long is forgotten when there is no room for somebody new. */
export const FORGOTTEN_MILLISECONDS = 10 * 60_000
/** Looking for those takes a while, and new senders may come by the thousand a second. */
const LOOK_EVERY_MILLISECONDS = 10_000

export type ExporterSession = {
  readonly address: Address
  readonly listenerPort: number
  /** 0 UDP, 1 TCP, 2 TLS. */
  readonly transport: number
}

export type ExporterTableOptions<Exporter> = {
  make(session: ExporterSession): Exporter
  /** When it sent something last, milliseconds since 1970; 0: not yet. */
  lastSeen(exporter: Exporter): number
  /** Told of each that has been forgotten to make room. */
  onForget?(exporter: Exporter): void
  /** Exporters in all. */
  readonly most?: number
}

export class ExporterTable<Exporter extends object> {
  private list: Exporter[] = []
  private readonly byAddress = new Map<Address, Map<number, Exporter>>()
  private readonly byText = new Map<string, Exporter>()
  private readonly options: ExporterTableOptions<Exporter>
  private readonly most: number
  /** When it was looked at first: exporters of before, as they are kept over a restart, had no time to send yet. */
  private firstMilliseconds: number | undefined
  private lookedMilliseconds = Number.NEGATIVE_INFINITY

  constructor(options: ExporterTableOptions<Exporter>) {
    this.options = options
    this.most = options.most ?? MAX_EXPORTERS
  }

  get all(): readonly Exporter[] {
    return this.list
  }

  /**
   * The exporter of a datagram, made when it is new; undefined when there are too many. Without `nowMilliseconds` nobody is
   * forgotten for it.
   */
  of(
    address: Address,
    listenerPort: number,
    transport: number,
    nowMilliseconds?: number,
  ): Exporter | undefined {
    const session = listenerPort * 4 + transport
    const found = this.byAddress.get(address)?.get(session)
    if (found !== undefined) return found
    const text = `${formatAddress(address)}|${session}`
    let exporter = this.byText.get(text)
    if (exporter === undefined) {
      if (nowMilliseconds !== undefined) this.makeRoom(nowMilliseconds)
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
    const exporter = this.options.make({ address, listenerPort, transport })
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

  /** Spoofed senders that filled the table must not keep real ones out until the next start. */
  private makeRoom(nowMilliseconds: number): void {
    this.firstMilliseconds ??= nowMilliseconds
    if (this.list.length < this.most) return
    if (Math.abs(nowMilliseconds - this.lookedMilliseconds) < LOOK_EVERY_MILLISECONDS) return
    this.lookedMilliseconds = nowMilliseconds
    const forgotten = new Set<Exporter>()
    for (const [text, exporter] of this.byText) {
      const seen = Math.max(this.options.lastSeen(exporter), this.firstMilliseconds)
      if (nowMilliseconds - seen < FORGOTTEN_MILLISECONDS) continue
      this.byText.delete(text)
      forgotten.add(exporter)
    }
    if (forgotten.size === 0) return
    this.byAddress.clear()
    this.list = this.list.filter((exporter) => !forgotten.has(exporter))
    for (const exporter of forgotten) this.options.onForget?.(exporter)
  }
}

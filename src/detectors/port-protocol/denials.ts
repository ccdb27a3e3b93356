/**
 * Who was refused where: firewalls log what they deny, and a host that is refused on one port and gets through on another
 * of the same server is worth a second look. Kept by client and server, the latest refusal of each pair.
 */
import type { Plane } from '../../blocks/builder.js'
import type { Ends } from './learning.js'
import { type Column, KeyedTable } from './table.js'

/** Pairs kept at a time; scanners of the Internet push the oldest out. About 80 octets each. */
const MAX_DENIALS = 16_384
/** Family, client (4 words), server (4 words). */
const DENIAL_WORDS = 9
/** How long before the traffic the refusal may have been. */
const MEMORY_MILLISECONDS = 3_600_000

export class Denials {
  readonly table = new KeyedTable(DENIAL_WORDS, MAX_DENIALS)
  readonly #port: Column<Uint16Array> = this.table.u16()
  readonly #protocol: Column<Uint8Array> = this.table.u8()
  readonly #at: Column<Float64Array> = this.table.f64()
  readonly #key = new Uint32Array(DENIAL_WORDS)

  /** Takes a refused row: `sources` asked `destinations` for this protocol and port. */
  note(
    sources: readonly Plane[],
    destinations: readonly Plane[],
    row: number,
    protocol: number,
    port: number,
    receivedMilliseconds: number,
  ): void {
    const key = this.#key.fill(0)
    const words = sources.length
    key[0] = words
    for (let word = 0; word < words; word++) {
      key[5 - words + word] = sources[word]![row]!
      key[9 - words + word] = destinations[word]![row]!
    }
    let slot = this.table.find(key)
    if (slot < 0) slot = this.table.insert(key)
    else this.table.touch(slot)
    this.#port.values[slot] = port
    this.#protocol.values[slot] = protocol
    this.#at.values[slot] = receivedMilliseconds
  }

  /** The port (or the protocol's number, where it has none) that the client was refused in the hour before; -1 for none. */
  refusedElsewhere(
    { keys, clientAt, serverAt, family, protocolIdentifier: protocol, port }: Ends,
    atMilliseconds: number,
  ): number {
    if (this.table.size === 0) return -1
    const key = this.#key.fill(0)
    key[0] = family === 4 ? 1 : 4
    for (let word = 0; word < 4; word++) {
      key[1 + word] = keys[clientAt + word]!
      key[5 + word] = keys[serverAt + word]!
    }
    const slot = this.table.find(key)
    if (slot < 0) return -1
    const before = atMilliseconds - this.#at.values[slot]!
    if (before < 0 || before > MEMORY_MILLISECONDS) return -1
    const refused = this.#port.values[slot]!
    if (refused === port && this.#protocol.values[slot] === protocol) return -1
    return refused === 0 ? this.#protocol.values[slot]! : refused
  }
}

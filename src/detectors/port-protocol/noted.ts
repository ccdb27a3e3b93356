/**
 * Uses that wait until what is found has been told, in the order in which they came. Tens of thousands come in a minute, so
 * they are words in one array: objects that live until an evaluation cost more than learning from them.
 */
import type { Ends } from './learning.js'

/** Uses that wait at most; what comes beyond comes again. */
const MAX_NOTED = 65_536
/** Words of a use: client (4), server (4), family and protocol and port, application plus one, place among those seen, day. */
const WORDS = 12
const SERVER = 4
const PAIRING = 8
const APPLICATION = 9
const SEEN = 10
const DAY = 11
const IS_LONG = 0x8000_0000

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

/** A use that waits; one object, filled anew for each. */
export type Use = { readonly ends: Ends; seen: number; day: number }

export class Noted {
  size = 0
  private readonly words = new Uint32Array(MAX_NOTED * WORDS)
  private readonly ends: Mutable<Ends> = {
    keys: this.words,
    clientAt: 0,
    serverAt: 0,
    family: 4,
    protocolIdentifier: 0,
    port: 0,
    application: -1,
  }
  private readonly use: Use = { ends: this.ends, seen: 0, day: 0 }

  get isFull(): boolean {
    return this.size === MAX_NOTED
  }

  add(
    { keys, clientAt, serverAt, family, protocolIdentifier, port, application }: Ends,
    seen: number,
    day: number,
  ) {
    const { words } = this
    const at = this.size++ * WORDS
    for (let word = 0; word < 4; word++) {
      words[at + word] = keys[clientAt + word]!
      words[at + SERVER + word] = keys[serverAt + word]!
    }
    words[at + PAIRING] = (family === 6 ? IS_LONG : 0) | (protocolIdentifier << 16) | port
    words[at + APPLICATION] = application + 1
    words[at + SEEN] = seen
    words[at + DAY] = day
  }

  /** One of them, as it was added. */
  at(index: number): Use {
    const { words, ends, use } = this
    const at = index * WORDS
    const pairing = words[at + PAIRING]!
    ends.clientAt = at
    ends.serverAt = at + SERVER
    ends.family = pairing >= IS_LONG ? 6 : 4
    ends.protocolIdentifier = (pairing >>> 16) & 0xff
    ends.port = pairing & 0xffff
    ends.application = words[at + APPLICATION]! - 1
    use.seen = words[at + SEEN]!
    use.day = words[at + DAY]!
    return use
  }
}

/** A conversation as it is counted: its key taken apart, in one object that is filled anew for each. */
import { Flag, REST_WORDS, WORDS, Word } from './conversation-record.js'
import type { Conversations } from './conversations.js'

export type Opened = {
  slot: number
  /** Point, family and protocol, as in the key; without the point as services are asked for. */
  head: number
  kind: number
  protocolIdentifier: number
  family: 4 | 6
  /** The lower end's address in the first four words, the higher end's in the others. */
  readonly ends: Uint32Array
  lowPort: number
  highPort: number
  flags: number
}

/** What opens conversations, always into the same object. */
export function createOpener({ words, rest }: Conversations): (slot: number) => Opened {
  const opened: Opened = {
    slot: 0,
    head: 0,
    kind: 0,
    protocolIdentifier: 0,
    family: 4,
    ends: new Uint32Array(8),
    lowPort: 0,
    highPort: 0,
    flags: 0,
  }
  const { ends } = opened
  return (slot) => {
    const at = slot * WORDS
    const head = words[at]!
    const isLong = (head & 0x8000) !== 0
    for (let word = 0; word < 3; word++) {
      ends[word] = isLong ? rest[slot * REST_WORDS + word]! : 0
      ends[4 + word] = isLong ? rest[slot * REST_WORDS + 3 + word]! : 0
    }
    ends[3] = words[at + 1]!
    ends[7] = words[at + 2]!
    opened.slot = slot
    opened.head = head
    opened.kind = head & 0x80ff
    opened.protocolIdentifier = head & 0xff
    opened.family = isLong ? 6 : 4
    opened.lowPort = words[at + 3]! >>> 16
    opened.highPort = words[at + 3]! & 0xffff
    opened.flags = words[at + Word.flags]!
    return opened
  }
}

/** The server as it was decided: 0 when the lower end is it, 1 when the higher is, -1 when it is not known. */
export function decidedServer(flags: number): number {
  return (flags & Flag.serverIsLow) !== 0 ? 0 : (flags & Flag.serverIsHigh) !== 0 ? 1 : -1
}

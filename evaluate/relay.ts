/** A relay between exporter and collector that loses datagrams and numbers the rest anew, so that no gap shows. */
import type { Random } from '#simulate/random.js'
import type { JudgedDatagram } from './judge.js'

/** NetFlow version 9: a sequence number that counts datagrams. RFC 3954 §5.1. */
const V9_SEQUENCE_AT = 12

/** Loses datagrams of version 9 with a probability and hides it. */
export function* renumberingRelay(
  datagrams: Iterable<JudgedDatagram>,
  lossProbability: number,
  random: Random,
): Generator<JudgedDatagram> {
  const lost = new Map<string, number>()
  for (const datagram of datagrams) {
    const key = String(datagram.source)
    const before = lost.get(key) ?? 0
    if (random.chance(lossProbability)) {
      lost.set(key, before + 1)
      continue
    }
    const payload = datagram.payload.slice()
    const view = new DataView(payload.buffer)
    view.setUint32(V9_SEQUENCE_AT, (view.getUint32(V9_SEQUENCE_AT) - before) >>> 0)
    yield { ...datagram, payload }
  }
}

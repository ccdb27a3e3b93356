/**
 * IPFIX files (RFC 5655): messages one behind the other, as on a stream. What is no message, or is cut off, is given as
 * it is, so that the decoder says why it cannot be used.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { ApplianceError } from '#core/errors.js'

/** The longest message, and so what must be in hand to see one whole. */
const MAX_MESSAGE_OCTETS = 65_535
const BUFFER_OCTETS = 1024 * 1024
const HEADER_OCTETS = 16
const VERSION = 10

export type IpfixMessage = {
  readonly payload: Uint8Array
  /** By the message's header; undefined when there is no whole header. */
  readonly exportMilliseconds: number | undefined
}

/** The messages of a file, in their order. Throws INPUT_UNREADABLE. */
export function* readIpfixMessages(path: string): Generator<IpfixMessage> {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (cause) {
    throw new ApplianceError('INPUT_UNREADABLE', `${path}: cannot be read`, { cause })
  }
  try {
    const buffer = Buffer.alloc(BUFFER_OCTETS)
    let end = 0
    let isEnd = false
    for (;;) {
      if (!isEnd) {
        const read = readSync(file, buffer, end, buffer.length - end, null)
        end += read
        isEnd = read === 0
      }
      let at = 0
      while (end - at >= (isEnd ? 1 : MAX_MESSAGE_OCTETS)) {
        const isMessage = end - at >= HEADER_OCTETS && buffer.readUInt16BE(at) === VERSION
        const length = isMessage ? buffer.readUInt16BE(at + 2) : 0
        const isWhole = length >= HEADER_OCTETS && at + length <= end
        yield {
          payload: Uint8Array.from(buffer.subarray(at, isWhole ? at + length : end)),
          exportMilliseconds: isMessage ? buffer.readUInt32BE(at + 4) * 1000 : undefined,
        }
        // Where one message is no message, nothing tells where the next begins.
        if (!isWhole) return
        at += length
      }
      buffer.copyWithin(0, at, end)
      end -= at
      if (isEnd) return
    }
  } catch (cause) {
    if (cause instanceof ApplianceError) throw cause
    throw new ApplianceError('INPUT_UNREADABLE', `${path}: cannot be read`, { cause })
  } finally {
    closeSync(file)
  }
}

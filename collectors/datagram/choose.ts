/** Which way datagrams are received: what the configuration asks for, as far as this machine has it. */
import type { Config } from '#core/config.js'
import { ApplianceError } from '#core/errors.js'
import { Batch } from './batch.js'
import { createDgramSource } from './dgram.js'
import { loadLibc } from './libc.js'
import { createRecvmmsgSource } from './recvmmsg.js'
import { SenderCache } from './sender-cache.js'
import type { DatagramSource, DatagramSourceOptions } from './source.js'

/** A way of receiving, for all sockets of a thread. */
export type Receive = {
  readonly kind: 'dgram' | 'recvmmsg'
  /** Why it is not recvmmsg, where that was to be used if there. */
  readonly fallback?: string
  createSource(options: DatagramSourceOptions): DatagramSource
}

/** Throws CONFIG_INVALID when recvmmsg is demanded and cannot be had; opens nothing. */
export function requireReceive(choice: Config['listen']['receive']): void {
  if (choice !== 'recvmmsg') return
  const libc = loadLibc()
  if (typeof libc === 'string') throw unavailable(libc)
}

/** Throws as `requireReceive`. */
export function chooseReceive(choice: Config['listen']['receive']): Receive {
  if (choice === 'dgram') return { kind: 'dgram', createSource: createDgramSource }
  const libc = loadLibc()
  if (typeof libc === 'string') {
    if (choice === 'recvmmsg') throw unavailable(libc)
    return { kind: 'dgram', fallback: libc, createSource: createDgramSource }
  }
  const shared = { libc, batch: new Batch(libc), senders: new SenderCache() }
  return { kind: 'recvmmsg', createSource: (options) => createRecvmmsgSource(shared, options) }
}

function unavailable(why: string): ApplianceError {
  return new ApplianceError('CONFIG_INVALID', `listen.receive asks for recvmmsg, which cannot be had: ${why}`)
}

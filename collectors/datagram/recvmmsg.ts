/**
 * Datagrams by recvmmsg, many in one call, asked for without waiting: from a timer whose sleep follows the rate, since a
 * call that waits would hold the thread, and the store's promises with it. Nothing is made for a datagram.
 */
import type { Batch } from './batch.js'
import { openOnHost } from './host.js'
import { type Libc, MSG_DONTWAIT, MSG_TRUNC } from './libc.js'
import { type LinuxSocket, type LinuxSocketOptions, openLinuxSockets } from './linux-socket.js'
import type { SenderCache } from './sender-cache.js'
import { SOCKET_ADDRESS_OCTETS } from './socket-address.js'
import type { DatagramSource, DatagramSourceOptions } from './source.js'

/** Calls before timers, connections and promises of the thread have their turn. */
const CALLS_PER_TURN = 4
/** Datagrams that a sleep shall gather: enough to make its wake-up cheap. */
const GATHERED_DATAGRAMS = 96
const SHORTEST_SLEEP_MILLISECONDS = 1
/** How late a datagram may be looked at. */
const LONGEST_SLEEP_MILLISECONDS = 20
/** What a burst of 50,000 datagrams a second takes of the receive buffer in a millisecond, 2,304 octets each. */
const BURST_OCTETS_PER_MILLISECOND = 115_200
/** At the end, what the kernel has already taken is still received, but not for ever. */
const LAST_TURNS = 256

/** What the sources of a thread have in common. */
export type RecvmmsgShared = { readonly libc: Libc; readonly batch: Batch; readonly senders: SenderCache }

export function createRecvmmsgSource(shared: RecvmmsgShared, options: DatagramSourceOptions): DatagramSource {
  const { libc, batch, senders } = shared
  const { host, port, receiveBufferOctets, opened, onDatagram, onError, now } = options
  const turnDatagrams = CALLS_PER_TURN * batch.datagrams
  const counts = { truncated: 0 }
  let socket: LinuxSocket | undefined
  let longestSleep = LONGEST_SLEEP_MILLISECONDS
  let sleep = SHORTEST_SLEEP_MILLISECONDS
  let gathered = 0
  let timer: NodeJS.Timeout | undefined
  let immediate: NodeJS.Immediate | undefined
  let fault = ''
  let closing: Promise<void> | undefined

  /** Receives what lies there, up to a turn's share; returns how many datagrams that were. */
  const receiveTurn = (fd: number): number => {
    let received = 0
    while (received < turnDatagrams) {
      const count = libc.recvmmsg(fd, batch.headersAddress, batch.datagrams, MSG_DONTWAIT, 0)
      if (count <= 0) {
        if (count < 0) noteFault(libc.errorName())
        break
      }
      fault = ''
      deliver(count, now())
      received += count
      if (count < batch.datagrams) break
    }
    return received
  }

  const deliver = (count: number, receivedMilliseconds: number) => {
    for (let index = 0; index < count; index++) {
      if ((batch.flagsOf(index) & MSG_TRUNC) !== 0) counts.truncated++
      const source = senders.at(batch.names, index * SOCKET_ADDRESS_OCTETS)
      if (source !== undefined)
        onDatagram(batch.views[index]!, batch.lengthOf(index), source, receivedMilliseconds)
    }
    batch.reset(count)
  }

  const noteFault = (name: string) => {
    if (name === 'EAGAIN' || name === 'EINTR') return
    // A fault that stays is told once, not with each call.
    if (name !== fault) onError(new Error(`UDP port ${port}: recvmmsg failed with ${name}`))
    fault = name
  }

  const poll = () => {
    if (socket === undefined || closing !== undefined) return
    const received = receiveTurn(socket.fd)
    // The one who took a datagram may have ended us.
    if (closing !== undefined) return
    gathered += received
    if (received >= turnDatagrams) {
      immediate = setImmediate(poll)
      return
    }
    sleep = nextSleep(sleep, gathered, longestSleep)
    gathered = 0
    timer = setTimeout(poll, sleep)
  }

  const end = async () => {
    clearTimeout(timer)
    clearImmediate(immediate)
    if (socket === undefined) return
    // Never from within a datagram's call, which may be who ends us: the batch is in use there.
    for (let turn = 0; turn < LAST_TURNS; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (receiveTurn(socket.fd) < turnDatagrams) break
    }
    // Who opened it closes it.
    if (opened === undefined) libc.close(socket.fd)
    socket = undefined
  }

  return {
    counts,
    async start() {
      socket = opened ?? (await openShared(libc, { host, port, receiveBufferOctets }, 1))[0]!
      longestSleep = longestSleepOf(socket.bufferGranted)
      immediate = setImmediate(poll)
      return socket
    },
    close() {
      closing ??= end()
      return closing
    },
  }
}

/** Opens `count` sockets on one port, as `openLinuxSockets`. Throws PORT_UNAVAILABLE. */
export function openShared(libc: Libc, options: LinuxSocketOptions, count: number): Promise<LinuxSocket[]> {
  const { host, port } = options
  return openOnHost(host, port, (on) => openLinuxSockets(libc, { ...options, host: on }, count))
}

/**
 * The next sleep, milliseconds: shorter at once when the last one gathered more than it should, at most twice as long
 * when it gathered less.
 */
export function nextSleep(sleep: number, gathered: number, longest: number): number {
  const fitting = Math.floor((sleep * GATHERED_DATAGRAMS) / Math.max(gathered, 1))
  return Math.max(SHORTEST_SLEEP_MILLISECONDS, Math.min(fitting, sleep * 2, longest))
}

/** A small buffer must be emptied more often: what a burst brings during a sleep has to fit into it. */
export function longestSleepOf(bufferGranted: number): number {
  // The kernel counts its own bookkeeping against twice what it grants.
  const fitting = Math.floor((2 * bufferGranted) / BURST_OCTETS_PER_MILLISECOND)
  return Math.max(SHORTEST_SLEEP_MILLISECONDS, Math.min(fitting, LONGEST_SLEEP_MILLISECONDS))
}

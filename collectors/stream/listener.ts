/**
 * The one listener for telemetry over connections, TCP or TLS. It bounds how many there are, in all and of one address,
 * and how long they may be silent, take for their handshake or leave a message unfinished; every end has a reason that is
 * counted. What is done with the octets is the business of a conversation. Nothing is ever answered.
 */
import { createServer, type Socket } from 'node:net'
import { createHandshakes } from './handshakes.js'
import type { TlsMaterial } from './tls-files.js'

/** What happens to connections whatever they carry. */
export const connectionReasons = [
  'accepted',
  'closed',
  'idle',
  'slow',
  'tooManyConnections',
  'tooManyFromAddress',
  'sessionLimit',
  'handshakeFailed',
  'handshakeTimeout',
  'peerWithoutCertificate',
  'peerNotTrusted',
  'peerNotAllowed',
  'socketError',
] as const
export type ConnectionReason = (typeof connectionReasons)[number]

/** What is done with the octets of one connection. */
export type Conversation = {
  /** Takes a chunk, valid until the call returns; false when the stream cannot be followed any further. */
  take(octets: Uint8Array): boolean
  /** Messages whose end has come. */
  readonly messages: number
  /** True while a message has begun whose end has not come. */
  readonly isPending: boolean
  /** The connection has ended. */
  end(): void
}

/** A peer that was turned away, for people. */
export type RefusedPeer = {
  readonly address: string
  readonly reason: ConnectionReason
  /** Who it says that it is, or what was wrong; printable. */
  readonly description: string
}

/** What the owner of a listener may set. */
export type ListenerLimits = {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Set: TLS 1.2 or newer. */
  readonly tls?: TlsMaterial
  /** Connections at a time, those in their handshake too; more are closed at once. */
  readonly maxConnections?: number
  readonly maxConnectionsPerAddress?: number
  /** A peer that sends nothing for so long is closed; half-open connections end here too. */
  readonly idleTimeoutMilliseconds?: number
  /** A message that was begun must be complete within this time. */
  readonly messageTimeoutMilliseconds?: number
  readonly handshakeTimeoutMilliseconds?: number
  /** Resolves when what was received is on its way to the disk; reading waits for it now and then. */
  readonly drained?: () => Promise<void>
  /** Told of each peer whose handshake or certificate was refused. */
  readonly onRefused?: (peer: RefusedPeer) => void
  /** Errors of the listening socket itself. */
  readonly onError?: (error: Error) => void
}

export type ListenerOptions<Reason extends string> = ListenerLimits & {
  /** Reasons that conversations count, beside those of every connection. */
  readonly reasons: readonly Reason[]
  /** A conversation for a peer's address; undefined when there can be none. */
  readonly open: (address: string, count: (reason: Reason) => void) => Conversation | undefined
}

/** A listener; inert until `start`. */
export type ConnectionListener<Reason extends string> = {
  /** Listens and resolves with the port in use. */
  start(): Promise<number>
  /** Takes another certificate for the connections to come; those that are open go on. Nothing without TLS. */
  renew(material: TlsMaterial): void
  /** Stops listening, ends every connection. */
  close(): Promise<void>
  /** How often what happened since the listener was made. */
  readonly counts: Readonly<Record<ConnectionReason | Reason, number>>
}

type Connection = {
  readonly socket: Socket
  /** Undefined during a handshake, which has a time of its own. */
  conversation: Conversation | undefined
  /** Reading waits for the disk: time does not run against the peer. */
  isWaiting: boolean
  lastMilliseconds: number
  /** When the message began that is not complete; NaN when there is none. */
  pendingMilliseconds: number
}

const DEFAULT_MAX_CONNECTIONS = 1024
const DEFAULT_MAX_CONNECTIONS_PER_ADDRESS = 64
const DEFAULT_IDLE_TIMEOUT_MILLISECONDS = 15 * 60_000
const DEFAULT_MESSAGE_TIMEOUT_MILLISECONDS = 30_000
const DEFAULT_HANDSHAKE_TIMEOUT_MILLISECONDS = 30_000
const MAX_SWEEP_MILLISECONDS = 1000
/** How often probes are sent on a silent connection by the system. */
const KEEP_ALIVE_MILLISECONDS = 60_000
/** Octets taken from one connection before it waits for the disk. */
const DRAIN_OCTETS = 4 * 1024 * 1024

export function createConnectionListener<Reason extends string>(
  options: ListenerOptions<Reason>,
): ConnectionListener<Reason> {
  const {
    maxConnections = DEFAULT_MAX_CONNECTIONS,
    maxConnectionsPerAddress = DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
    idleTimeoutMilliseconds = DEFAULT_IDLE_TIMEOUT_MILLISECONDS,
    messageTimeoutMilliseconds = DEFAULT_MESSAGE_TIMEOUT_MILLISECONDS,
    handshakeTimeoutMilliseconds = DEFAULT_HANDSHAKE_TIMEOUT_MILLISECONDS,
    drained,
  } = options
  const counts = Object.fromEntries(
    [...connectionReasons, ...options.reasons].map((reason) => [reason, 0]),
  ) as Record<ConnectionReason | Reason, number>
  const count = (reason: ConnectionReason | Reason) => {
    counts[reason]++
  }
  const connections = new Set<Connection>()
  const perAddress = new Map<string, number>()
  const handshakes =
    options.tls === undefined ? undefined : createHandshakes(options.tls, handshakeTimeoutMilliseconds)
  const server = createServer({
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MILLISECONDS,
    noDelay: true,
  })
  let sweeper: NodeJS.Timeout | undefined

  server.on('connection', (socket) => {
    socket.on('error', () => {})
    const address = plainAddress(socket.remoteAddress ?? '')
    const connection = admit(socket, address)
    if (connection === undefined) socket.destroy()
    else if (handshakes === undefined) serve(connection, address, socket)
    else
      handshakes.begin(socket, {
        onOpen: (secure) => serve(connection, address, secure),
        onFailure(reason, description) {
          count(reason)
          options.onRefused?.({ address, reason, description })
        },
      })
  })

  /** Counts a connection in; undefined when it is one too many. */
  function admit(socket: Socket, address: string): Connection | undefined {
    const ofAddress = perAddress.get(address) ?? 0
    if (connections.size >= maxConnections || ofAddress >= maxConnectionsPerAddress) {
      count(connections.size >= maxConnections ? 'tooManyConnections' : 'tooManyFromAddress')
      return undefined
    }
    const connection: Connection = {
      socket,
      conversation: undefined,
      isWaiting: false,
      lastMilliseconds: performance.now(),
      pendingMilliseconds: Number.NaN,
    }
    connections.add(connection)
    perAddress.set(address, ofAddress + 1)
    socket.on('close', () => {
      connections.delete(connection)
      const left = perAddress.get(address)! - 1
      if (left > 0) perAddress.set(address, left)
      else perAddress.delete(address)
    })
    return connection
  }

  /** `socket` is the one to read from: with TLS not the one that was accepted. */
  function serve(connection: Connection, address: string, socket: Socket): void {
    const conversation = options.open(address, count)
    socket.on('error', () => count('socketError'))
    if (conversation === undefined) {
      count('sessionLimit')
      socket.destroy()
      return
    }
    count('accepted')
    connection.conversation = conversation
    connection.lastMilliseconds = performance.now()
    let sinceDrained = 0
    const goOn = () => {
      connection.isWaiting = false
      connection.lastMilliseconds = performance.now()
      if (conversation.isPending) connection.pendingMilliseconds = connection.lastMilliseconds
      socket.resume()
    }
    socket.on('data', (octets: Buffer) => {
      const before = conversation.messages
      if (!conversation.take(octets)) {
        socket.destroy()
        return
      }
      connection.lastMilliseconds = performance.now()
      if (!conversation.isPending) connection.pendingMilliseconds = Number.NaN
      else if (conversation.messages !== before || Number.isNaN(connection.pendingMilliseconds))
        connection.pendingMilliseconds = connection.lastMilliseconds
      sinceDrained += octets.length
      if (drained === undefined || sinceDrained < DRAIN_OCTETS) return
      sinceDrained = 0
      connection.isWaiting = true
      socket.pause()
      void drained().then(goOn, goOn)
    })
    socket.on('close', () => {
      conversation.end()
      count('closed')
    })
  }

  /** Ends what takes too long. A message as a whole has its time, however often an octet of it comes. */
  function sweep(): void {
    const now = performance.now()
    for (const { socket, conversation, isWaiting, lastMilliseconds, pendingMilliseconds } of connections) {
      if (conversation === undefined || isWaiting || socket.destroyed) continue
      if (now - pendingMilliseconds >= messageTimeoutMilliseconds) count('slow')
      else if (now - lastMilliseconds >= idleTimeoutMilliseconds) count('idle')
      else continue
      socket.destroy()
    }
  }

  return {
    counts,
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host: options.host, port: options.port }, () => {
          server.off('error', reject)
          server.on('error', (error) => options.onError?.(error))
          const shortest = Math.min(idleTimeoutMilliseconds, messageTimeoutMilliseconds)
          sweeper = setInterval(sweep, Math.min(MAX_SWEEP_MILLISECONDS, Math.max(1, shortest / 4)))
          const address = server.address()
          resolve(address !== null && typeof address === 'object' ? address.port : options.port)
        })
      }),
    renew: (material) => handshakes?.renew(material),
    close: () =>
      new Promise((resolve) => {
        clearInterval(sweeper)
        for (const { socket } of connections) socket.destroy()
        if (!server.listening) resolve()
        else server.close(() => resolve())
      }),
  }
}

/** A dual-stack socket shows IPv4 peers as `::ffff:192.0.2.1`: the exporter is the IPv4 address. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

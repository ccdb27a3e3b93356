/**
 * Syslog over TCP (RFC 6587): a listener that gives every connection a framer, closes the slow, the idle and the
 * broken, and counts each by its reason. It never answers; what it knows of a peer is the address.
 */
import { createServer, type Socket } from 'node:net'
import { Framer, type FramingReason } from './framing.js'

/** Why a connection was closed or refused, or a frame cut. */
export type TcpReason = FramingReason | 'idle' | 'tooManyConnections' | 'socketError' | 'accepted' | 'closed'

/** Settings and receivers of a listener. */
export type TcpListenerOptions = {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Connections at a time; more are closed at once and counted. */
  readonly maxConnections?: number
  /** A peer that sends nothing for so long is closed: half-open connections end here too. */
  readonly idleTimeoutMilliseconds?: number
  readonly maxFrameOctets?: number
  /** One message from a peer's address; the bytes are valid until the call returns. */
  readonly onFrame: (address: string, bytes: Uint8Array, start: number, end: number) => void
  /** Errors of the listening socket itself. */
  readonly onError?: (error: Error) => void
}

/** A listener; inert until `start`. */
export type TcpListener = {
  /** Listens and resolves with the port in use. */
  start(): Promise<number>
  /** Stops listening, ends every connection. */
  close(): Promise<void>
  /** How often what happened since the listener was made. */
  readonly counts: Readonly<Record<TcpReason, number>>
}

const DEFAULT_MAX_CONNECTIONS = 1024
const DEFAULT_IDLE_TIMEOUT_MILLISECONDS = 15 * 60_000
/** How often probes are sent on a silent connection by the system. */
const KEEP_ALIVE_MILLISECONDS = 60_000

/** Makes a listener for syslog over TCP. */
export function createTcpListener(options: TcpListenerOptions): TcpListener {
  const counts: Record<TcpReason, number> = {
    oversized: 0,
    badCount: 0,
    truncated: 0,
    idle: 0,
    tooManyConnections: 0,
    socketError: 0,
    accepted: 0,
    closed: 0,
  }
  const maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS
  const idleTimeout = options.idleTimeoutMilliseconds ?? DEFAULT_IDLE_TIMEOUT_MILLISECONDS
  const connections = new Set<Socket>()
  const server = createServer({
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MILLISECONDS,
    noDelay: true,
  })

  server.on('connection', (socket) => {
    if (connections.size >= maxConnections) {
      counts.tooManyConnections++
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    counts.accepted++
    connections.add(socket)
    serve(socket)
  })

  function serve(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '')
    const framer = new Framer({
      onFrame: (bytes, start, end) => options.onFrame(address, bytes, start, end),
      onReason: (reason) => {
        counts[reason]++
      },
      ...(options.maxFrameOctets === undefined ? {} : { maxFrameOctets: options.maxFrameOctets }),
    })
    socket.setTimeout(idleTimeout)
    socket.on('data', (chunk: Buffer) => {
      if (!framer.push(chunk)) socket.destroy()
    })
    socket.on('timeout', () => {
      counts.idle++
      socket.destroy()
    })
    socket.on('end', () => socket.end())
    socket.on('error', () => {
      counts.socketError++
    })
    socket.on('close', () => {
      framer.end()
      connections.delete(socket)
      counts.closed++
    })
  }

  return {
    counts,
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host: options.host, port: options.port }, () => {
          server.off('error', reject)
          server.on('error', (error) => options.onError?.(error))
          const address = server.address()
          resolve(address !== null && typeof address === 'object' ? address.port : options.port)
        })
      }),
    close: () =>
      new Promise((resolve) => {
        for (const socket of connections) socket.destroy()
        if (!server.listening) resolve()
        else server.close(() => resolve())
      }),
  }
}

/** A dual-stack socket shows IPv4 peers as `::ffff:192.0.2.1`: the exporter is the IPv4 address. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/**
 * IPFIX over TCP and TLS (RFC 7011 §10.4, §11): every connection is a transport session with a framer of its own. The
 * slow, the idle, the broken and the too many are closed, each counted by its reason. Nothing is ever answered.
 */
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { IpfixFramer, type IpfixFramingFault } from './ipfix-framing.js'
import { plainAddress } from './tcp.js'

/** What happened to connections, counted since the listener was made. */
export type IpfixStreamReason =
  | IpfixFramingFault
  | 'accepted'
  | 'closed'
  | 'truncated'
  | 'idle'
  | 'slow'
  | 'tooManyConnections'
  | 'tooManyFromAddress'
  | 'sessionLimit'
  | 'handshakeFailed'
  | 'socketError'

/** A transport session; templates live as long as it does (RFC 7011 §8). */
export type IpfixSession = {
  /** One whole message, valid until the call returns. */
  message(octets: Uint8Array): void
  close(): void
}

/** PEM texts. With `clientCa` a client must show a certificate that it signed (mutual TLS). */
export type TlsMaterial = {
  readonly certificate: string
  readonly key: string
  readonly clientCa?: string
}

export type IpfixListenerOptions = {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Set: TLS 1.2 or newer. */
  readonly tls?: TlsMaterial
  /** Connections at a time. */
  readonly maxConnections?: number
  readonly maxConnectionsPerAddress?: number
  /** A peer that sends nothing for so long is closed; half-open connections end here too. */
  readonly idleTimeoutMilliseconds?: number
  /** A message that was begun, and a TLS handshake, must be complete within this time. */
  readonly messageTimeoutMilliseconds?: number
  /** A session for a peer's address; undefined when there can be none. */
  readonly open: (address: string) => IpfixSession | undefined
  /** Resolves when what was received is on its way to the disk; reading waits for it now and then. */
  readonly drained?: () => Promise<void>
  /** Errors of the listening socket itself. */
  readonly onError?: (error: Error) => void
}

/** A listener; inert until `start`. */
export type IpfixListener = {
  /** Listens and resolves with the port in use. */
  start(): Promise<number>
  /** Stops listening, ends every connection. */
  close(): Promise<void>
  readonly counts: Readonly<Record<IpfixStreamReason, number>>
}

const DEFAULT_MAX_CONNECTIONS = 256
const DEFAULT_MAX_CONNECTIONS_PER_ADDRESS = 16
/** Exporters of quiet networks may say nothing for long, and must send all templates again after a close. */
const DEFAULT_IDLE_TIMEOUT_MILLISECONDS = 60 * 60_000
const DEFAULT_MESSAGE_TIMEOUT_MILLISECONDS = 30_000
/** How often probes are sent on a silent connection by the system. */
const KEEP_ALIVE_MILLISECONDS = 60_000
/** Octets taken from one connection before it waits for the disk. */
const DRAIN_OCTETS = 4 * 1024 * 1024

export function createIpfixListener(options: IpfixListenerOptions): IpfixListener {
  const counts: Record<IpfixStreamReason, number> = {
    accepted: 0,
    closed: 0,
    badVersion: 0,
    badLength: 0,
    truncated: 0,
    idle: 0,
    slow: 0,
    tooManyConnections: 0,
    tooManyFromAddress: 0,
    sessionLimit: 0,
    handshakeFailed: 0,
    socketError: 0,
  }
  const {
    maxConnections = DEFAULT_MAX_CONNECTIONS,
    maxConnectionsPerAddress = DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
    idleTimeoutMilliseconds = DEFAULT_IDLE_TIMEOUT_MILLISECONDS,
    messageTimeoutMilliseconds = DEFAULT_MESSAGE_TIMEOUT_MILLISECONDS,
    tls,
  } = options
  /** Raw sockets, those in a TLS handshake too, and how many of each address there are. */
  const connections = new Set<Socket>()
  const perAddress = new Map<string, number>()
  const socketOptions = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MILLISECONDS, noDelay: true }

  /** Counts a raw connection in; false when it was one too many. */
  function admit(socket: Socket): boolean {
    socket.on('error', () => {})
    const address = plainAddress(socket.remoteAddress ?? '')
    const ofAddress = perAddress.get(address) ?? 0
    const refusal =
      connections.size >= maxConnections
        ? 'tooManyConnections'
        : ofAddress >= maxConnectionsPerAddress
          ? 'tooManyFromAddress'
          : undefined
    if (refusal !== undefined) {
      counts[refusal]++
      socket.destroy()
      return false
    }
    connections.add(socket)
    perAddress.set(address, ofAddress + 1)
    socket.on('close', () => {
      connections.delete(socket)
      const left = perAddress.get(address)! - 1
      if (left > 0) perAddress.set(address, left)
      else perAddress.delete(address)
    })
    return true
  }

  function serve(socket: Socket): void {
    const session = options.open(plainAddress(socket.remoteAddress ?? ''))
    socket.on('error', () => {
      counts.socketError++
    })
    if (session === undefined) {
      counts.sessionLimit++
      socket.destroy()
      return
    }
    counts.accepted++
    const framer = new IpfixFramer((octets) => session.message(octets))
    let slow: NodeJS.Timeout | undefined
    let sinceDrained = 0
    const watch = (isPending: boolean, isProgress: boolean) => {
      if (!isPending || isProgress) {
        clearTimeout(slow)
        slow = undefined
      }
      if (!isPending || slow !== undefined) return
      slow = setTimeout(() => {
        counts.slow++
        socket.destroy()
      }, messageTimeoutMilliseconds)
      slow.unref()
    }
    socket.setTimeout(idleTimeoutMilliseconds)
    socket.on('timeout', () => {
      counts.idle++
      socket.destroy()
    })
    socket.on('data', (chunk: Buffer) => {
      const before = framer.pending
      const fault = framer.push(chunk)
      if (fault !== undefined) {
        counts[fault]++
        socket.destroy()
        return
      }
      watch(framer.pending > 0, framer.pending !== before + chunk.length)
      sinceDrained += chunk.length
      if (options.drained === undefined || sinceDrained < DRAIN_OCTETS) return
      sinceDrained = 0
      socket.pause()
      void options.drained().finally(() => socket.resume())
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      clearTimeout(slow)
      if (framer.pending > 0) counts.truncated++
      counts.closed++
      session.close()
    })
  }

  const server = tls === undefined ? createTcpServer(socketOptions) : makeTlsServer(tls)
  if (tls === undefined) {
    server.on('connection', (socket) => {
      if (admit(socket)) serve(socket)
    })
  }

  function makeTlsServer({ certificate, key, clientCa }: TlsMaterial): Server {
    const secure = createTlsServer({
      ...socketOptions,
      cert: certificate,
      key,
      minVersion: 'TLSv1.2',
      handshakeTimeout: messageTimeoutMilliseconds,
      ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
    })
    secure.on('connection', (socket: Socket) => admit(socket))
    secure.on('secureConnection', (socket) => serve(socket))
    secure.on('tlsClientError', (_error, socket) => {
      counts.handshakeFailed++
      socket.destroy()
    })
    return secure
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

/**
 * TLS 1.2 and newer on accepted sockets: each handshake has its time as a whole, ends once, and a peer that must show
 * who it is does so before an octet of it is read. Ends are told with a reason.
 */
import type { Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { describePeer, judgePeer, type PeerRefusal } from './peers.js'
import type { TlsMaterial } from './tls-files.js'

export type HandshakeFailure = PeerRefusal | 'handshakeFailed' | 'handshakeTimeout'

export type HandshakeEnd = {
  /** The socket to read from. */
  readonly onOpen: (socket: TLSSocket) => void
  /** The socket is closed; `description` is for people, printable. */
  readonly onFailure: (reason: HandshakeFailure, description: string) => void
}

export type Handshakes = {
  /** Begins a handshake; one of the two is called, once. */
  begin(socket: Socket, end: HandshakeEnd): void
  /** Takes another certificate for the handshakes to come. */
  renew(material: TlsMaterial): void
}

export function createHandshakes(first: TlsMaterial, timeoutMilliseconds: number): Handshakes {
  let material = first
  /** By both ends of the connection: TLS hands out a socket of its own. */
  const running = new Map<string, { fail: HandshakeEnd['onFailure']; open: HandshakeEnd['onOpen'] }>()
  const asksPeers = first.clientCa !== undefined || first.peers !== undefined
  const server = createServer({
    ...contextOf(first),
    requestCert: asksPeers,
    // Judged below, where the reason can be counted and the peer be named.
    rejectUnauthorized: false,
    // This one begins anew with each octet; the time of the whole is kept below.
    handshakeTimeout: timeoutMilliseconds,
  })
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    const handshake = running.get(endsOf(socket))
    if (handshake === undefined) {
      socket.destroy()
      return
    }
    const certificate = asksPeers ? socket.getPeerX509Certificate() : undefined
    const refusal = asksPeers ? judgePeer(certificate, socket.authorized, material.peers) : undefined
    if (refusal === undefined) handshake.open(socket)
    else handshake.fail(refusal, describePeer(certificate))
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const isLate = error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT'
    running
      .get(endsOf(socket))
      ?.fail(isLate ? 'handshakeTimeout' : 'handshakeFailed', error.code ?? 'it does not speak TLS')
    socket.destroy()
  })

  return {
    begin(socket, { onOpen, onFailure }) {
      const ends = endsOf(socket)
      const settle = () => {
        clearTimeout(timer)
        return running.delete(ends)
      }
      const fail: HandshakeEnd['onFailure'] = (reason, description) => {
        if (!settle()) return
        onFailure(reason, description)
        socket.destroy()
      }
      const timer = setTimeout(
        () => fail('handshakeTimeout', 'the handshake was not ended in time'),
        timeoutMilliseconds,
      )
      running.set(ends, {
        fail,
        open(secure) {
          if (settle()) onOpen(secure)
        },
      })
      socket.on('close', () => fail('handshakeFailed', 'the peer closed'))
      server.emit('connection', socket)
    },
    renew(renewed) {
      server.setSecureContext(contextOf(renewed))
      material = renewed
    },
  }
}

function contextOf({ certificate, key, clientCa }: TlsMaterial) {
  return {
    cert: certificate,
    key,
    // Without an authority nobody is trusted by signature: not even by those of the system.
    ca: clientCa ?? [],
    minVersion: 'TLSv1.2',
  } as const
}

/** Names a connection by both its ends. */
function endsOf({ localAddress, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`
}

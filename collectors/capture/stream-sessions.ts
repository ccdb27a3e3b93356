/** A transport session of a decoder for each TCP stream of a capture: templates end with it (RFC 7011 §8). */
import type { Address } from '#core/records/address.js'
import type { NetflowDecoder } from '../netflow/decoder.js'
import type { Exporter } from '../netflow/template-store.js'
import { MAX_STREAMS } from './tcp-streams.js'

export type StreamSessions = {
  /** The session of a stream; undefined when the store has no room for one. */
  of(stream: object, source: Address, listenerPort: number, transport: number): Exporter | undefined
}

/** No more sessions are kept than streams are followed: the one that was quiet longest is ended first. */
export function createStreamSessions(decoder: NetflowDecoder): StreamSessions {
  const sessions = new Map<object, Exporter>()
  return {
    of(stream, source, listenerPort, transport) {
      const known = sessions.get(stream)
      if (known === undefined && sessions.size >= MAX_STREAMS) {
        const [oldest, session] = sessions.entries().next().value!
        sessions.delete(oldest)
        decoder.endSession(session)
      }
      const session = known ?? decoder.store.session(source, listenerPort, transport)
      if (session === undefined) return undefined
      sessions.delete(stream)
      sessions.set(stream, session)
      return session
    },
  }
}

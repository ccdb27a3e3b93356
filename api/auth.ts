/**
 * Who may call what. Every route declares the role that it asks for, or the server does not start; what is declared is
 * asked after routing, on the one path that the router saw. Addresses that keep sending wrong tokens are held off.
 */
import type { FastifyRequest } from 'fastify'
import { type Role, roleAllows, type Token } from '#core/findings/tokens.js'
import type { ApiDeps, App } from './deps.js'
import { ApiError } from './errors.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The role that the route asks for; `public` asks for none, but a token that is sent must still be good. */
    role?: Role | 'public'
    /** A page for browsers, which cannot send a bearer token by themselves: the token may be a Basic password. Of GET alone. */
    isPage?: boolean
  }
  interface FastifyRequest {
    token: Token | undefined
  }
}

const MAX_FAILURES = 10
const WINDOW_MILLISECONDS = 60_000
/** Addresses remembered; an attacker with more of them only makes us forget the oldest. */
const MAX_ADDRESSES = 10_000

/** Counts failed attempts per address. */
export function createThrottle(now: () => number) {
  const failures = new Map<string, { count: number; untilMilliseconds: number }>()
  const good = new Map<string, number>()
  const remember = <T>(map: Map<string, T>, key: string, value: T) => {
    map.delete(key)
    map.set(key, value)
    if (map.size > MAX_ADDRESSES) map.delete(map.keys().next().value!)
  }
  return {
    failed(address: string) {
      const known = failures.get(address)
      const count = known !== undefined && known.untilMilliseconds > now() ? known.count + 1 : 1
      remember(failures, address, { count, untilMilliseconds: now() + WINDOW_MILLISECONDS })
    },
    /** Seconds for which the address is held off; 0 when it is not. */
    heldOffSeconds(address: string): number {
      const known = failures.get(address)
      if (known === undefined || known.count < MAX_FAILURES) return 0
      return Math.max(0, Math.ceil((known.untilMilliseconds - now()) / 1000))
    },
    succeeded: (address: string, tokenId: string) => remember(good, `${address} ${tokenId}`, now()),
    /** A token that was good from this address before is let in even when a neighbour behind the same proxy guesses. */
    isFamiliar: (address: string, tokenId: string) => good.has(`${address} ${tokenId}`),
  }
}

/** Adds the checks to a server; call it before any route is added. */
export function addAuthentication(app: App, deps: Pick<ApiDeps, 'tokens' | 'now'>): void {
  const throttle = createThrottle(deps.now)
  const routes: { method: string | string[]; url: string; config?: { role?: Role | 'public' } }[] = []
  app.decorateRequest('token', undefined)

  app.addHook('onRoute', (route) => {
    routes.push(route)
  })
  app.addHook('onReady', async () => {
    const open = routes.filter((route) => route.config?.role === undefined)
    if (open.length === 0) return
    throw new Error(`routes without a role: ${open.map(({ method, url }) => `${method} ${url}`).join(', ')}`)
  })

  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) return
    const asked = request.routeOptions.config.role
    if (asked === undefined) throw new ApiError('FORBIDDEN', 'this route is closed')
    const { isPage = false } = request.routeOptions.config
    const text = isPage && request.method === 'GET' ? (basic(request) ?? bearer(request)) : bearer(request)
    if (asked === 'public' && text === undefined) return
    const token = text === undefined ? undefined : await deps.tokens.verify(text)
    const seconds = throttle.heldOffSeconds(request.ip)
    if (seconds > 0 && !(token !== undefined && throttle.isFamiliar(request.ip, token.id))) {
      reply.header('retry-after', String(seconds))
      throw new ApiError('TOO_MANY_FAILURES', `too many wrong tokens from this address: wait ${seconds} s`)
    }
    if (token === undefined) {
      if (text !== undefined) {
        throttle.failed(request.ip)
        request.log.warn({ remoteAddress: request.ip }, 'a wrong token was sent')
      }
      reply.header('www-authenticate', `${isPage ? 'Basic' : 'Bearer'} realm="culvert"`)
      const message = text === undefined ? 'send a token: Authorization: Bearer …' : 'the token is not valid'
      throw new ApiError('UNAUTHENTICATED', message)
    }
    throttle.succeeded(request.ip, token.id)
    if (asked !== 'public' && !roleAllows(token.role, asked)) {
      throw new ApiError('FORBIDDEN', `this asks for the role ${asked}; the token has ${token.role}`)
    }
    request.token = token
  })
}

/** The text after "Bearer"; an empty text for a header of any other form, so that it counts as wrong. */
function bearer(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization
  if (header === undefined) return undefined
  return /^Bearer +([\x21-\x7e]{1,256})$/i.exec(header)?.[1] ?? ''
}

/** The password of Basic credentials (RFC 7617), whatever the name; undefined for a header of another form. */
function basic(request: FastifyRequest): string | undefined {
  const credentials = /^Basic +([A-Za-z0-9+/=]{1,1024})$/i.exec(request.headers.authorization ?? '')?.[1]
  if (credentials === undefined) return undefined
  const text = Buffer.from(credentials, 'base64').toString('latin1')
  return text.slice(text.indexOf(':') + 1)
}

/** The name for audit entries of what this request does. */
export function actorOf(request: FastifyRequest): string {
  if (request.token === undefined) throw new ApiError('UNAUTHENTICATED', 'send a token')
  return request.token.name
}

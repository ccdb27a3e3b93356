/**
 * One shape for every error that leaves the API: a stable code, a sentence, and where it applies a list of places.
 * Unexpected faults are logged in full and answered without detail.
 */
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import { type Static, Type } from 'typebox'
import { ApplianceError } from '#core/errors.js'

/** Codes of the API and their HTTP status. */
export const apiErrors = {
  INVALID: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  PRECONDITION_FAILED: 412,
  TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  PRECONDITION_REQUIRED: 428,
  TOO_MANY_FAILURES: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
} as const
export type ApiErrorCode = keyof typeof apiErrors

/** A place in what was sent and what is wrong there. */
export type ErrorDetail = { readonly pointer: string; readonly message: string }

/** The body of every error. */
export const ErrorBody = Type.Object(
  {
    code: Type.Enum(Object.keys(apiErrors) as ApiErrorCode[]),
    message: Type.String(),
    details: Type.Optional(
      Type.Array(
        Type.Object({ pointer: Type.String(), message: Type.String() }, { additionalProperties: false }),
      ),
    ),
  },
  { additionalProperties: false },
)
export type ErrorBody = Static<typeof ErrorBody>

/** An error to be answered as it stands. */
export class ApiError extends Error {
  readonly code: ApiErrorCode
  readonly details: readonly ErrorDetail[] | undefined

  constructor(code: ApiErrorCode, message: string, details?: readonly ErrorDetail[]) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.details = details
  }
}

/** A 400 about one place. */
export function invalid(pointer: string, message: string): ApiError {
  return new ApiError('INVALID', 'the request cannot be used as sent', [{ pointer, message }])
}

/** What Node's server refuses without reading it as HTTP, by its code. */
const unreadable: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'the address and the headers of the request are longer than 16 KiB together',
  ERR_HTTP_REQUEST_TIMEOUT: 'the request did not come to its end in time',
}

/** Answers what is not HTTP, or too long or too slow to be read as such, on the bare socket. */
export function handleClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (socket.writable) {
    const message = unreadable[error.code ?? ''] ?? 'the request is not well-formed HTTP'
    const body = JSON.stringify({ code: 'INVALID', message })
    const head = ['HTTP/1.1 400 Bad Request', 'Content-Type: application/json', 'Connection: close']
    socket.write(`${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  }
  socket.destroy(error)
}

const MAX_DETAILS = 20

/** Answers an error in the one shape. */
export function handleError(error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void {
  const answer = translate(error)
  const status = apiErrors[answer.code]
  if (status >= 500) request.log.error({ err: error }, 'a request failed')
  const { code, message, details } = answer
  reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send(details === undefined ? { code, message } : { code, message, details })
}

function translate(error: FastifyError | Error): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof ApplianceError) return translateApplianceError(error)
  const { validation, statusCode } = error as FastifyError
  if (validation !== undefined) {
    const details = validation.slice(0, MAX_DETAILS).map(detailOf)
    return new ApiError('INVALID', 'the request cannot be used as sent', details)
  }
  if (statusCode === 413) return new ApiError('TOO_LARGE', 'the body is too large')
  if (statusCode === 415) {
    return new ApiError('UNSUPPORTED_MEDIA_TYPE', 'send the body as application/json')
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ApiError('INVALID', 'the request cannot be used as sent: it is not well formed')
  }
  return new ApiError('INTERNAL', 'the appliance failed to answer; its log says why')
}

function translateApplianceError(error: ApplianceError): ApiError {
  switch (error.code) {
    case 'NOT_FOUND':
      return new ApiError('NOT_FOUND', error.message)
    case 'CONFLICT':
      return new ApiError('PRECONDITION_FAILED', error.message)
    case 'INVALID':
      return new ApiError('INVALID', error.message)
    case 'BUSY':
      return new ApiError('UNAVAILABLE', error.message)
    case 'STORE_LOCKED':
    case 'STORE_DAMAGED':
    case 'STORE_FULL':
    case 'BLOCK_DAMAGED':
      return new ApiError('UNAVAILABLE', `the store cannot serve this: ${error.code}`)
    default:
      return new ApiError('INTERNAL', 'the appliance failed to answer; its log says why')
  }
}

type AjvError = FastifySchemaValidationError & { parentSchema?: { properties?: object } }

function detailOf(error: AjvError): ErrorDetail {
  const { keyword, instancePath, params } = error
  if (keyword === 'additionalProperties') {
    const key = String(params['additionalProperty'])
    const near = nearest(key, Object.keys(error.parentSchema?.properties ?? {}))
    const message = near === undefined ? 'unknown key' : `unknown key; did you mean ${near}?`
    return { pointer: `${instancePath}/${escapePointer(key)}`, message }
  }
  if (keyword === 'required') {
    return {
      pointer: `${instancePath}/${escapePointer(String(params['missingProperty']))}`,
      message: 'is required',
    }
  }
  if (keyword === 'enum') {
    const allowed = (params['allowedValues'] as unknown[]).join(', ')
    return { pointer: instancePath, message: `must be one of: ${allowed}` }
  }
  return { pointer: instancePath, message: error.message ?? 'is not valid' }
}

/** A JSON pointer's part; what is not plain text is shown by its code, for the pointer is read on terminals too. */
function escapePointer(key: string): string {
  return key
    .slice(0, 100)
    .replace(
      /[\u0000-\u001f\u007f-\u009f]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    .replaceAll('~', '~0')
    .replaceAll('/', '~1')
}

/** The known key that a misspelt one was probably meant to be. */
export function nearest(key: string, known: readonly string[]): string | undefined {
  if (key.length > 64) return undefined
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(key.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(key.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

/**
 * Bearer tokens: who may use the API, and as what. A token is 256 random bits behind a public id; only its SHA-256 is
 * kept (a slow hash protects guessable secrets, and this is none). There is no default token: the first start writes
 * one into a file that its owner alone can read, and never again while the store knows any token, revoked or not.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Static, Type } from 'typebox'
import { ApplianceError } from '../errors.js'
import { MOST_MILLISECONDS } from '../records/time.js'
import type { Documents } from '../store/documents.js'
import type { Audit } from './audit.js'
import { TOKEN_BY_ID } from './keys.js'
import { createSerial } from './serial.js'

/** viewer < analyst < approver < admin, each may do what those before it may; ingest may send telemetry alone. */
export const roles = ['viewer', 'analyst', 'approver', 'admin', 'ingest'] as const
export const Role = Type.Enum([...roles])
export type Role = (typeof roles)[number]

/** What a person sends to make a token. */
export const TokenInput = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}$', description: 'who or what uses it' }),
    role: Role,
    expiresMilliseconds: Type.Optional(Type.Number({ minimum: 0, maximum: MOST_MILLISECONDS })),
  },
  { additionalProperties: false },
)
export type TokenInput = Static<typeof TokenInput>

/** A token without its secret. */
export const Token = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    role: Role,
    createdAtMilliseconds: Type.Number(),
    createdBy: Type.String(),
    expiresMilliseconds: Type.Optional(Type.Number()),
    revokedAtMilliseconds: Type.Optional(Type.Number()),
  },
  { additionalProperties: false },
)
export type Token = Static<typeof Token>

type StoredToken = Token & { readonly secretHash: string }

/** Makes, lists, revokes and tests tokens. */
export type TokenRepository = {
  /** Makes a token; its text is given here and never again. */
  create(input: TokenInput, by: string): Promise<{ token: Token; secret: string }>
  /** All tokens in the order of their ids, revoked ones too. */
  list(): Promise<Token[]>
  revoke(id: string, by: string): Promise<Token>
  /** The token that a text stands for, if it may be used now. */
  verify(text: string): Promise<Token | undefined>
  /** On the first start, writes an admin token into a new file of mode 0600 and gives its path; else undefined. */
  ensureFirstToken(path: string): Promise<string | undefined>
}

const TOKEN_TEXT = /^culvert_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/
const NO_HASH = Buffer.alloc(32)

/** Whether a token of one role may do what another role is asked for. */
export function roleAllows(has: Role, asked: Role): boolean {
  if (has === 'ingest' || asked === 'ingest') return has === asked || has === 'admin'
  return roles.indexOf(has) >= roles.indexOf(asked)
}

/** Makes the repository over a documents database. */
export function createTokens(options: {
  documents: Documents
  audit: Audit
  now: () => number
}): TokenRepository {
  const { documents, audit, now } = options
  const serial = createSerial()

  async function all(): Promise<StoredToken[]> {
    const tokens: StoredToken[] = []
    for await (const [, token] of documents.list<StoredToken>(TOKEN_BY_ID)) tokens.push(token)
    return tokens
  }

  function make(input: TokenInput, by: string): { stored: StoredToken; secret: string } {
    const id = randomBytes(8).toString('hex')
    const secret = `culvert_${id}_${randomBytes(32).toString('base64url')}`
    const secretHash = hashOf(secret).toString('hex')
    return { stored: { ...input, id, createdAtMilliseconds: now(), createdBy: by, secretHash }, secret }
  }

  async function keep(stored: StoredToken, by: string) {
    const operation = { type: 'put' as const, key: TOKEN_BY_ID + stored.id, value: stored }
    const event = { actor: by, action: 'token.create' as const, subject: stored.id, after: shown(stored) }
    await audit.record(event, [operation])
  }

  return {
    create(input, by) {
      return serial(async () => {
        const usable = (await all()).filter((token) => token.revokedAtMilliseconds === undefined)
        if (usable.some((token) => token.name === input.name)) {
          throw new ApplianceError('INVALID', 'there is a token of that name: revoke it first')
        }
        if ((input.expiresMilliseconds ?? Infinity) <= now()) {
          throw new ApplianceError('INVALID', 'expiresMilliseconds is in the past')
        }
        const { stored, secret } = make(input, by)
        await keep(stored, by)
        return { token: shown(stored), secret }
      })
    },

    list: async () => (await all()).map(shown),

    revoke(id, by) {
      return serial(async () => {
        const before = await documents.get<StoredToken>(TOKEN_BY_ID + id)
        if (before === undefined) throw new ApplianceError('NOT_FOUND', 'no such token')
        if (before.revokedAtMilliseconds !== undefined) return shown(before)
        const after = { ...before, revokedAtMilliseconds: now() }
        const usable = (token: StoredToken) => token.role === 'admin' && isUsable(token, now())
        if (usable(before) && (await all()).filter(usable).length === 1) {
          throw new ApplianceError('INVALID', 'this is the last admin token: make another first')
        }
        const sides = { before: shown(before), after: shown(after) }
        await audit.record({ actor: by, action: 'token.revoke', subject: id, ...sides }, [
          { type: 'put', key: TOKEN_BY_ID + id, value: after },
        ])
        return shown(after)
      })
    },

    async verify(text) {
      const id = TOKEN_TEXT.exec(text)?.[1]
      const stored = id === undefined ? undefined : await documents.get<StoredToken>(TOKEN_BY_ID + id)
      const expected = stored === undefined ? NO_HASH : Buffer.from(stored.secretHash, 'hex')
      const equal = timingSafeEqual(hashOf(text), expected)
      return equal && stored !== undefined && isUsable(stored, now()) ? shown(stored) : undefined
    },

    ensureFirstToken(path) {
      return serial(async () => {
        if ((await all()).length > 0) return undefined
        const { stored, secret } = make({ name: 'first admin', role: 'admin' }, 'system')
        // The file first: a crash in between leaves a useless file, not a token that nobody has.
        await mkdir(dirname(path), { recursive: true })
        await rm(path, { force: true })
        const file = await open(path, 'wx', 0o600)
        try {
          await file.writeFile(`${secret}\n`)
          await file.sync()
        } finally {
          await file.close()
        }
        await keep(stored, 'system')
        return path
      })
    },
  }
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function isUsable(token: Token, time: number): boolean {
  return token.revokedAtMilliseconds === undefined && (token.expiresMilliseconds ?? Infinity) > time
}

function shown({ secretHash: _, ...token }: StoredToken): Token {
  return token
}

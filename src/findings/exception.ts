/**
 * What an exception is: which findings it is about (all given matchers must match), what it does to them (hide, or
 * lower the score), who wants it and why, and until when. An exception without an end must say so in words. What a
 * person sends is an `ExceptionInput`; order, state and the names of requester and approver are the appliance's.
 */
import { type Static, Type } from 'typebox'
import { parseAddress, parsePrefix } from '../records/address.js'
import { MOST_MILLISECONDS } from '../records/time.js'

const closed = { additionalProperties: false } as const
const line = (description: string, maxLength = 200) => Type.String({ minLength: 1, maxLength, description })

const Prefixes = (side: string) =>
  Type.Array(Type.String({ minLength: 2, maxLength: 49 }), {
    minItems: 1,
    maxItems: 256,
    description: `prefixes or addresses; every ${side} address of the finding must be in one of them`,
  })

const Port = Type.Integer({ minimum: 0, maximum: 65535 })

/** A weekly window: the listed days, and on them the time from `from` up to `to`; over midnight when `to` is not later. */
export const TimeOfWeek = Type.Object(
  {
    days: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
      minItems: 1,
      maxItems: 7,
      description: '1 Monday to 7 Sunday; the day on which the window begins',
    }),
    from: Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', description: 'HH:MM, included' }),
    to: Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', description: 'HH:MM, not included' }),
    zone: Type.Optional(line('IANA time zone; UTC when absent', 64)),
  },
  closed,
)
export type TimeOfWeek = Static<typeof TimeOfWeek>

/** The conditions of an exception; each that is given must hold. */
export const ExceptionMatch = Type.Object(
  {
    detector: Type.Optional(line('id of the detector', 64)),
    sourceAddresses: Type.Optional(Prefixes('source')),
    destinationAddresses: Type.Optional(Prefixes('destination')),
    eitherDirection: Type.Optional(
      Type.Boolean({ description: 'the two prefix lists may also match the other way round' }),
    ),
    protocolIdentifier: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
    destinationTransportPorts: Type.Optional(
      Type.Array(Type.Union([Port, Type.Object({ from: Port, to: Port }, closed)]), {
        minItems: 1,
        maxItems: 64,
        description: 'ports or ranges, both ends included',
      }),
    ),
    icmpType: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
    applicationName: Type.Optional(line('the whole name, case ignored', 128)),
    exporterAddress: Type.Optional(line('every exporter of the finding must have this address', 45)),
    timeOfWeek: Type.Optional(TimeOfWeek),
  },
  closed,
)
export type ExceptionMatch = Static<typeof ExceptionMatch>

/** What an exception does to the findings that it matches. */
export const ExceptionEffect = Type.Object(
  {
    kind: Type.Enum(['hide', 'lower']),
    scoreFactor: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'lower: the score is multiplied by this; 1 when absent',
      }),
    ),
    severitySteps: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 4, description: 'lower: steps down; 1 when absent' }),
    ),
  },
  closed,
)
export type ExceptionEffect = Static<typeof ExceptionEffect>

const inputProperties = {
  match: ExceptionMatch,
  effect: ExceptionEffect,
  owner: line('who answers for it'),
  reason: line('why it is right', 2000),
  ticket: Type.Optional(line('where it was asked for')),
  startMilliseconds: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: MOST_MILLISECONDS,
      description: 'acts from then; at once when absent',
    }),
  ),
  expiresMilliseconds: Type.Optional(
    Type.Number({ minimum: 0, maximum: MOST_MILLISECONDS, description: 'stops acting then' }),
  ),
  neverExpires: Type.Optional(Type.Literal(true, { description: 'required when there is no expiry' })),
  enabled: Type.Optional(Type.Boolean({ description: 'true when absent' })),
}

/** What a person sends to make or replace an exception. */
export const ExceptionInput = Type.Object(inputProperties, closed)
export type ExceptionInput = Static<typeof ExceptionInput>

/** active: acts now. pending: its start is to come. waiting: not approved yet. expired, disabled: no longer acts. */
export const exceptionStates = ['active', 'pending', 'waiting', 'expired', 'disabled'] as const
export type ExceptionState = (typeof exceptionStates)[number]

const storedProperties = {
  ...inputProperties,
  enabled: Type.Boolean(),
  id: Type.String(),
  version: Type.Integer({ description: 'the ETag' }),
  requester: Type.String({ description: 'name of the token that made or last changed it' }),
  approver: Type.Optional(Type.String({ description: 'name of the token that approved this version' })),
  createdAtMilliseconds: Type.Number(),
  updatedAtMilliseconds: Type.Number(),
}

/** An exception as it is kept. */
export const StoredException = Type.Object(storedProperties, closed)
export type StoredException = Static<typeof StoredException>

/** An exception as it is read: with its state, and the findings that it matches. */
export const Exception = Type.Object(
  {
    ...storedProperties,
    state: Type.Enum([...exceptionStates]),
    hits: Type.Object(
      {
        findings: Type.Integer({ description: 'stored findings that it matches, whatever its state' }),
        lastSeenMilliseconds: Type.Optional(Type.Number({ description: 'the newest of them' })),
      },
      closed,
    ),
  },
  closed,
)
export type Exception = Static<typeof Exception>

/** What is wrong with an input, and where (JSON pointer). */
export type InputProblem = { readonly pointer: string; readonly message: string }

/** What the schema cannot say. The input has passed the schema. An expiry that `previous` had may be in the past. */
export function checkException(
  input: ExceptionInput,
  nowMilliseconds: number,
  previous?: StoredException,
): InputProblem[] {
  const problems: InputProblem[] = []
  const problem = (pointer: string, message: string) => problems.push({ pointer, message })
  const { match } = input

  const { eitherDirection, timeOfWeek, ...selective } = match
  if (Object.keys(selective).length === 0) {
    problem(
      '/match',
      'give at least one of: detector, addresses, protocol, ports, icmpType, application, exporter',
    )
  }
  if (eitherDirection && match.sourceAddresses === undefined && match.destinationAddresses === undefined) {
    problem('/match/eitherDirection', 'means nothing without sourceAddresses or destinationAddresses')
  }
  for (const side of ['sourceAddresses', 'destinationAddresses'] as const) {
    for (const [index, text] of (match[side] ?? []).entries()) {
      const message = problemOfPrefix(text)
      if (message !== undefined) problem(`/match/${side}/${index}`, message)
    }
  }
  for (const [index, port] of (match.destinationTransportPorts ?? []).entries()) {
    if (typeof port === 'object' && port.from > port.to) {
      problem(`/match/destinationTransportPorts/${index}`, 'from is greater than to')
    }
  }
  if (match.exporterAddress !== undefined && parseAddress(match.exporterAddress) === undefined) {
    problem('/match/exporterAddress', 'not an address')
  }
  if (timeOfWeek?.zone !== undefined && !isZone(timeOfWeek.zone)) {
    problem('/match/timeOfWeek/zone', 'not an IANA time zone')
  }
  const { kind, ...amounts } = input.effect
  if (kind === 'hide' && Object.keys(amounts).length > 0) {
    problem('/effect', 'scoreFactor and severitySteps belong to the effect lower')
  }
  if (input.expiresMilliseconds === undefined && input.neverExpires === undefined) {
    problem('/expiresMilliseconds', 'give an expiry, or neverExpires: true')
  }
  if (input.expiresMilliseconds !== undefined && input.neverExpires !== undefined) {
    problem('/neverExpires', 'contradicts expiresMilliseconds')
  }
  if ((input.startMilliseconds ?? 0) >= (input.expiresMilliseconds ?? Infinity)) {
    problem('/expiresMilliseconds', 'is not after startMilliseconds')
  }
  const { expiresMilliseconds } = input
  if (
    expiresMilliseconds !== previous?.expiresMilliseconds &&
    (expiresMilliseconds ?? Infinity) <= nowMilliseconds
  ) {
    problem('/expiresMilliseconds', 'is in the past (milliseconds since 1970 are asked)')
  }
  return problems
}

/** A prefix with host bits may mean the host or the network: the sender must say which. */
function problemOfPrefix(text: string): string | undefined {
  const prefix = parsePrefix(text)
  if (prefix === undefined) return 'neither an address nor a prefix'
  const { address, length } = prefix
  const words = address.words.map((word, index) => {
    const bits = length - (address.family === 4 ? 0 : index * 32)
    if ((address.family === 4 && index < 3) || bits >= 32) return word
    return bits <= 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0
  })
  const hostBits = words.some((word, index) => word !== address.words[index]! >>> 0)
  if (hostBits) {
    return 'has bits set beyond the prefix length: write the network, or the address alone'
  }
  return undefined
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

/** Whether an exception acts at a time, and if not, why. */
export function exceptionState(
  exception: StoredException,
  nowMilliseconds: number,
  requireApproval: boolean,
): ExceptionState {
  if (!exception.enabled) return 'disabled'
  if ((exception.expiresMilliseconds ?? Infinity) <= nowMilliseconds) return 'expired'
  if (requireApproval && exception.approver === undefined) return 'waiting'
  if ((exception.startMilliseconds ?? 0) > nowMilliseconds) return 'pending'
  return 'active'
}

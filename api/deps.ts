/**
 * What the API is given by whoever composes the appliance: repositories, and functions for what other parts know.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Baselines } from '#core/baselines/baselines.js'
import type { PolicyQuestion, PolicyReview } from '#core/context/policy-review.js'
import type { ContextRepository } from '#core/context/repository.js'
import type { Coverage } from '#core/coverage/coverage.js'
import type { Explanation, Tuple } from '#core/detectors/detector.js'
import type { ExporterStatus } from '#core/exporters.js'
import type { Audit } from '#core/findings/audit.js'
import type { ExceptionRepository } from '#core/findings/exceptions.js'
import type { LossRepository } from '#core/findings/losses.js'
import type { FindingRepository } from '#core/findings/repository.js'
import type { RunRepository } from '#core/findings/runs.js'
import type { TokenRepository } from '#core/findings/tokens.js'
import type { Visibility } from '#core/findings/visibility.js'
import type { Report } from '#core/report/report.js'
import type { QueryClient } from '#core/workers/query-client.js'

const closed = { additionalProperties: false } as const

/** What a detector is, for people. */
export const DetectorDescription = Type.Object(
  {
    id: Type.String(),
    title: Type.String(),
    description: Type.Optional(Type.String({ description: 'what it sees and what it misses' })),
    enabled: Type.Boolean(),
    attack: Type.Object(
      { strategy: Type.String(), analytic: Type.String(), technique: Type.String(), tactic: Type.String() },
      closed,
    ),
    needs: Type.Array(Type.String(), { description: 'fields without which it is blind or degraded' }),
    settings: Type.Record(Type.String(), Type.Unknown(), { description: 'as they are in force' }),
  },
  closed,
)
export type DetectorDescription = Static<typeof DetectorDescription>

/** A socket that the appliance listens on. */
export const Listening = Type.Object(
  { name: Type.String(), transport: Type.String(), port: Type.Integer(), ok: Type.Boolean() },
  closed,
)

/** How the appliance is; only status, version and listening are shown without a token. */
export const HealthReport = Type.Object(
  {
    status: Type.Enum(['ok', 'degraded', 'failing']),
    version: Type.String(),
    listening: Type.Array(Listening),
    startedAtMilliseconds: Type.Optional(Type.Number()),
    checks: Type.Optional(
      Type.Array(
        Type.Object(
          { name: Type.String(), status: Type.Enum(['ok', 'degraded', 'failing']), text: Type.String() },
          closed,
        ),
      ),
    ),
    details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  closed,
)
export type HealthReport = Static<typeof HealthReport>

/** Everything that the server is given. */
export type ApiDeps = {
  readonly findings: FindingRepository
  readonly exceptions: ExceptionRepository
  readonly visibility: Visibility
  readonly audit: Audit
  readonly runs: RunRepository
  readonly tokens: TokenRepository
  readonly losses: LossRepository
  readonly context: ContextRepository
  /** Of all exporters that are known, in no order. */
  exporterIds(): readonly string[]
  /** Those of `ids` that are known, in their order. */
  exporters(ids: readonly string[]): Promise<readonly ExporterStatus[]>
  readonly baselines: Baselines
  readonly coverage: Coverage
  /** The evidence report of a time, ms since 1970 UTC. */
  report(fromMilliseconds: number, toMilliseconds: number): Promise<Report>
  /** Why something is usual or unusual to a detector; undefined when it has no judge, or no baseline. */
  explain(detector: string, tuple: Tuple): Promise<Explanation | undefined>
  /** Holds sanctioned services against what is used; undefined until the detector that learns it has run. */
  policyReview(question: Omit<PolicyQuestion, 'atMilliseconds'>): Promise<PolicyReview | undefined>
  readonly flows: Pick<QueryClient, 'rows' | 'sessions' | 'aggregate'>
  /** Begins a backup. Throws BUSY when one is being made. */
  backup(): Readable
  detectors(): readonly DetectorDescription[]
  health(): HealthReport
  metrics(): Promise<string>
  now(): number
  readonly logger: FastifyBaseLogger
  /** Addresses of reverse proxies whose X-Forwarded-For is believed; none when absent. */
  readonly trustedProxies?: readonly string[]
}

/** The server as routes see it: handlers are typed by their schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

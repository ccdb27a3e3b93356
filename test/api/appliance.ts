/**
 * A server over a real database in a temporary folder, with a clock that tests set, and tokens of every role.
 */

import { Readable } from 'node:stream'
import { pino } from 'pino'
import type { ApiDeps, App } from '#api/deps.js'
import { buildServer } from '#api/server.js'
import { createBaselines } from '#core/baselines/baselines.js'
import { createContextRepository } from '#core/context/repository.js'
import { createCoverage } from '#core/coverage/coverage.js'
import { icmpTunnel } from '#core/detectors/icmp-tunnel/index.js'
import { defaultLearning } from '#core/detectors/surroundings.js'
import type { ExporterStatus } from '#core/exporters.js'
import { createAudit } from '#core/findings/audit.js'
import { createExceptions } from '#core/findings/exceptions.js'
import { findingId, type Observation } from '#core/findings/finding.js'
import { type Losses, openLosses } from '#core/findings/losses.js'
import { createFindings } from '#core/findings/repository.js'
import { createRuns } from '#core/findings/runs.js'
import { createTokens, type Role, roles } from '#core/findings/tokens.js'
import { createVisibility } from '#core/findings/visibility.js'
import { collectReport } from '#core/report/collect.js'
import { createDocuments } from '#core/store/documents.js'
import type { AggregateQuery } from '#core/store/query/aggregate.js'
import type { AggregateResult } from '#core/store/query/ranking.js'
import type { RowPage, RowQuery } from '#core/store/query/rows.js'
import type { QueryLimits } from '#core/workers/query-client.js'

export const DAY = 86_400_000
/** Wednesday 2026-01-14 12:00 UTC. */
export const NOON = Date.UTC(2026, 0, 14, 12)

export type Appliance = ApiDeps & {
  app: App
  documents: ReturnType<typeof createDocuments>
  clock: { milliseconds: number }
  flowQueries: RowQuery[]
  flowResult: RowPage
  aggregations: { query: AggregateQuery; limits: QueryLimits }[]
  aggregate: (query: AggregateQuery, limits: QueryLimits) => Promise<AggregateResult>
  bearer: Record<Role, { authorization: string }>
  tokenIds: Record<Role, string>
  /** What is missing of the store. */
  missing: { losses: Losses }
  status: { value: 'ok' | 'degraded' | 'failing' }
  restart(): Promise<App>
  close(): Promise<void>
}

/** What an aggregation over nothing answers. */
export const noGroups: AggregateResult = {
  groups: [],
  groupCount: 0,
  total: { octets: 0 },
  unknown: {},
  rowsMatched: 0,
  blocksRead: 0,
  blocksFailed: 0,
  sources: [{ resolution: 'raw' }],
  partial: false,
  partialReasons: [],
  isRounded: false,
}

export async function startAppliance(
  location: string,
  options: { requireApproval?: boolean } = {},
): Promise<Appliance> {
  const clock = { milliseconds: NOON }
  const now = () => clock.milliseconds
  const documents = createDocuments({ location })
  await documents.open()
  const audit = createAudit({ documents, now })
  const findings = createFindings({ documents, audit, now })
  const exceptions = createExceptions({ documents, audit, now, ...options })
  const visibility = createVisibility({ documents, findings, exceptions, now })
  const tokens = createTokens({ documents, audit, now })
  const runs = createRuns({ documents, now })
  const context = createContextRepository({ documents, audit, now })
  const bearer = {} as Appliance['bearer']
  const tokenIds = {} as Appliance['tokenIds']
  for (const role of roles) {
    const { token, secret } = await tokens.create({ name: `the ${role}`, role }, 'test')
    bearer[role] = { authorization: `Bearer ${secret}` }
    tokenIds[role] = token.id
  }
  const flowQueries: RowQuery[] = []
  const aggregations: Appliance['aggregations'] = []
  const missing = {
    losses: {
      holes: [{ fromSequence: 5, toSequence: 9, fromMilliseconds: NOON - 2000, toMilliseconds: NOON - 1000 }],
      blocks: [{ name: 'flow4/20', reason: 'a piece does not match its checksum' }],
      unnamedRows: 0,
      unnamedBlocks: 0,
    } as Losses,
  }
  const losses = await openLosses({ documents, audit, now, current: () => missing.losses })
  const status = { value: 'ok' as 'ok' | 'degraded' | 'failing' }
  const appliance = {
    documents,
    clock,
    audit,
    findings,
    exceptions,
    visibility,
    tokens,
    runs,
    context,
    flowQueries,
    aggregations,
    aggregate: async () => noGroups,
    bearer,
    tokenIds,
    missing,
    losses,
    status,
    flowResult: {
      rows: [],
      nextCursor: undefined,
      partial: false,
      partialReasons: [],
      blocksFailed: 0,
    } as RowPage,
    exporterIds: () => ['192.0.2.1_2055', '192.0.2.2_2055'],
    exporters: async (ids: readonly string[]) =>
      ids.filter((id) => appliance.exporterIds().includes(id)).map(exporter),
    flows: {
      rows: async (query: RowQuery) => {
        flowQueries.push(query)
        return appliance.flowResult
      },
      aggregate: (query: AggregateQuery, limits: QueryLimits) => {
        aggregations.push({ query, limits })
        return appliance.aggregate(query, limits)
      },
      sessions: async () => ({
        sessions: [],
        nextCursor: undefined,
        partial: false,
        partialReasons: [],
        blocksFailed: 0,
      }),
    },
    baselines: createBaselines({
      documents,
      audit,
      findings,
      context,
      learning: defaultLearning,
      now,
    }),
    coverage: createCoverage({
      exporterIds: () => appliance.exporterIds(),
      exporters: (ids) => appliance.exporters(ids),
      detectors: [icmpTunnel],
      findings,
      now,
    }),
    report: (from: number, to: number) => collectReport(appliance, from, to),
    explain: async () => ({ isUsual: true, facts: ['seen on 9 days'] }),
    policyReview: async ({ days, limit }: { days: number; limit: number }) => {
      const sinceDay = new Date(86_400_000 * days).toISOString().slice(0, 10)
      const service = { protocolIdentifier: 6, port: limit, owner: 'web team' }
      return {
        sinceDay,
        allowedUnused: [service],
        allowedUsed: [],
        usedNotAllowed: [],
        usedNotAllowedTotal: 0,
      }
    },
    backup: () => Readable.from([Buffer.from('archive')]),
    detectors: () => [
      {
        id: 'icmp-tunnel',
        title: 'ICMP tunnel',
        enabled: true,
        attack: { strategy: 'DET0457', analytic: 'AN1258', technique: 'T1095', tactic: 'TA0011' },
        needs: ['icmpType', 'octets'],
        settings: { minimumScore: 50 },
      },
    ],
    health: () => ({
      status: status.value,
      version: '0.1.0',
      listening: [{ name: 'netflow', transport: 'udp', port: 2055, ok: true }],
      checks: [{ name: 'router-7.example', status: status.value, text: 'silent' }],
    }),
    metrics: async () => '# TYPE culvert_up gauge\nculvert_up 1\n',
    now,
    logger: pino({ level: 'silent' }),
    restart: async () => {
      await appliance.app.close()
      appliance.app = await buildServer(appliance)
      return appliance.app
    },
    close: async () => {
      await appliance.app.close()
      await documents.close()
    },
  } as unknown as Appliance
  appliance.app = await buildServer(appliance)
  await appliance.app.ready()
  return appliance
}

export function observation(subject: number, changes: Partial<Observation> = {}): Observation {
  return {
    kind: 'finding',
    id: findingId('icmp-tunnel', { subject }),
    detector: 'icmp-tunnel',
    severity: 'high',
    score: 80,
    title: `ICMP tunnel ${subject}`,
    sourceAddresses: [`10.0.${subject >>> 8}.${subject & 0xff}`],
    destinationAddresses: ['198.51.100.7'],
    protocolIdentifier: 1,
    icmpType: 8,
    firstSeenMilliseconds: NOON - 3_600_000,
    lastSeenMilliseconds: NOON - 60_000,
    exporters: [{ address: '192.0.2.1', listenerPort: 2055, observationDomainId: 0, bothDirections: true }],
    evidenceQuality: { level: 'good', reasons: [] },
    reasons: [{ code: 'ECHO_MIRROR_BROKEN', value: 152, threshold: 0 }],
    subScores: { mirror: 1 },
    attack: { strategy: 'DET0457', analytic: 'AN1258', technique: 'T1095', tactic: 'TA0011' },
    evidence: [{ receivedMilliseconds: NOON - 60_000, octets: 70_000, packets: 100 }],
    ...changes,
  }
}

function exporter(id: string): ExporterStatus {
  return {
    id,
    address: id.split('_')[0]!,
    listenerPort: 2055,
    transport: 'udp',
    kind: 'netflow',
    protocolVersions: [9],
    observationDomains: [
      {
        observationDomainId: 1,
        protocolVersion: 9,
        templates: [
          {
            templateId: 256,
            kind: 'data',
            fieldCount: 1,
            fields: [{ name: 'octetDeltaCount', elementId: 1, enterpriseNumber: 0, length: 4 }],
            learntAtMilliseconds: NOON,
          },
        ],
        sequence: { gaps: 0, missingUnits: 0, unit: 'packets', resets: 0, reordered: 0, duplicates: 0 },
        held: [{ templateId: 257, sets: 3 }],
      },
    ],
    datagrams: 10,
    octets: 1400,
    records: 20,
    recordsPerSecond: 1,
    datagramsPerSecond: 0.5,
    undecoded: { TEMPLATE_UNKNOWN: 3 },
    firstSeenMilliseconds: NOON - 1000,
    lastSeenMilliseconds: NOON,
  }
}

/** An exception as somebody would ask for one. */
export const exceptionInput = () => ({
  match: { detector: 'icmp-tunnel', sourceAddresses: ['10.9.0.0/16'] },
  effect: { kind: 'hide' },
  owner: 'net team',
  reason: 'monitoring',
  expiresMilliseconds: NOON + 86_400_000,
})

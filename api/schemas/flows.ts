/**
 * Rows: what a search can be restricted by.
 */
import { type Static, Type } from 'typebox'
import { rawStreamNames } from '#core/records/columns.js'
import { partialReasons } from '#core/store/query/effort.js'
import { type Measure, measureNames } from '#core/store/query/measures.js'
import { MAX_FILTER_LENGTH } from '#core/store/query/parse.js'
import { resolutionNames } from '#core/store/query/resolution-names.js'
import { Paging, Query, QueryPrefix, QueryTime } from '../query.js'

const Port = Type.Optional(Type.Integer({ minimum: 0, maximum: 65535 }))

const restrictions = {
  from: Type.Optional(QueryTime('received at or after')),
  to: Type.Optional(QueryTime('received before')),
  sourceAddress: Type.Optional(QueryPrefix('source')),
  destinationAddress: Type.Optional(QueryPrefix('destination')),
  address: Type.Optional(QueryPrefix('source or destination')),
  protocol: Type.Optional(Type.String({ maxLength: 16, description: 'number or name, as 1 or icmp' })),
  port: Port,
  sourcePort: Port,
  destinationPort: Port,
  exporter: Type.Optional(Type.String({ maxLength: 45, description: 'address of the exporter' })),
  stream: Type.Optional(Type.Enum([...rawStreamNames])),
  filter: Type.Optional(
    Type.String({
      maxLength: MAX_FILTER_LENGTH,
      description: 'as `proto icmp and src net 10.0.0.0/8`; what else is sent must hold too',
    }),
  ),
}

const rowFilters = { ...Paging, ...restrictions }

/** The query of a search for rows. */
export const FlowQueryString = Query({
  ...rowFilters,
  columns: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2000,
      description:
        'the values that are wanted, by their names in the answer, with commas; absent: all. Who sent a row comes along, and what a value follows from',
    }),
  ),
})
export type FlowQueryString = Static<typeof FlowQueryString>

const Word = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 255, description }))

/** What any search for rows may be restricted by. */
export type Restrictions = Omit<FlowQueryString, 'limit' | 'cursor' | 'columns'>

/** The query of an aggregation. */
export const AggregateQueryString = Query({
  ...restrictions,
  by: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'up to four, with commas: src, dst, proto, srcport, dstport, exporter, app, time, src/24 and more',
    }),
  ),
  sum: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: `of ${measureNames.join(', ')}, with commas; groups are ranked by the first`,
    }),
  ),
  top: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 10,
    description: 'groups to give; by time alone, the first 10,000 steps',
  }),
  bucket: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 31_536_000,
      description: 'seconds of one step of `time`; 300 when absent',
    }),
  ),
  resolution: Type.Optional(
    Type.Enum([...resolutionNames], {
      description:
        'raw: rows as received, also when absent; 5m, 1h: rollups, which are kept for longer; auto: rows where they are still kept, else rollups',
    }),
  ),
  scaled: Type.Optional(
    Type.Enum(['true', 'false'], { description: 'true: octets and packets times the sampling interval' }),
  ),
})
export type AggregateQueryString = Static<typeof AggregateQueryString>

const Sums = Type.Partial(
  Type.Object(
    Object.fromEntries(measureNames.map((name) => [name, Type.Number()])) as Record<
      Measure,
      ReturnType<typeof Type.Number>
    >,
    { additionalProperties: false },
  ),
)

const PartialReasons = Type.Array(Type.Enum([...partialReasons]), {
  description:
    'blocks: some cannot be read; lost: stored rows of that time are gone; removed: retention deleted rows meanwhile; time: it was over; groups, sessions: too many',
})

/** Groups of an aggregation. */
export const AggregateAnswer = Type.Object(
  {
    groups: Type.Array(Type.Record(Type.String(), Type.Union([Type.Number(), Type.String()]))),
    groupCount: Type.Integer({ description: 'groups found, of which these are the first' }),
    total: Sums,
    other: Type.Optional(Sums),
    unknown: Sums,
    rowsMatched: Type.Integer(),
    blocksRead: Type.Integer(),
    blocksFailed: Type.Integer({ description: 'blocks that could not be read' }),
    sources: Type.Array(
      Type.Object(
        {
          resolution: Type.Enum(['raw', '5m', '1h']),
          fromMilliseconds: Type.Optional(Type.Number()),
          toMilliseconds: Type.Optional(Type.Number()),
        },
        { additionalProperties: false },
      ),
      { description: 'what was read of which time of receipt, the older first' },
    ),
    togetherRows: Type.Optional(
      Type.Integer({ description: 'rows of that time whose groups rollups have not kept apart' }),
    ),
    partial: Type.Boolean({ description: 'not all could be read, or kept apart' }),
    partialReasons: PartialReasons,
    isRounded: Type.Boolean({ description: 'a sum is above 2^53 - 1' }),
  },
  { additionalProperties: false },
)

/** The query of a search among log lines that are no traffic. */
export const MessageQueryString = Query({
  ...Paging,
  from: Type.Optional(QueryTime('received at or after')),
  to: Type.Optional(QueryTime('received before')),
  exporter: Type.Optional(Type.String({ maxLength: 45, description: 'address of the sender' })),
  contains: Word('text anywhere in the line, in any case'),
  host: Word('the host that the line names'),
  application: Word('its tag, or APP-NAME'),
  vendor: Word('maker, where recognised'),
  product: Word('product, where recognised'),
  eventId: Word('message id, where the product has them'),
  severity: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 7, description: 'RFC 5424 severity: this or graver' }),
  ),
})
export type MessageQueryString = Static<typeof MessageQueryString>

/** The query of a search for sessions. */
export const SessionQueryString = Query({
  ...rowFilters,
  state: Type.Optional(Type.Enum(['open', 'closed'], { description: 'open: no closing row has come yet' })),
})

/** Rows found. */
export const FlowPage = Type.Object(
  {
    items: Type.Array(Type.Record(Type.String(), Type.Unknown())),
    nextCursor: Type.Optional(Type.String()),
    hasMore: Type.Boolean(),
    partial: Type.Boolean({ description: 'not all could be read: there may be more rows than these' }),
    partialReasons: PartialReasons,
    blocksFailed: Type.Integer({ description: 'blocks that could not be read' }),
  },
  { additionalProperties: false },
)

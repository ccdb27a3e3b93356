/**
 * Rows: what a search can be restricted by.
 */
import { type Static, Type } from 'typebox'
import { streamNames } from '#core/records/columns.js'
import { Paging, Query, QueryPrefix, QueryTime } from '../query.js'

const Port = Type.Optional(Type.Integer({ minimum: 0, maximum: 65535 }))

const rowFilters = {
  ...Paging,
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
  stream: Type.Optional(Type.Enum([...streamNames])),
}

/** The query of a search for rows. */
export const FlowQueryString = Query(rowFilters)
export type FlowQueryString = Static<typeof FlowQueryString>

const Word = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 255, description }))

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
    blocksFailed: Type.Integer({ description: 'blocks that could not be read' }),
  },
  { additionalProperties: false },
)

/** Names of RFC 5237's registry that people type; every number is accepted too. */
const protocolNumbers: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  egp: 8,
  udp: 17,
  ipv6: 41,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  'ipv6-icmp': 58,
  eigrp: 88,
  ospf: 89,
  etherip: 97,
  pim: 103,
  vrrp: 112,
  l2tp: 115,
  sctp: 132,
}

/** The protocol that a name or number stands for. */
export function protocolNumber(text: string): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= 255 ? Number(text) : undefined
  const name = text.toLowerCase()
  return Object.hasOwn(protocolNumbers, name) ? protocolNumbers[name] : undefined
}

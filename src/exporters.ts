/**
 * What the appliance knows of each device that sends to it: the shapes that the collectors fill in and the API shows.
 * Types alone. An exporter is an address and the listener port it sends to; kinds of telemetry do not share one.
 */
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const Counts = (description: string) => Type.Record(Type.String(), Type.Integer(), { description })

/** Names that options data gave, each with the time when it was learnt. */
const LearntNames = (description: string) =>
  Type.Array(
    Type.Object({ id: Type.String(), name: Type.String(), learntAtMilliseconds: Type.Number() }, closed),
    { description },
  )

/** A field of a template, in wire order. */
export const TemplateField = Type.Object(
  {
    name: Type.String({ description: "IANA's name, or pen/id where there is none" }),
    elementId: Type.Integer(),
    enterpriseNumber: Type.Integer({ description: '0 for IANA' }),
    length: Type.Integer({ description: 'octets; 65535 for a variable length' }),
  },
  closed,
)
export type TemplateField = Static<typeof TemplateField>

/** A template that the exporter has sent. */
export const TemplateStatus = Type.Object(
  {
    templateId: Type.Integer(),
    kind: Type.Enum(['data', 'options']),
    fieldCount: Type.Integer(),
    fields: Type.Array(TemplateField),
    learntAtMilliseconds: Type.Number(),
    lastUsedMilliseconds: Type.Optional(Type.Number()),
    lastReceivedAtMilliseconds: Type.Optional(
      Type.Number({ description: 'absent while only a template kept over a restart is known' }),
    ),
    refreshIntervalMilliseconds: Type.Optional(
      Type.Number({ description: 'how often the device sends it; absent before it came twice' }),
    ),
    stale: Type.Optional(
      Type.Boolean({
        description: 'true when it did not come for three of these intervals; it is used nevertheless',
      }),
    ),
  },
  closed,
)
export type TemplateStatus = Static<typeof TemplateStatus>

/** What the sequence numbers say about loss. */
export const SequenceStatus = Type.Object(
  {
    gaps: Type.Integer(),
    missingUnits: Type.Integer({ description: 'in the unit below' }),
    unit: Type.Enum(['flows', 'packets', 'records'], {
      description: 'v5: flows; v9 and sFlow: packets; IPFIX: records',
    }),
    resets: Type.Integer({ description: 'the device began anew' }),
    reordered: Type.Integer(),
    duplicates: Type.Integer(),
  },
  closed,
)
export type SequenceStatus = Static<typeof SequenceStatus>

/** Sets that wait for their template. */
export const HeldSets = Type.Object({ templateId: Type.Integer(), sets: Type.Integer() }, closed)
export type HeldSets = Static<typeof HeldSets>

/** A counter: a decimal string above 2^53 − 1. */
const Count = Type.Union([Type.Integer(), Type.String({ pattern: '^[0-9]+$' })])

/** What an interface says of itself by sFlow's generic counters, at the latest. */
export const InterfaceStatus = Type.Object(
  {
    ifIndex: Type.Integer(),
    ifType: Type.Integer({ description: 'of IANAifType-MIB; 6 is Ethernet' }),
    ifSpeed: Count,
    ifDirection: Type.Enum(['unknown', 'full-duplex', 'half-duplex', 'in', 'out']),
    isAdminUp: Type.Boolean(),
    isOperUp: Type.Boolean(),
    counters: Type.Record(Type.String(), Count, {
      description:
        'ifInOctets, ifInUcastPkts, … ifOutErrors of RFC 2863, as the device counts them; absent where it does not',
    }),
    receivedMilliseconds: Type.Number({ description: 'when these counters came' }),
  },
  closed,
)
export type InterfaceStatus = Static<typeof InterfaceStatus>

const effectiveSamplingInterval = Type.Optional(
  Type.Number({
    description:
      'packets that could have been sampled for each sample that came: with losses more than the device says',
  }),
)

/** A data source of an sFlow agent, an interface as a rule. */
export const SflowSourceStatus = Type.Object(
  {
    sourceType: Type.Integer({ description: '0 ifIndex, 1 smonVlanDataSource, 2 entPhysicalEntry' }),
    sourceIndex: Type.Integer(),
    samplingInterval: Type.Optional(Type.Integer({ description: 'as the latest sample says' })),
    effectiveSamplingInterval,
    samples: Type.Integer({ description: 'flow samples since the sampling interval was last changed' }),
    poolPackets: Type.Number({ description: 'packets that could have been sampled meanwhile' }),
    missingSamples: Type.Integer({ description: 'by their numbers' }),
    droppedSamples: Type.Integer({ description: 'which the device says that it had to drop' }),
  },
  closed,
)
export type SflowSourceStatus = Static<typeof SflowSourceStatus>

/** What is known of an sFlow agent beside what any exporter has. */
export const SflowAgentStatus = Type.Object(
  {
    agentAddress: Type.Optional(Type.String({ description: 'as its datagrams name it' })),
    flowSamples: Type.Integer(),
    counterSamples: Type.Integer(),
    discardedPackets: Type.Integer(),
    missingSamples: Type.Integer({ description: 'flow samples that never came, by their numbers' }),
    missingCounterSamples: Type.Integer(),
    droppedSamples: Type.Integer({ description: 'which the device says that it had to drop' }),
    poolPackets: Type.Number({ description: 'packets that the samples of all sources stand for' }),
    effectiveSamplingInterval,
    sourceCount: Type.Integer(),
    sources: Type.Array(SflowSourceStatus, { description: 'the first 256 of the exporter' }),
    interfaces: Type.Array(InterfaceStatus, { description: 'up to 512 of the exporter' }),
    interfaceCountersNotKept: Type.Integer({ description: 'records of interfaces beyond these' }),
    unknownRecords: Counts('records of structures without a name, by enterprise/format'),
  },
  closed,
)
export type SflowAgentStatus = Static<typeof SflowAgentStatus>

/** An observation domain (source id, engine, sub-agent) of an exporter. */
export const ObservationDomain = Type.Object(
  {
    observationDomainId: Type.Integer(),
    protocolVersion: Type.Union([Type.Integer(), Type.String()]),
    templates: Type.Array(TemplateStatus),
    sequence: SequenceStatus,
    samplingInterval: Type.Optional(Type.Number({ description: 'one packet of so many is looked at' })),
    samplingFrom: Type.Optional(Type.Enum(['record', 'options', 'header', 'configuration'])),
    samplingLearntAtMilliseconds: Type.Optional(Type.Number({ description: 'when options data gave it' })),
    samplers: Type.Optional(
      Type.Array(
        Type.Object(
          {
            samplerId: Type.Number(),
            samplingInterval: Type.Number(),
            learntAtMilliseconds: Type.Number(),
          },
          closed,
        ),
      ),
    ),
    systemInitMilliseconds: Type.Optional(
      Type.Number({ description: 'start of the device by its options data; relative times count from it' }),
    ),
    systemInitLearntAtMilliseconds: Type.Optional(Type.Number()),
    interfaceNames: Type.Optional(LearntNames('ifIndex → name, from options data; the first 256')),
    applicationNames: Type.Optional(LearntNames('applicationId in hex → name; the first 64')),
    vrfNames: Type.Optional(LearntNames('VRF id → name; the first 64')),
    nameCounts: Type.Optional(Counts('how many names are known of each kind')),
    observationDomainName: Type.Optional(Type.String()),
    reportedExporterAddresses: Type.Optional(
      Type.Array(Type.String(), { description: 'who the device says that it is, behind NAT or a relay' }),
    ),
    originalExporterAddresses: Type.Optional(
      Type.Array(Type.String(), { description: 'whose records a mediator passes on' }),
    ),
    originalObservationDomainIds: Type.Optional(Type.Array(Type.Number())),
    held: Type.Array(HeldSets),
    sflow: Type.Optional(SflowAgentStatus),
    activeTimeoutMilliseconds: Type.Optional(
      Type.Number({ description: 'as the records show it: at what length long flows are cut' }),
    ),
    idleTimeoutMilliseconds: Type.Optional(
      Type.Number({ description: 'as the records show it: how long after their last packet flows are sent' }),
    ),
  },
  closed,
)
export type ObservationDomain = Static<typeof ObservationDomain>

/** An exporter and what it has sent. */
export const ExporterStatus = Type.Object(
  {
    id: Type.String({ description: 'made of address and listener port; safe in a path' }),
    address: Type.String(),
    listenerPort: Type.Integer(),
    transport: Type.Enum(['udp', 'tcp', 'tls']),
    kind: Type.Enum(['netflow', 'sflow', 'syslog']),
    connections: Type.Optional(Type.Integer({ description: 'open connections; TCP and TLS' })),
    protocolVersions: Type.Array(Type.Union([Type.Integer(), Type.String()])),
    observationDomains: Type.Array(ObservationDomain),
    datagrams: Type.Integer(),
    octets: Type.Number(),
    records: Type.Number(),
    recordsPerSecond: Type.Number(),
    datagramsPerSecond: Type.Number(),
    undecoded: Counts('datagrams, sets or lines that were not understood, by reason'),
    clockSkewMilliseconds: Type.Optional(Type.Number({ description: 'device clock less ours' })),
    firstSeenMilliseconds: Type.Number(),
    lastSeenMilliseconds: Type.Number(),
    kernelDrops: Type.Optional(
      Type.Integer({ description: 'datagrams lost in the socket that receives from it, whoever sent them' }),
    ),
    silentSinceMilliseconds: Type.Optional(
      Type.Number({
        description: 'set while a device with a known pace sends nothing: when it was last heard',
      }),
    ),
    vendor: Type.Optional(Type.String({ description: 'syslog' })),
    product: Type.Optional(Type.String({ description: 'syslog' })),
  },
  closed,
)
export type ExporterStatus = Static<typeof ExporterStatus>

/**
 * The id of an exporter: its address and listener port, in characters that a path needs no escape for. A flow exporter
 * over a stream names the transport too, since UDP and TCP share port numbers.
 */
export function exporterId(address: string, listenerPort: number, stream?: 'tcp' | 'tls'): string {
  const suffix = stream === undefined ? '' : `_${stream}`
  return `${address.replaceAll(':', '-').replaceAll('%', '-')}_${listenerPort}${suffix}`
}

/** The detector's settings: ATT&CK's own names where the analytic has a mutable element, plain names otherwise. */
import { type Static, Type } from 'typebox'
import { ApplianceError } from '../../errors.js'
import {
  type Address,
  type AddressFamily,
  type Prefix,
  parsePrefix,
  prefixContains,
} from '../../records/address.js'
import { applicationIndex } from './expected.js'

const closed = { additionalProperties: false } as const

export const Settings = Type.Object(
  {
    SessionDurationThreshold: Type.Number({
      default: 300,
      minimum: 10,
      description: 'seconds from which a session counts as long (AN1258)',
    }),
    BaselinePortProfiles: Type.Array(
      Type.Object(
        {
          protocol: Type.Integer({ minimum: 0, maximum: 255, description: 'IP protocol: 6 TCP, 17 UDP' }),
          port: Type.Integer({
            minimum: 0,
            maximum: 65535,
            description: 'port of the server; 0 for a protocol without ports',
          }),
          application: Type.Optional(
            Type.String({ description: 'only this application; without it, anything on the port' }),
          ),
          server: Type.Optional(
            Type.String({ description: 'only servers in this prefix, such as 10.1.0.0/16' }),
          ),
        },
        closed,
      ),
      { default: [], description: 'pairings that are expected here (DET0227)' },
    ),
    insidePrefixes: Type.Array(Type.String(), {
      default: [],
      description:
        'prefixes of your own beside the private ones; without them hosts with public addresses, so most of IPv6, are taken to be outside',
    }),
    periodicSpread: Type.Number({
      default: 0.15,
      minimum: 0.01,
      maximum: 1,
      description: 'median deviation of the intervals over their median, up to which they count as regular',
    }),
    rareBits: Type.Number({
      default: 10,
      minimum: 1,
      maximum: 24,
      description: 'surprise from which a pairing is rare here (ProtocolUsageBaseline, AN1254)',
    }),
    uncommonBits: Type.Number({
      default: 6,
      minimum: 0,
      maximum: 24,
      description: 'surprise from which a pairing is uncommon here, and below which it may be usual',
    }),
    fewClients: Type.Integer({
      default: 2,
      minimum: 1,
      maximum: 16,
      description: 'clients up to which a service counts as used by few',
    }),
  },
  closed,
)
export type Settings = Static<typeof Settings>

/** Whether a pairing is expected here. */
export type Baseline = (
  protocolIdentifier: number,
  port: number,
  application: number,
  server: Address,
) => boolean

/** Undefined where there are no rows, so that nothing is asked for. */
export function baselineOf(profiles: Settings['BaselinePortProfiles']): Baseline | undefined {
  if (profiles.length === 0) return undefined
  const rows = profiles.map(({ protocol, port, application, server }) => ({
    protocol,
    port,
    application: application === undefined ? undefined : knownApplication(application),
    allows: server === undefined ? undefined : prefixOf(server, 'BaselinePortProfiles'),
  }))
  return (protocolIdentifier, port, application, server) =>
    rows.some(
      (row) =>
        row.protocol === protocolIdentifier &&
        row.port === port &&
        (row.application === undefined || row.application === application) &&
        (row.allows === undefined || prefixContains(row.allows, server)),
    )
}

/** An address held as four words from a place in an array of keys. */
export function addressAt(keys: Uint32Array, offset: number, family: AddressFamily): Address {
  return { family, words: [keys[offset]!, keys[offset + 1]!, keys[offset + 2]!, keys[offset + 3]!] }
}

/** Prefixes of the setting `insidePrefixes`. */
export function insidePrefixesOf(texts: readonly string[]): Prefix[] {
  return texts.map((text) => prefixOf(text, 'insidePrefixes'))
}

function prefixOf(text: string, setting: string): Prefix {
  const prefix = parsePrefix(text)
  if (prefix !== undefined) return prefix
  throw new ApplianceError(
    'CONFIG_INVALID',
    `settings of detector port-protocol at /${setting}: ${text} is no prefix`,
  )
}

function knownApplication(text: string): number {
  const index = applicationIndex(text)
  if (index >= 0) return index
  throw new ApplianceError(
    'CONFIG_INVALID',
    `settings of detector port-protocol at /BaselinePortProfiles: no application is called ${text}`,
  )
}

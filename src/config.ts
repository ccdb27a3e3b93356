/**
 * The configuration: every setting with its default, declared once. A YAML file changes what it names; a key that is
 * not known, or a value that does not fit, is an error with its place in the file.
 */
import { readFileSync } from 'node:fs'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { LineCounter, parseDocument } from 'yaml'
import { ApplianceError } from './errors.js'
import { elementTypes } from './records/element-types.js'
import { mappableNames } from './records/mappable.js'
import { faultsOf } from './validation.js'

const closed = { additionalProperties: false } as const
const Port = Type.Integer({ minimum: 1, maximum: 65535 })
const Ports = (ports: number[], description: string) => Type.Array(Port, { default: ports, description })

export const Config = Type.Object(
  {
    data: Type.String({ default: './data', minLength: 1, description: 'the data folder' }),
    listen: Type.Object(
      {
        host: Type.String({
          default: '::',
          minLength: 1,
          description: ':: is every address of both families',
        }),
        netflowPorts: Ports([2055, 4739], 'UDP ports for NetFlow and IPFIX, any version on any port'),
        ipfixTcpPorts: Ports([4739], 'TCP ports for IPFIX'),
        ipfixTlsPorts: Ports([4740], 'TCP ports for IPFIX over TLS; opened when `tls` is set'),
        tls: Type.Optional(
          Type.Object(
            {
              certificate: Type.String({ description: 'PEM file with the certificate and its chain' }),
              key: Type.String({ description: 'PEM file with the private key' }),
              clientCa: Type.Optional(
                Type.String({ description: 'PEM file: devices must show a certificate that it signed' }),
              ),
              peers: Type.Optional(
                Type.Array(Type.String(), {
                  minItems: 1,
                  description:
                    'devices that may send: DNS names and addresses of certificates that `clientCa` signed, or `sha-256:` fingerprints',
                }),
              ),
            },
            { ...closed, description: 'the identity of this collector towards devices' },
          ),
        ),
        maxConnections: Type.Integer({
          default: 1024,
          minimum: 1,
          maximum: 65_536,
          description: 'connections at a time on each TCP or TLS port',
        }),
        maxConnectionsPerAddress: Type.Integer({
          default: 64,
          minimum: 1,
          maximum: 65_536,
          description: 'of them from one address, so that one device cannot take all',
        }),
        sflowPorts: Ports([6343], 'UDP ports for sFlow'),
        syslogPorts: Ports(
          [514, 5514],
          'UDP and TCP ports for syslog; one that needs root is left out with a word',
        ),
        syslogTlsPorts: Ports([6514], 'TCP ports for syslog over TLS; opened when `tls` is set'),
        datagramsPerSecondPerExporter: Type.Integer({
          default: 100_000,
          minimum: 1,
          description:
            'a device that sends more is cut off at this rate, so that it cannot starve the others',
        }),
        receive: Type.Enum(['auto', 'dgram', 'recvmmsg'], {
          default: 'auto',
          description:
            'how UDP is received: `recvmmsg` takes many datagrams in one call (Linux), `dgram` is everywhere; `auto` takes the first that is there',
        }),
        workers: Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 1, maximum: 16 })], {
          default: 'auto',
          description:
            'threads that receive UDP, each its own exporters (by recvmmsg alone); `auto`: one on up to four cores, then one for each core more, at most 8',
        }),
        receiveBufferOctets: Type.Integer({
          default: 32 * 1024 * 1024,
          minimum: 65536,
          description: 'receive buffer asked for on each UDP socket',
        }),
      },
      { ...closed, default: {} },
    ),
    api: Type.Object(
      {
        host: Type.String({
          default: '127.0.0.1',
          minLength: 1,
          description: 'put TLS in front before you open it to others',
        }),
        port: Type.Integer({
          default: 8080,
          minimum: 0,
          maximum: 65535,
          description: '0 lets the system choose',
        }),
      },
      { ...closed, default: {} },
    ),
    detection: Type.Object(
      {
        intervalSeconds: Type.Integer({
          default: 15,
          minimum: 1,
          maximum: 3600,
          description: 'time between two runs',
        }),
        detectors: Type.Record(
          Type.String(),
          Type.Object(
            {
              enabled: Type.Optional(Type.Boolean({ description: 'true when absent' })),
              settings: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
            },
            closed,
          ),
          { default: {}, description: 'by detector id; see docs/detectors.md' },
        ),
        learning: Type.Object(
          {
            days: Type.Number({
              default: 7,
              minimum: 0.01,
              maximum: 365,
              description: 'before they have passed, what is new here is not told as such',
            }),
            halfLifeDays: Type.Number({
              default: 7,
              minimum: 0.01,
              maximum: 3650,
              description: 'what was seen counts half as much after so long',
            }),
          },
          { ...closed, default: {} },
        ),
      },
      { ...closed, default: {} },
    ),
    retention: Type.Object(
      {
        rawDays: Type.Number({
          default: 14,
          minimum: 0.01,
          description: 'rows of flows and sessions older than this are deleted',
        }),
        messageDays: Type.Number({
          default: 14,
          minimum: 0.01,
          description: 'log lines that tell of no traffic, likewise',
        }),
        rollupDays: Type.Number({
          default: 400,
          minimum: 0.01,
          description: 'sums of rows by five minutes and hours, likewise',
        }),
        maximumOctets: Type.Optional(
          Type.Integer({
            minimum: 64 * 1024 * 1024,
            description: 'size of all rows together; the oldest go before it is reached',
          }),
        ),
        maximumRollupOctets: Type.Optional(
          Type.Integer({
            minimum: 16 * 1024 * 1024,
            description: 'size of all rollups together, likewise',
          }),
        ),
        stopBelowFreeOctets: Type.Integer({
          default: 64 * 1024 * 1024,
          minimum: 0,
          description: 'with less free space nothing more is stored until there is room again; 0: no mark',
        }),
        ballastOctets: Type.Integer({
          default: 16 * 1024 * 1024,
          minimum: 0,
          description:
            'a file of this size is given up on a full disk, so that a start and deleting still work',
        }),
        minimumFreeOctets: Type.Integer({
          default: 1024 * 1024 * 1024,
          minimum: 0,
          description: 'free space to be left on the file system; the oldest rows go for it; 0: none',
        }),
      },
      { ...closed, default: {} },
    ),
    rollups: Type.Boolean({
      default: true,
      description: 'rows are summed by five minutes and hours; false: those that are there stay as they are',
    }),
    scrub: Type.Object(
      {
        octetsPerSecond: Type.Integer({
          default: 4 * 1024 * 1024,
          minimum: 0,
          description:
            'what checking the stored blocks reads of the disk in a second at most; 0: no checking',
        }),
        passHours: Type.Number({
          default: 24,
          minimum: 0.01,
          description: 'all blocks are checked about so often, where the rate allows it',
        }),
      },
      { ...closed, default: {} },
    ),
    backup: Type.Object(
      {
        octetsPerSecond: Type.Integer({
          default: 64 * 1024 * 1024,
          minimum: 64 * 1024,
          description: 'what a backup reads of the disk in a second at most',
        }),
      },
      { ...closed, default: {} },
    ),
    exporters: Type.Array(
      Type.Object(
        {
          address: Type.String({ description: 'an address or a prefix; the first entry that fits is taken' }),
          samplingInterval: Type.Optional(
            Type.Integer({ minimum: 1, description: 'wins over what the device says' }),
          ),
          zone: Type.Optional(Type.String({ description: "IANA time zone of the device's log lines" })),
        },
        closed,
      ),
      { default: [], description: 'what devices do not say of themselves' },
    ),
    elements: Type.Array(
      Type.Object(
        {
          enterpriseNumber: Type.Integer({ minimum: 1, maximum: 0xffffffff }),
          elementId: Type.Integer({ minimum: 0, maximum: 32767 }),
          name: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_.-]*$' }),
          type: Type.Enum([...elementTypes], { description: 'abstract data type (RFC 7012 §3.1)' }),
        },
        closed,
      ),
      { default: [], description: 'names of enterprise elements, for what no table of ours knows' },
    ),
    syslog: Type.Object(
      {
        mappings: Type.Array(
          Type.Object(
            {
              vendor: Type.String({ minLength: 1, maxLength: 64 }),
              product: Type.String({ minLength: 1, maxLength: 64 }),
              when: Type.Object(
                {
                  application: Type.Optional(
                    Type.String({ minLength: 1, description: "the tag, or RFC 5424's APP-NAME, whole" }),
                  ),
                  contains: Type.Optional(
                    Type.String({ minLength: 1, description: 'text anywhere behind the header' }),
                  ),
                },
                { ...closed, minProperties: 1, description: 'which lines; all that is given must hold' },
              ),
              keys: Type.Record(Type.String(), Type.Enum([...mappableNames]), {
                description: "the line's key (in JSON `outer.inner`) and what it means",
              }),
              allowWords: Type.Optional(
                Type.Array(Type.String(), { description: 'words of the action that mean allowed' }),
              ),
              denyWords: Type.Optional(
                Type.Array(Type.String(), { description: 'words of the action that mean denied' }),
              ),
            },
            closed,
          ),
          {
            default: [],
            description: 'products that no table of ours knows: key=value, JSON, CEF or LEEF',
          },
        ),
      },
      { ...closed, default: {} },
    ),
    log: Type.Object(
      { level: Type.Enum(['debug', 'info', 'warn', 'error', 'silent'], { default: 'info' }) },
      { ...closed, default: {} },
    ),
  },
  closed,
)
export type Config = Static<typeof Config>

/** The defaults, with `given` instead where it says something. Throws CONFIG_INVALID naming the key. */
export function makeConfig(given: unknown = {}, placeOf: (path: string[]) => string = () => ''): Config {
  const config = Value.Default(Config, given ?? {})
  const faults = faultsOf(Config, config)
  if (faults.length === 0) return config as Config
  const lines = faults.map(
    ({ path, message }) => `${placeOf([...path])}${path.join('.') || 'the configuration'} ${message}`,
  )
  throw new ApplianceError('CONFIG_INVALID', `the configuration cannot be used:\n  ${lines.join('\n  ')}`)
}

/** Reads a YAML file. Throws CONFIG_INVALID with line and column. */
export function readConfig(path: string): Config {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ApplianceError('CONFIG_INVALID', `${path} cannot be read`, { cause })
  }
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter })
  const [error] = document.errors
  if (error !== undefined) throw new ApplianceError('CONFIG_INVALID', `${path}: ${error.message}`)
  return makeConfig(document.toJS(), (keys) => {
    const node = document.getIn(keys, true) as { range?: [number, number, number] } | undefined
    if (node?.range === undefined) return `${path}: `
    const { line, col } = lineCounter.linePos(node.range[0])
    return `${path}:${line}:${col}: `
  })
}

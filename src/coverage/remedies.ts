/**
 * What mends a lack, in the words of the device's maker where it is known, else in those of the most usual ones. Commands are
 * those of the pages in docs/devices, where the whole configuration stands. Sources: the makers' configuration guides.
 */
import { type Static, Type } from 'typebox'
import type { ExporterStatus } from '../exporters.js'

export const Remedy = Type.Object(
  {
    text: Type.String({ description: 'what to do' }),
    commands: Type.Array(
      Type.Object(
        { platform: Type.String(), lines: Type.Array(Type.String()) },
        { additionalProperties: false },
      ),
      { description: 'of the likely maker, or of several' },
    ),
    page: Type.Optional(Type.String({ description: 'page in docs/devices' })),
  },
  { additionalProperties: false },
)
export type Remedy = Static<typeof Remedy>

/** The maker, as far as it can be told; undefined: nothing tells. */
export type VendorGuess = { readonly name: string | undefined; readonly platforms: readonly Platform[] }

type Platform =
  | 'Cisco IOS XE'
  | 'Juniper Junos'
  | 'MikroTik RouterOS'
  | 'Fortinet FortiOS'
  | 'Palo Alto Networks PAN-OS'
  | 'Arista EOS'
  | 'softflowd'
  | 'sFlow agent (hsflowd)'
  | 'the host of the collector'

const pages: Readonly<Record<Platform, string>> = {
  'Cisco IOS XE': 'cisco-ios-xe.md',
  'Juniper Junos': 'juniper-mx.md',
  'MikroTik RouterOS': 'mikrotik.md',
  'Fortinet FortiOS': 'fortinet-fortigate.md',
  'Palo Alto Networks PAN-OS': 'paloalto-panos.md',
  'Arista EOS': 'arista-eos.md',
  softflowd: 'linux-softflowd.md',
  'sFlow agent (hsflowd)': 'sflow.md',
  'the host of the collector': '../operations.md',
}

/** Private enterprise numbers (iana.org) in a device's templates, and words of its log lines' vendor. */
const byEnterprise: ReadonlyMap<number, Platform> = new Map([
  [9, 'Cisco IOS XE'],
  [2636, 'Juniper Junos'],
  [14988, 'MikroTik RouterOS'],
  [12356, 'Fortinet FortiOS'],
  [25461, 'Palo Alto Networks PAN-OS'],
  [30065, 'Arista EOS'],
])
const byVendor: readonly (readonly [word: string, platform: Platform])[] = [
  ['cisco', 'Cisco IOS XE'],
  ['juniper', 'Juniper Junos'],
  ['mikrotik', 'MikroTik RouterOS'],
  ['fortinet', 'Fortinet FortiOS'],
  ['palo', 'Palo Alto Networks PAN-OS'],
  ['arista', 'Arista EOS'],
]
/** Where nothing tells. */
const usual: readonly Platform[] = ['Cisco IOS XE', 'Juniper Junos', 'MikroTik RouterOS', 'softflowd']

export function vendorOf({ kind, vendor, observationDomains }: ExporterStatus): VendorGuess {
  if (kind === 'sflow') return { name: undefined, platforms: ['sFlow agent (hsflowd)'] }
  if (vendor !== undefined && vendor !== '') {
    const known = byVendor.find(([word]) => vendor.toLowerCase().includes(word))
    return { name: vendor, platforms: known === undefined ? [] : [known[1]] }
  }
  for (const { templates } of observationDomains)
    for (const { fields } of templates)
      for (const { enterpriseNumber } of fields) {
        const platform = byEnterprise.get(enterpriseNumber)
        if (platform !== undefined) return { name: `${platform}, by its elements`, platforms: [platform] }
      }
  return { name: undefined, platforms: usual }
}

type Cure = {
  readonly text: string
  readonly commands?: Partial<Readonly<Record<Platform, readonly string[]>>>
}

const record = 'flow record CULVERT'
const junosTemplate = 'set services flow-monitoring version-ipfix template culvert'

const cures: Readonly<Record<string, Cure>> = {
  sampled: {
    text: 'export without sampling, at least at the edge to the Internet, or from a host beside it; where the hardware must sample, sFlow with packet headers tells more than sampled flows',
    commands: {
      'Cisco IOS XE': [
        'interface GigabitEthernet0/0/1',
        ' ip flow monitor CULVERT input',
        ' ! without "sampler …"',
      ],
      'Juniper Junos': ['set forwarding-options sampling instance culvert input rate 1'],
      'MikroTik RouterOS': ['/ip traffic-flow set packet-sampling=no'],
      softflowd: ['softflowd …', '# without -s'],
      'sFlow agent (hsflowd)': [
        'sflow {',
        '  sampling = 256',
        '}',
        '# one packet of so many: lower is better',
      ],
    },
  },
  'no-icmpType': {
    text: 'have the device export the ICMP type and code',
    commands: {
      'Cisco IOS XE': [
        record,
        ' match ipv4 protocol',
        ' match transport icmp ipv4 type',
        ' match transport icmp ipv4 code',
      ],
      'Juniper Junos': [`${junosTemplate} ipv4-template`, '# Junos sends icmpTypeCodeIPv4 with it'],
      softflowd: ['softflowd -v 9 …'],
    },
  },
  'no-octets': {
    text: 'have the device count octets',
    commands: { 'Cisco IOS XE': [record, ' collect counter bytes long'] },
  },
  'no-packets': {
    text: 'have the device count packets',
    commands: { 'Cisco IOS XE': [record, ' collect counter packets long'] },
  },
  'no-startMilliseconds': {
    text: 'have the device send when flows began and ended',
    commands: {
      'Cisco IOS XE': [record, ' collect timestamp sys-uptime first', ' collect timestamp sys-uptime last'],
    },
  },
  'no-ingressInterface': {
    text: 'have the device send interfaces, so that copies from two metering points are told apart',
    commands: { 'Cisco IOS XE': [record, ' match interface input', ' collect interface output'] },
  },
  'no-tcpControlBits': {
    text: 'have the device send TCP flags: they tell who opened a connection',
    commands: { 'Cisco IOS XE': [record, ' collect transport tcp flags'] },
  },
  'no-applicationName': {
    text: 'have a device on the path name applications, or send the logs of a firewall that does',
    commands: {
      'Cisco IOS XE': [
        record,
        ' collect application name',
        'flow exporter CULVERT',
        ' option application-table timeout 300',
      ],
      'Palo Alto Networks PAN-OS': ['# Traffic logs by syslog have the application (App-ID)'],
      'Fortinet FortiOS': [
        'config firewall policy',
        ' edit <id>',
        '  set application-list default',
        '  set logtraffic all',
      ],
    },
  },
  'long-active-timeout': {
    text: 'set the active timeout to 60 seconds',
    commands: {
      'Cisco IOS XE': ['flow monitor CULVERT', ' cache timeout active 60', ' cache timeout inactive 15'],
      'Juniper Junos': [
        `${junosTemplate} flow-active-timeout 60`,
        `${junosTemplate} flow-inactive-timeout 15`,
      ],
      'MikroTik RouterOS': ['/ip traffic-flow set active-flow-timeout=1m inactive-flow-timeout=15s'],
      'Fortinet FortiOS': [
        'config system netflow',
        ' set active-flow-timeout 60',
        ' set inactive-flow-timeout 15',
        'end',
      ],
      softflowd: ['softflowd -t maxlife=60 -t icmp=15 -t udp=15 -t general=15 …'],
    },
  },
  'clock-off': {
    text: 'set the clock by NTP, and log in UTC or with the zone',
    commands: {
      'Cisco IOS XE': ['ntp server 192.0.2.123', 'service timestamps log datetime msec show-timezone'],
      'Juniper Junos': ['set system ntp server 192.0.2.123'],
      'MikroTik RouterOS': ['/system ntp client set enabled=yes servers=192.0.2.123'],
      'Fortinet FortiOS': ['config system ntp', ' set ntpsync enable', 'end'],
    },
  },
  'collector-drops': {
    text: 'give the collector a larger receive buffer, or run it as root so that it may take one',
    commands: { 'the host of the collector': ['sysctl -w net.core.rmem_max=33554432'] },
  },
  'records-missing': {
    text: 'look for drops on the way: a busy link, a firewall, a collector that is too slow; where the device can, send by TCP or over a network of its own',
  },
  'one-sided': {
    text: 'meter both directions at one device: input on every interface',
    commands: {
      'Cisco IOS XE': [
        'interface GigabitEthernet0/0/0',
        ' ip flow monitor CULVERT input',
        'interface GigabitEthernet0/0/1',
        ' ip flow monitor CULVERT input',
      ],
      'Juniper Junos': [
        'set interfaces ge-0/0/0 unit 0 family inet sampling input',
        'set interfaces ge-0/0/1 unit 0 family inet sampling input',
      ],
    },
  },
  silent: {
    text: 'look whether the device still runs, still has this collector as its target, and still reaches it; a capture on this host (tcpdump) shows what arrives',
  },
  'not-understood': {
    text: 'see undecoded of the exporter: templates that have not come yet, another protocol on the port, or lines of a product without a reader',
  },
}
/** Lacks that one cure mends. */
const same: Readonly<Record<string, string>> = {
  'icmp-type-unknown': 'no-icmpType',
  'times-missing': 'no-startMilliseconds',
  'no-endMilliseconds': 'no-startMilliseconds',
  'applications-not-named': 'no-applicationName',
  'sampling-suspected': 'sampled',
}

/** Undefined where there is nothing to do. */
export function remedyFor(code: string, vendor: VendorGuess): Remedy | undefined {
  const cure = cures[same[code] ?? code]
  if (cure === undefined) return undefined
  const { text, commands = {} } = cure
  const platforms: readonly Platform[] = [...vendor.platforms, 'the host of the collector']
  const [platform] = vendor.platforms
  return {
    text,
    commands: platforms.flatMap((one) => {
      const lines = commands[one]
      return lines === undefined ? [] : [{ platform: one, lines: [...lines] }]
    }),
    ...(vendor.platforms.length === 1 && platform !== undefined ? { page: pages[platform] } : {}),
  }
}

/** What the schema of the configuration cannot say: values that must be readable, and what follows from them. */
import { DAY_MILLISECONDS } from './clock.js'
import type { Config } from './config.js'
import type { Learning } from './detectors/detector.js'
import { ApplianceError } from './errors.js'
import { parseAddress, parsePrefix } from './records/address.js'

export function learningOf({
  detection,
}: Config): Pick<Learning, 'periodMilliseconds' | 'halfLifeMilliseconds'> {
  const { days, halfLifeDays } = detection.learning
  return {
    periodMilliseconds: days * DAY_MILLISECONDS,
    halfLifeMilliseconds: halfLifeDays * DAY_MILLISECONDS,
  }
}

/** Throws CONFIG_INVALID. */
export function checkExporters({ exporters }: Config): void {
  for (const { address, zone } of exporters) {
    if (parsePrefix(address) === undefined)
      throw new ApplianceError('CONFIG_INVALID', `exporters: ${address} is no address and no prefix`)
    if (zone === undefined) continue
    try {
      new Intl.DateTimeFormat('en', { timeZone: zone })
    } catch (cause) {
      throw new ApplianceError('CONFIG_INVALID', `exporters: ${zone} is no IANA time zone`, { cause })
    }
  }
}

type NamedPort = { readonly setting: string; readonly port: number }

/** Throws CONFIG_INVALID for hosts that are no address, and for ports that two settings name. */
export function checkListening({ listen, api }: Config): void {
  checkHost('listen.host', listen.host)
  checkHost('api.host', api.host)
  const named = (settings: readonly (keyof typeof listen & `${string}Ports`)[]): NamedPort[] =>
    settings.flatMap((setting) => listen[setting].map((port) => ({ setting: `listen.${setting}`, port })))
  const ofTls = listen.tls === undefined ? [] : named(['ipfixTlsPorts', 'syslogTlsPorts'])
  const ofApi = api.port !== 0 && meet(listen.host, api.host) ? [{ setting: 'api.port', port: api.port }] : []
  refuseTwice('UDP', named(['netflowPorts', 'sflowPorts', 'syslogPorts']))
  refuseTwice('TCP', [...named(['ipfixTcpPorts', 'syslogPorts']), ...ofTls, ...ofApi])
}

/** Names are looked up when the port is opened; what can only be an address must be one. */
function checkHost(setting: string, host: string): void {
  if (/^[\d.]+$|:/.test(host) && parseAddress(host) === undefined)
    throw new ApplianceError('CONFIG_INVALID', `${setting}: ${host} is no address`)
}

/** Whether two hosts have an address in common; `::` is every address of both families. */
function meet(one: string, other: string): boolean {
  const isAny = (any: string, host: string) => any === '::' || (any === '0.0.0.0' && !host.includes(':'))
  return one === other || isAny(one, other) || isAny(other, one)
}

function refuseTwice(transport: string, named: readonly NamedPort[]): void {
  const settings = new Map<number, string>()
  for (const { setting, port } of named) {
    const before = settings.get(port)
    if (before !== undefined) {
      const who = before === setting ? `${setting} names` : `${before} and ${setting} both name`
      const twice = before === setting ? ' twice' : ''
      throw new ApplianceError('CONFIG_INVALID', `${who} ${transport} port ${port}${twice}`)
    }
    settings.set(port, setting)
  }
}

/**
 * What options data teach about a domain: sampling, application and interface names, the time that IPFIX uptimes count
 * from. RFC 3954 §6, RFC 7011 §3.4.2, RFC 6759 §6.4.
 */
import type { Domain } from './context.js'
import { hex, IANA, readText, readUnsigned } from './elements.js'
import type { Template } from './template.js'

/** Names kept per domain; a router has some thousands of interfaces and NBAR some 1,500 applications. */
const MAX_NAMES = 65_536
/** Octets of a name that are kept: names may be of variable length, and only the sender knows why. */
const MAX_NAME_OCTETS = 255

const SCOPE_INTERFACE = -2

/** Field offsets and lengths of the record in hand, by the field's place in the template; only `walk` is filled. */
export type RecordFields = { readonly offsets: Int32Array; readonly lengths: Int32Array }

/** The elements that teach something. */
const elements = [10, 14, 34, 48, 50, 82, 83, 95, 96, 160, 252, 302, 305, 306, SCOPE_INTERFACE] as const
type ElementId = (typeof elements)[number]

/** Where an options template has them: made once, since a record may be one octet and a template a thousand fields. */
const places = new WeakMap<Template, ReadonlyMap<ElementId, number>>()

function placesOf(template: Template): ReadonlyMap<ElementId, number> {
  let found = places.get(template)
  if (found === undefined) {
    const map = new Map<ElementId, number>()
    for (const id of elements) {
      const index = template.walk.find((place) => {
        const { elementId, enterpriseNumber } = template.fields[place]!
        return elementId === id && enterpriseNumber === IANA
      })
      if (index !== undefined) map.set(id, index)
    }
    found = map
    places.set(template, found)
  }
  return found
}

/** Takes one options record. Returns true when the domain's sampling interval became another. */
export function learnFromOptions(
  domain: Domain,
  template: Template,
  view: DataView,
  fields: RecordFields,
): boolean {
  const found = placesOf(template)
  if (found.size === 0) return false
  const place = (elementId: ElementId) => {
    const index = found.get(elementId)
    return index !== undefined && fields.lengths[index]! > 0 ? index : -1
  }
  const unsigned = (elementId: ElementId) => {
    const index = place(elementId)
    const length = index < 0 ? 9 : fields.lengths[index]!
    return length > 8 ? undefined : readUnsigned(view, fields.offsets[index]!, length)
  }
  const text = (elementId: ElementId) => {
    const index = place(elementId)
    if (index < 0) return undefined
    return readText(view, fields.offsets[index]!, Math.min(fields.lengths[index]!, MAX_NAME_OCTETS))
  }

  const systemInit = unsigned(160)
  if (systemInit !== undefined && systemInit > 0) domain.systemInitMilliseconds = systemInit

  const application = place(95)
  const applicationName = text(96)
  if (application >= 0 && applicationName !== undefined && fields.lengths[application]! <= 8) {
    const key = readUnsigned(view, fields.offsets[application]!, fields.lengths[application]!)
    if (hasRoom(domain.applications, key)) {
      const id = hex(view, fields.offsets[application]!, fields.lengths[application]!)
      domain.applications.set(key, { id, name: applicationName })
    }
  }

  const interfaceIndex = unsigned(10) ?? unsigned(252) ?? unsigned(SCOPE_INTERFACE) ?? unsigned(14)
  const interfaceName = text(82) ?? text(83)
  if (interfaceIndex !== undefined && interfaceName !== undefined && interfaceName !== '') {
    if (hasRoom(domain.interfaces, interfaceIndex)) domain.interfaces.set(interfaceIndex, interfaceName)
  }

  const interval = intervalOf(unsigned)
  if (interval === undefined || interval <= 0) return false
  const sampler = unsigned(302) ?? unsigned(48)
  if (sampler !== undefined) {
    if (domain.samplers.get(sampler) === interval || !hasRoom(domain.samplers, sampler)) return false
    domain.samplers.set(sampler, interval)
    return true
  }
  const changed = domain.samplingInterval !== interval
  domain.samplingInterval = interval
  return changed
}

function hasRoom(names: ReadonlyMap<number, unknown>, key: number): boolean {
  return names.size < MAX_NAMES || names.has(key)
}

/** One packet of how many: IE 34, 50, or (305 + 306) / 305 (RFC 5477 §8.2). */
function intervalOf(unsigned: (elementId: ElementId) => number | undefined): number | undefined {
  const direct = unsigned(34) ?? unsigned(50)
  if (direct !== undefined) return direct
  const packets = unsigned(305)
  const space = unsigned(306)
  if (packets === undefined || space === undefined || packets === 0) return undefined
  return Math.round((packets + space) / packets)
}

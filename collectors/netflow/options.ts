/**
 * What options data teach about a domain: sampling, application and interface names, the time that IPFIX uptimes count
 * from. RFC 3954 §6, RFC 7011 §3.4.2, RFC 6759 §6.4.
 */
import type { Domain } from './context.js'
import { hex, IANA, readText, readUnsigned } from './elements.js'
import type { Template } from './template.js'

/** Names kept per domain; a router has some thousands of interfaces and NBAR some 1,500 applications. */
const MAX_NAMES = 65_536

const SCOPE_INTERFACE = -2

/** Field offsets and lengths of the record in hand, by the field's place in the template. */
export type RecordFields = { readonly offsets: Int32Array; readonly lengths: Int32Array }

/** Takes one options record. Returns true when the domain's sampling interval became another. */
export function learnFromOptions(
  domain: Domain,
  template: Template,
  view: DataView,
  fields: RecordFields,
): boolean {
  const place = (elementId: number) => {
    const index = template.fields.findIndex(
      (field) => field.elementId === elementId && field.enterpriseNumber === IANA,
    )
    return index >= 0 && fields.lengths[index]! > 0 ? index : -1
  }
  const unsigned = (elementId: number) => {
    const index = place(elementId)
    const length = index < 0 ? 9 : fields.lengths[index]!
    return length > 8 ? undefined : readUnsigned(view, fields.offsets[index]!, length)
  }
  const text = (elementId: number) => {
    const index = place(elementId)
    return index < 0 ? undefined : readText(view, fields.offsets[index]!, fields.lengths[index]!)
  }

  const systemInit = unsigned(160)
  if (systemInit !== undefined && systemInit > 0) domain.systemInitMilliseconds = systemInit

  const application = place(95)
  const applicationName = text(96)
  if (application >= 0 && applicationName !== undefined && fields.lengths[application]! <= 8) {
    const key = readUnsigned(view, fields.offsets[application]!, fields.lengths[application]!)
    if (domain.applications.size < MAX_NAMES || domain.applications.has(key)) {
      const id = hex(view, fields.offsets[application]!, fields.lengths[application]!)
      domain.applications.set(key, { id, name: applicationName })
    }
  }

  const interfaceIndex = unsigned(10) ?? unsigned(252) ?? unsigned(SCOPE_INTERFACE) ?? unsigned(14)
  const interfaceName = text(82) ?? text(83)
  if (interfaceIndex !== undefined && interfaceName !== undefined && interfaceName !== '') {
    if (domain.interfaces.size < MAX_NAMES) domain.interfaces.set(interfaceIndex, interfaceName)
  }

  const interval = intervalOf(unsigned)
  if (interval === undefined || interval <= 0) return false
  const sampler = unsigned(302) ?? unsigned(48)
  if (sampler !== undefined) {
    const changed = domain.samplers.get(sampler) !== interval
    if (domain.samplers.size < MAX_NAMES) domain.samplers.set(sampler, interval)
    return changed
  }
  const changed = domain.samplingInterval !== interval
  domain.samplingInterval = interval
  return changed
}

/** One packet of how many: IE 34, 50, or (305 + 306) / 305 (RFC 5477 §8.2). */
function intervalOf(unsigned: (elementId: number) => number | undefined): number | undefined {
  const direct = unsigned(34) ?? unsigned(50)
  if (direct !== undefined) return direct
  const packets = unsigned(305)
  const space = unsigned(306)
  if (packets === undefined || space === undefined || packets === 0) return undefined
  return Math.round((packets + space) / packets)
}

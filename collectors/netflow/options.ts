/**
 * What options data teach about a domain: sampling, names of applications, interfaces and VRFs, the time that IPFIX
 * uptimes count from, the types of enterprise elements. RFC 3954 §6, RFC 7011 §3.4.2, RFC 6759 §6.4, RFC 5610.
 */
import type { Domain, LearntName } from './context.js'
import { hex, IANA, readText, readUnsigned } from './elements.js'
import { identityElements, learnIdentity } from './identity.js'
import { possibleTime } from './kernels.js'
import { applicationKey, hasRoom, MAX_NAME_OCTETS, noteText } from './names.js'
import type { Template } from './template.js'
import { learnElement } from './type-information.js'

const SCOPE_INTERFACE = -2

/** Field offsets and lengths of the record in hand, by the field's place in the template; only `walk` is filled. */
export type RecordFields = { readonly offsets: Int32Array; readonly lengths: Int32Array }

/** The elements that teach something; the others are skipped at no cost. */
const elements: readonly number[] = [
  ...[10, 14, 34, 48, 50, 82, 83, 95, 96, 160, 234, 235, 236, 252, 253],
  ...[302, 303, 305, 306, 309, 310, 311, 339, 341, 346, SCOPE_INTERFACE],
  ...identityElements,
]

/** Reads single fields of an options record by their element; undefined where the record has none of any use. */
export type OptionsReader = {
  unsigned(elementId: number): number | undefined
  text(elementId: number): string | undefined
  /** Calls back with the octets of the field. */
  octets<T>(elementId: number, read: (view: DataView, offset: number, length: number) => T): T | undefined
}

/** Where an options template has them: made once, since a record may be one octet and a template a thousand fields. */
const places = new WeakMap<Template, ReadonlyMap<number, number>>()

function placesOf(template: Template): ReadonlyMap<number, number> {
  let found = places.get(template)
  if (found === undefined) {
    const map = new Map<number, number>()
    for (const index of template.walk) {
      const { elementId, enterpriseNumber } = template.fields[index]!
      if (enterpriseNumber === IANA && elements.includes(elementId) && !map.has(elementId))
        map.set(elementId, index)
    }
    found = map
    places.set(template, found)
  }
  return found
}

function readerOf(
  domain: Domain,
  found: ReadonlyMap<number, number>,
  view: DataView,
  { offsets, lengths }: RecordFields,
): OptionsReader {
  const octets: OptionsReader['octets'] = (elementId, read) => {
    const index = found.get(elementId)
    if (index === undefined || lengths[index] === 0) return undefined
    return read(view, offsets[index]!, lengths[index]!)
  }
  return {
    octets,
    unsigned: (elementId) =>
      octets(elementId, (_view, offset, length) =>
        length > 8 ? undefined : readUnsigned(view, offset, length),
      ),
    text: (elementId) =>
      octets(elementId, (_view, offset, length) => {
        const kept = wholeCharacters(view, offset, length, MAX_NAME_OCTETS)
        const name = readText(view, offset, kept)
        noteText(domain, name, view, offset, kept)
        return name
      }),
  }
}

/** How much of a text is kept of at most `most` octets, without a part of a character at its end. */
function wholeCharacters(view: DataView, offset: number, length: number, most: number): number {
  if (length <= most) return length
  // Octets that go on with a character begin with the bits 10; there are three of them at most.
  let end = most
  while (end > most - 3 && (view.getUint8(offset + end) & 0xc0) === 0x80) end--
  return end
}

/**
 * Takes one options record. Returns true when the domain's sampling interval became another; anything new raises
 * `optionsRevision`.
 */
export function learnFromOptions(
  domain: Domain,
  template: Template,
  view: DataView,
  fields: RecordFields,
  nowMilliseconds: number,
): boolean {
  const found = placesOf(template)
  if (found.size === 0) return false
  const read = readerOf(domain, found, view, fields)
  const { unsigned, text } = read

  const systemInit = possibleTime(unsigned(160) ?? 0, domain)
  if (systemInit > 0 && systemInit !== domain.systemInitMilliseconds) {
    domain.systemInitMilliseconds = systemInit
    domain.systemInitLearntMilliseconds = nowMilliseconds
    domain.optionsRevision++
  }

  const applicationName = text(96)
  if (applicationName !== undefined) {
    read.octets(95, (_view, offset, length) => {
      const key = applicationKey(view, offset, length)
      if (
        domain.applications.get(key)?.name === applicationName ||
        !hasRoom(domain, domain.applications, key)
      )
        return
      const id = hex(view, offset, Math.min(length, MAX_NAME_OCTETS))
      domain.applications.set(key, { id, name: applicationName, learntMilliseconds: nowMilliseconds })
      domain.optionsRevision++
    })
  }
  const learnName = (names: Map<number, LearntName>, key: number | undefined, name: string | undefined) => {
    if (key === undefined || name === undefined || name === '') return
    if (names.get(key)?.name === name || !hasRoom(domain, names, key)) return
    names.set(key, { name, learntMilliseconds: nowMilliseconds })
    domain.optionsRevision++
  }
  const interfaceIndex =
    unsigned(10) ?? unsigned(252) ?? unsigned(SCOPE_INTERFACE) ?? unsigned(14) ?? unsigned(253)
  learnName(domain.interfaces, interfaceIndex, text(82) ?? text(83))
  learnName(domain.vrfs, unsigned(234) ?? unsigned(235), text(236))
  learnIdentity(domain, read)
  learnElement(domain, read)

  const interval = intervalOf(read)
  if (interval === undefined || interval <= 0) return false
  const sampler = unsigned(302) ?? unsigned(48)
  const ofInterface = sampler === undefined ? scopeInterface(template, found, unsigned) : undefined
  const key = sampler ?? ofInterface
  if (key !== undefined) {
    const samplers = sampler === undefined ? domain.interfaceSampling : domain.samplers
    if (samplers.get(key)?.interval === interval || !hasRoom(domain, samplers, key)) return false
    samplers.set(key, { interval, learntMilliseconds: nowMilliseconds })
    domain.optionsRevision++
    return true
  }
  if (domain.samplingInterval === interval) return false
  domain.samplingInterval = interval
  domain.samplingLearntMilliseconds = nowMilliseconds
  domain.optionsRevision++
  return true
}

/** The interface that a record is about, where that is its scope; undefined for any other scope. */
function scopeInterface(
  template: Template,
  found: ReadonlyMap<number, number>,
  unsigned: OptionsReader['unsigned'],
): number | undefined {
  const elementId = [SCOPE_INTERFACE, 10, 14].find(
    (id) => template.fields[found.get(id) ?? -1]?.scope === true,
  )
  return elementId === undefined ? undefined : unsigned(elementId)
}

/** One packet of how many: IE 34, 50; (305 + 306) / 305; 310 / 309, n out of N; 1 / 311 (RFC 5477 §8.2). */
function intervalOf({ unsigned, octets }: OptionsReader): number | undefined {
  const direct = unsigned(34) ?? unsigned(50)
  if (direct !== undefined) return direct
  const packets = unsigned(305)
  const space = unsigned(306)
  if (packets !== undefined && space !== undefined && packets > 0)
    return Math.round((packets + space) / packets)
  const size = unsigned(309)
  const population = unsigned(310)
  if (size !== undefined && population !== undefined && size > 0) return Math.round(population / size)
  const probability = octets(311, (view, offset, length) =>
    length === 8 ? view.getFloat64(offset) : length === 4 ? view.getFloat32(offset) : Number.NaN,
  )
  if (probability === undefined || !(probability > 0 && probability <= 1)) return undefined
  return Math.min(Math.round(1 / probability), 0xffffffff)
}

/**
 * Information elements by (enterprise number, id): name and abstract data type, and how a value reads in JSON. IANA's
 * own come from the generated table, reverse ones from RFC 5103, vendors' from enterprise/, others from configuration
 * and from the devices themselves (RFC 5610); what is in none shows as "pen/id" in hex.
 */
import { informationElements } from '#core/iana/information-elements.js'
import { formatIPv4, formatIPv6 } from '#core/records/address.js'
import type { ElementType } from '#core/records/element-types.js'
import { fromNtp, NTP_MICROSECONDS_MASK } from '#core/records/time.js'
import { enterprises, version9Elements } from './enterprise/index.js'

export type { ElementType } from '#core/records/element-types.js'

export const IANA = 0
/** RFC 5103 §6.1. */
export const REVERSE_PEN = 29305

export type InformationElement = { readonly name: string; readonly type: ElementType }

/** Elements by `pen/id`. */
export type ElementNames = ReadonlyMap<string, InformationElement>

/** Any-length field (RFC 7011 §3.2). */
export const VARIABLE_LENGTH = 65535

/** Scope field types of NetFlow v9 options templates. RFC 3954 §6.1. */
const v9Scopes = [
  'scopeReserved',
  'scopeSystem',
  'scopeInterface',
  'scopeLineCard',
  'scopeCache',
  'scopeTemplate',
]

const iana = new Map<number, InformationElement>(
  [...informationElements, ...version9Elements].map(([elementId, name, type]) => [elementId, { name, type }]),
)
const vendors = new Map<number, ReadonlyMap<number, InformationElement>>(
  [...enterprises].map(([enterpriseNumber, elements]) => [
    enterpriseNumber,
    new Map(elements.map(([elementId, name, type]) => [elementId, { name, type }])),
  ]),
)
const reverse = new Map<number, InformationElement>(
  informationElements.map(([elementId, name, type]) => [
    elementId,
    { name: `reverse${name[0]!.toUpperCase()}${name.slice(1)}`, type },
  ]),
)

/** Elements that a configuration names, by `pen/id`. */
export function namesOf(
  elements: readonly (InformationElement & { enterpriseNumber: number; elementId: number })[],
): ElementNames {
  return new Map(
    elements.map(({ enterpriseNumber, elementId, name, type }) => [
      `${enterpriseNumber}/${elementId}`,
      { name, type },
    ]),
  )
}

export function elementOf(enterpriseNumber: number, elementId: number): InformationElement {
  const found =
    enterpriseNumber === IANA
      ? iana.get(elementId)
      : enterpriseNumber === REVERSE_PEN
        ? reverse.get(elementId)
        : vendors.get(enterpriseNumber)?.get(elementId)
  return found ?? { name: `${enterpriseNumber}/${elementId}`, type: 'octetArray' }
}

/** A field as the domain that sent it is known to name it: our configuration, our tables, the device's own word. */
export function describeElement(
  {
    enterpriseNumber,
    elementId,
    element,
  }: { enterpriseNumber: number; elementId: number; element: InformationElement },
  domain: { definedElements: ElementNames; learntElements: ElementNames },
): InformationElement {
  const { definedElements, learntElements } = domain
  if (enterpriseNumber === IANA || definedElements.size + learntElements.size === 0) return element
  const key = `${enterpriseNumber}/${elementId}`
  return definedElements.get(key) ?? (element.name === key ? (learntElements.get(key) ?? element) : element)
}

export function v9ScopeElement(scopeType: number): InformationElement {
  return { name: v9Scopes[scopeType] ?? `scope/${scopeType}`, type: 'unsigned64' }
}

export type ElementValue = number | string | boolean

/** Unsigned integer of 1 to 8 octets; a double, exact up to 2^53. RFC 7011 §6.2 (reduced size). */
export function readUnsigned(view: DataView, offset: number, length: number): number {
  let value = 0
  for (let index = 0; index < length; index++) value = value * 256 + view.getUint8(offset + index)
  return value
}

/** A value as JSON shows it, undefined for one of no length. A length that the type cannot have reads as hex. */
export function readElement(
  type: ElementType,
  view: DataView,
  offset: number,
  length: number,
): ElementValue | undefined {
  if (length === 0) return undefined
  switch (type) {
    case 'unsigned8':
    case 'unsigned16':
    case 'unsigned32':
    case 'unsigned64':
    case 'unsigned256':
      return length <= (type === 'unsigned256' ? 32 : 8)
        ? exact(view, offset, length)
        : hex(view, offset, length)
    case 'signed8':
    case 'signed16':
    case 'signed32':
    case 'signed64':
      return length <= 8 ? signed(view, offset, length) : hex(view, offset, length)
    case 'float32':
    case 'float64':
      if (length === 8) return finite(view.getFloat64(offset))
      return length === 4 ? finite(view.getFloat32(offset)) : hex(view, offset, length)
    case 'boolean':
      return length === 1 && view.getUint8(offset) <= 2
        ? view.getUint8(offset) === 1
        : hex(view, offset, length)
    case 'ipv4Address':
      return length === 4 ? formatIPv4(view.getUint32(offset)) : hex(view, offset, length)
    case 'ipv6Address':
      if (length !== 16) return hex(view, offset, length)
      return formatIPv6(
        view.getUint32(offset),
        view.getUint32(offset + 4),
        view.getUint32(offset + 8),
        view.getUint32(offset + 12),
      )
    case 'macAddress':
      return length === 6 ? hex(view, offset, length).replace(/(..)(?!$)/g, '$1:') : hex(view, offset, length)
    case 'dateTimeSeconds':
      return length <= 4 ? readUnsigned(view, offset, length) * 1000 : exactMilliseconds(view, offset, length)
    case 'dateTimeMilliseconds':
      return exactMilliseconds(view, offset, length)
    case 'dateTimeMicroseconds':
      if (length !== 8) return hex(view, offset, length)
      return fromNtp(view.getUint32(offset), (view.getUint32(offset + 4) & NTP_MICROSECONDS_MASK) >>> 0)
    case 'dateTimeNanoseconds':
      if (length !== 8) return hex(view, offset, length)
      return fromNtp(view.getUint32(offset), view.getUint32(offset + 4))
    case 'string':
      return readText(view, offset, length)
    default:
      return hex(view, offset, length)
  }
}

/** UTF-8 text without the NULs that pad a fixed length; what is no UTF-8 becomes U+FFFD. */
export function readText(view: DataView, offset: number, length: number): string {
  let end = length
  while (end > 0 && view.getUint8(offset + end - 1) === 0) end--
  return Buffer.from(view.buffer, view.byteOffset + offset, end).toString('utf8')
}

export function hex(view: DataView, offset: number, length: number): string {
  return Buffer.from(view.buffer, view.byteOffset + offset, length).toString('hex')
}

function exact(view: DataView, offset: number, length: number): number | string {
  const value = readUnsigned(view, offset, length)
  if (Number.isSafeInteger(value)) return value
  return BigInt(`0x${hex(view, offset, length)}`).toString()
}

function exactMilliseconds(view: DataView, offset: number, length: number): number | string {
  return length <= 8 ? exact(view, offset, length) : hex(view, offset, length)
}

function signed(view: DataView, offset: number, length: number): number | string {
  if (length <= 6) {
    const value = readUnsigned(view, offset, length)
    const half = 2 ** (8 * length - 1)
    return value >= half ? value - 2 * half : value
  }
  const value = BigInt.asIntN(8 * length, BigInt(`0x${hex(view, offset, length)}`))
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
}

/** JSON has no infinities and no NaN. */
function finite(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

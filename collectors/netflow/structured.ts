/**
 * Structured data (RFC 6313): basicList, subTemplateList and subTemplateMultiList as nested JSON. Only the command line
 * reads them; on the receive path they are skipped by their length. Depth and the number of values are bounded, since a
 * template may hold a list of itself.
 */
import type { Domain } from './context.js'
import {
  describeElement,
  type ElementType,
  type ElementValue,
  elementOf,
  hex,
  IANA,
  readElement,
  VARIABLE_LENGTH,
} from './elements.js'
import type { Template } from './template.js'

/** Lists within lists; real ones are three deep. */
export const MAX_LIST_DEPTH = 8
/** Values of all lists of one record. */
export const MAX_LIST_VALUES = 4096

const ENTERPRISE_BIT = 0x8000

/** IANA, "IPFIX Structured Data Types Semantics" (RFC 6313 §4.4). */
const semantics: Readonly<Record<number, string>> = {
  0: 'noneOf',
  1: 'exactlyOneOf',
  2: 'oneOrMoreOf',
  3: 'allOf',
  4: 'ordered',
  255: 'undefined',
}

/** A record within a list. */
export type ListRecord = { [name: string]: ElementValue | ListValue | (ElementValue | ListValue)[] }

/** A list; `undecoded` holds in hex what could not be read, or was beyond a bound. */
export type ListValue = {
  semantic: string
  /** basicList: the element that all values are of. */
  element?: string
  values?: (ElementValue | ListValue | null)[]
  /** subTemplateList. */
  templateId?: number
  records?: ListRecord[]
  /** subTemplateMultiList. */
  lists?: { templateId: number; records: ListRecord[]; undecoded?: string }[]
  undecoded?: string
}

export type ListType = 'basicList' | 'subTemplateList' | 'subTemplateMultiList'

export function isList(type: ElementType): type is ListType {
  return type === 'basicList' || type === 'subTemplateList' || type === 'subTemplateMultiList'
}

export type ListReader = (
  type: ListType,
  view: DataView,
  offset: number,
  length: number,
) => ListValue | undefined

/** A reader for the lists of one record of a domain; its bounds are for all of them together. */
export function createListReader(domain: Domain): ListReader {
  let left = MAX_LIST_VALUES
  let depth = 0

  const list: ListReader = (type, view, offset, length) => {
    if (length === 0) return undefined
    const end = offset + length
    const value: ListValue = { semantic: semantics[view.getUint8(offset)] ?? String(view.getUint8(offset)) }
    if (depth >= MAX_LIST_DEPTH) return rest(value, view, offset + 1, end)
    depth++
    if (type === 'basicList') basicList(value, view, offset + 1, end)
    else if (type === 'subTemplateList') subTemplateList(value, view, offset + 1, end)
    else multiList(value, view, offset + 1, end)
    depth--
    return value
  }

  const readValue = (type: ElementType, view: DataView, offset: number, length: number) =>
    isList(type) ? list(type, view, offset, length) : readElement(type, view, offset, length)

  /** Field id, length, enterprise number, and then values of that one element. RFC 6313 §4.5.1. */
  const basicList = (value: ListValue, view: DataView, from: number, end: number) => {
    if (from + 4 > end) return rest(value, view, from, end)
    const elementId = view.getUint16(from) & ~ENTERPRISE_BIT
    const fieldLength = view.getUint16(from + 2)
    let at = from + 4
    let enterpriseNumber = IANA
    if (view.getUint16(from) & ENTERPRISE_BIT) {
      if (at + 4 > end) return rest(value, view, from, end)
      enterpriseNumber = view.getUint32(at)
      at += 4
    }
    const field = { elementId, enterpriseNumber, element: elementOf(enterpriseNumber, elementId) }
    const { name, type } = describeElement(field, domain)
    const values: (ElementValue | ListValue | null)[] = []
    value.element = name
    value.values = values
    // A value of no octets would never end.
    if (fieldLength === 0) return rest(value, view, at, end)
    while (at < end) {
      const placed = place(view, at, end, fieldLength)
      if (placed === undefined || left <= 0) return rest(value, view, at, end)
      left--
      values.push(readValue(type, view, placed.offset, placed.length) ?? null)
      at = placed.offset + placed.length
    }
    return value
  }

  /** Template id, and then records of it. RFC 6313 §4.5.2. */
  const subTemplateList = (value: ListValue, view: DataView, from: number, end: number) => {
    if (from + 2 > end) return rest(value, view, from, end)
    value.templateId = view.getUint16(from)
    const { records, next } = recordsOf(value.templateId, view, from + 2, end)
    value.records = records
    return rest(value, view, next, end)
  }

  /** Template id, length with these four octets, records; and again. RFC 6313 §4.5.3. */
  const multiList = (value: ListValue, view: DataView, from: number, end: number) => {
    const lists: NonNullable<ListValue['lists']> = []
    value.lists = lists
    let at = from
    while (at + 4 <= end && left > 0) {
      const templateId = view.getUint16(at)
      const length = view.getUint16(at + 2)
      if (length < 4 || at + length > end) break
      left--
      const { records, next } = recordsOf(templateId, view, at + 4, at + length)
      lists.push(rest({ templateId, records }, view, next, at + length))
      at += length
    }
    return rest(value, view, at, end)
  }

  const recordsOf = (templateId: number, view: DataView, from: number, end: number) => {
    const template = domain.templates.get(templateId)?.template
    const records: ListRecord[] = []
    let at = from
    while (template !== undefined && at < end && left > 0) {
      left--
      const record: ListRecord = {}
      const next = recordOf(template, view, at, end, record)
      if (next < 0) break
      records.push(record)
      at = next
    }
    return { records, next: at }
  }

  /** Reads a record into `record`. Returns the offset behind it, -1 when it runs past `end` or beyond the bound. */
  const recordOf = (template: Template, view: DataView, from: number, end: number, record: ListRecord) => {
    let at = from
    for (const index of template.walk) {
      const field = template.fields[index]!
      const placed = place(view, at, end, field.length)
      if (placed === undefined || left <= 0) return -1
      left--
      const { name, type } = describeElement(field, domain)
      const value = readValue(type, view, placed.offset, placed.length)
      if (value !== undefined) {
        const present = Object.hasOwn(record, name) ? record[name] : undefined
        record[name] =
          present === undefined ? value : Array.isArray(present) ? [...present, value] : [present, value]
      }
      at = placed.offset + placed.length
    }
    return at
  }

  return list
}

/** Where a value lies, and how long it is; undefined when it runs past `end`. RFC 7011 §7. */
function place(view: DataView, from: number, end: number, fieldLength: number) {
  let offset = from
  let length = fieldLength
  if (length === VARIABLE_LENGTH) {
    if (offset + 1 > end) return undefined
    length = view.getUint8(offset)
    offset += 1
    if (length === 255) {
      if (offset + 2 > end) return undefined
      length = view.getUint16(offset)
      offset += 2
    }
  }
  return offset + length > end ? undefined : { offset, length }
}

function rest<T extends object>(
  value: T & { undecoded?: string },
  view: DataView,
  at: number,
  end: number,
): T & { undecoded?: string } {
  if (at < end) value.undecoded = hex(view, at, end - at)
  return value
}

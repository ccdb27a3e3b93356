/**
 * Templates and options templates as the wire gives them: NetFlow v9 (RFC 3954 §5.2, §6.1) and IPFIX (RFC 7011 §3.4).
 * Parsing is pure: octets in, a template or the reason why not.
 */
import { elementOf, IANA, type InformationElement, VARIABLE_LENGTH, v9ScopeElement } from './elements.js'
import type { UndecodedReason } from './reasons.js'

/** More fields than any exporter sends; a template of 1,024 fields already makes records of a kilobyte. */
export const MAX_FIELDS_PER_TEMPLATE = 1024

export type TemplateField = {
  readonly elementId: number
  readonly enterpriseNumber: number
  /** Octets, or VARIABLE_LENGTH. */
  readonly length: number
  /** From the start of the record; -1 behind a field of variable length. */
  readonly offset: number
  readonly scope: boolean
  readonly element: InformationElement
}

export type Template = {
  readonly id: number
  readonly kind: 'data' | 'options'
  readonly fields: readonly TemplateField[]
  /** Places of the fields that can hold octets: walking a record costs no more steps than its octets. */
  readonly walk: readonly number[]
  /** Octets of a record; -1 when a field has variable length. */
  readonly recordLength: number
  /** Octets of the shortest record, at least 1. */
  readonly minimumLength: number
  /** The definition as sent, without its header: equal octets are the same template. */
  readonly definition: Uint8Array
}

/** Builds a template out of its fields; undefined when every record would be empty. */
export function makeTemplate(
  id: number,
  kind: 'data' | 'options',
  fields: readonly {
    elementId: number
    enterpriseNumber: number
    length: number
    scope: boolean
    v9Scope?: boolean
  }[],
  definition: Uint8Array,
): Template | undefined {
  let offset = 0
  let minimumLength = 0
  let variable = false
  const placed = fields.map((field) => {
    const at = variable ? -1 : offset
    if (field.length === VARIABLE_LENGTH) {
      variable = true
      minimumLength += 1
    } else {
      offset += field.length
      minimumLength += field.length
    }
    const { elementId, enterpriseNumber, length, scope } = field
    const element =
      field.v9Scope === true ? v9ScopeElement(elementId) : elementOf(enterpriseNumber, elementId)
    return {
      elementId: field.v9Scope === true ? -elementId : elementId,
      enterpriseNumber,
      length,
      scope,
      offset: at,
      element,
    }
  })
  if (minimumLength === 0) return undefined
  const walk: number[] = []
  for (let index = 0; index < placed.length; index++) if (placed[index]!.length > 0) walk.push(index)
  return { id, kind, fields: placed, walk, recordLength: variable ? -1 : offset, minimumLength, definition }
}

/** What one definition in a template set reads as; `next` is the offset behind it. */
export type TemplateResult =
  | { readonly template: Template; readonly next: number }
  | { readonly withdrawn: number; readonly next: number }
  | { readonly reason: UndecodedReason; readonly next: number }

/** Reads one definition of a v9 template FlowSet at `offset`; the set ends at `end`. RFC 3954 §5.2. */
export function readV9Template(view: DataView, offset: number, end: number): TemplateResult {
  const id = view.getUint16(offset)
  const fieldCount = view.getUint16(offset + 2)
  const fieldsAt = offset + 4
  const next = fieldsAt + 4 * fieldCount
  if (next > end) return { reason: 'template-truncated', next: end }
  if (id < 256) return { reason: 'template-id-reserved', next }
  if (fieldCount > MAX_FIELDS_PER_TEMPLATE) return { reason: 'template-too-many-fields', next }
  const fields = []
  for (let at = fieldsAt; at < next; at += 4) {
    // Types above 32767 are plain numbers in v9: the enterprise bit is IPFIX's.
    fields.push({
      elementId: view.getUint16(at),
      enterpriseNumber: IANA,
      length: view.getUint16(at + 2),
      scope: false,
    })
  }
  const template = makeTemplate(id, 'data', fields, slice(view, fieldsAt, next))
  return template === undefined ? { reason: 'template-empty', next } : { template, next }
}

/** Reads one definition of a v9 options template FlowSet. Lengths are in octets. RFC 3954 §6.1. */
export function readV9OptionsTemplate(view: DataView, offset: number, end: number): TemplateResult {
  if (offset + 6 > end) return { reason: 'template-truncated', next: end }
  const id = view.getUint16(offset)
  const scopeCount = view.getUint16(offset + 2) >>> 2
  const optionCount = view.getUint16(offset + 4) >>> 2
  const fieldsAt = offset + 6
  const fieldCount = scopeCount + optionCount
  const next = fieldsAt + 4 * fieldCount
  if (next > end) return { reason: 'template-truncated', next: end }
  if (id < 256) return { reason: 'template-id-reserved', next }
  if (fieldCount > MAX_FIELDS_PER_TEMPLATE) return { reason: 'template-too-many-fields', next }
  const fields = []
  for (let index = 0; index < fieldCount; index++) {
    const at = fieldsAt + 4 * index
    const scope = index < scopeCount
    fields.push({
      elementId: view.getUint16(at),
      enterpriseNumber: IANA,
      length: view.getUint16(at + 2),
      scope,
      v9Scope: scope,
    })
  }
  const template = makeTemplate(id, 'options', fields, slice(view, offset + 2, next))
  return template === undefined ? { reason: 'template-empty', next } : { template, next }
}

const ENTERPRISE_BIT = 0x8000
const ELEMENT_MASK = 0x7fff

/** Reads one definition of an IPFIX (options) template set. RFC 7011 §3.4.1, §3.4.2. */
export function readIpfixTemplate(
  view: DataView,
  offset: number,
  end: number,
  kind: 'data' | 'options',
): TemplateResult {
  const id = view.getUint16(offset)
  const fieldCount = view.getUint16(offset + 2)
  // A withdrawal is a header alone; its id may be that of the set, for all templates (RFC 7011 §8.1).
  if (fieldCount === 0) return { withdrawn: id, next: offset + 4 }
  let at = offset + 4
  let scopeCount = 0
  if (kind === 'options') {
    if (at + 2 > end) return { reason: 'template-truncated', next: end }
    scopeCount = view.getUint16(at)
    at += 2
  }
  const fields = []
  for (let index = 0; index < fieldCount; index++) {
    if (at + 4 > end) return { reason: 'template-truncated', next: end }
    const elementId = view.getUint16(at)
    const length = view.getUint16(at + 2)
    at += 4
    let enterpriseNumber = IANA
    if (elementId & ENTERPRISE_BIT) {
      if (at + 4 > end) return { reason: 'template-truncated', next: end }
      enterpriseNumber = view.getUint32(at)
      at += 4
    }
    if (index < MAX_FIELDS_PER_TEMPLATE) {
      fields.push({
        elementId: elementId & ELEMENT_MASK,
        enterpriseNumber,
        length,
        scope: index < scopeCount,
      })
    }
  }
  if (id < 256) return { reason: 'template-id-reserved', next: at }
  if (fieldCount > MAX_FIELDS_PER_TEMPLATE) return { reason: 'template-too-many-fields', next: at }
  if (kind === 'options' && (scopeCount === 0 || scopeCount > fieldCount)) {
    return { reason: 'template-scope-invalid', next: at }
  }
  const template = makeTemplate(id, kind, fields, slice(view, offset + 2, at))
  return template === undefined ? { reason: 'template-empty', next: at } : { template, next: at }
}

/** Rebuilds a template from the octets that `Template.definition` keeps. */
export function restoreTemplate(
  protocol: number,
  id: number,
  kind: 'data' | 'options',
  definition: Uint8Array,
): Template | undefined {
  const head = protocol === 9 && kind === 'data' ? 4 : 2
  const octets = new Uint8Array(head + definition.length)
  octets.set(definition, head)
  const view = new DataView(octets.buffer)
  view.setUint16(0, id)
  if (head === 4) view.setUint16(2, definition.length / 4)
  const result =
    protocol !== 9
      ? readIpfixTemplate(view, 0, octets.length, kind)
      : kind === 'data'
        ? readV9Template(view, 0, octets.length)
        : readV9OptionsTemplate(view, 0, octets.length)
  return 'template' in result ? result.template : undefined
}

function slice(view: DataView, from: number, to: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + from, to - from).slice()
}

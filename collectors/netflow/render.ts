/** Decoded rows and records as the JSON objects of `culvert decode` and of the API; names as docs/cli.md lists them. */
import type { Domain } from './context.js'
import { describeElement, type ElementValue, readElement } from './elements.js'
import type { RecordFields } from './options.js'
import { createListReader, isList, type ListValue } from './structured.js'
import type { Template } from './template.js'

/** What a field holds: a value, or a list of RFC 6313. */
export type RenderedValue = ElementValue | ListValue

/** Every field of a record as sent: name → value, an array where the template repeats it. */
export function renderElements(
  template: Template,
  view: DataView,
  fields: RecordFields,
  domain: Domain,
): Record<string, unknown> {
  const elements: Record<string, RenderedValue | RenderedValue[]> = {}
  const readList = createListReader(domain)
  for (const index of template.walk) {
    const offset = fields.offsets[index]!
    const length = fields.lengths[index]!
    const { name, type } = describeElement(template.fields[index]!, domain)
    const value = isList(type)
      ? readList(type, view, offset, length)
      : readElement(type, view, offset, length)
    if (value !== undefined) addValue(elements, name, value)
  }
  return elements
}

/** Adds a value under its name; one that is there already becomes an array. */
export function addValue<T>(elements: Record<string, T | T[]>, name: string, value: T): void {
  const present = Object.hasOwn(elements, name) ? elements[name] : undefined
  if (present === undefined) elements[name] = value
  else if (Array.isArray(present)) present.push(value)
  else elements[name] = [present as T, value]
}

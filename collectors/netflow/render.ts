/** Decoded rows and records as the JSON objects of `culvert decode` and of the API; names as docs/cli.md lists them. */
import type { ElementValue } from './elements.js'
import { readElement } from './elements.js'
import type { RecordFields } from './options.js'
import type { Template } from './template.js'

/** Every field of a record as sent: name → value, an array where the template repeats it. */
export function renderElements(
  template: Template,
  view: DataView,
  fields: RecordFields,
): Record<string, unknown> {
  const elements: Record<string, ElementValue | ElementValue[]> = {}
  template.walk.forEach((index) => {
    const field = template.fields[index]!
    const value = readElement(field.element.type, view, fields.offsets[index]!, fields.lengths[index]!)
    if (value === undefined) return
    const { name } = field.element
    const present = elements[name]
    if (present === undefined) elements[name] = value
    else if (Array.isArray(present)) present.push(value)
    else elements[name] = [present, value]
  })
  return elements
}

/** A plan of rows while it is made: which fields its template has, which columns are filled so far, and the steps. */
import { type BlockBuilder, EXPORTER_COLUMN, RECEIVED_COLUMN, SHAPE_COLUMN } from '#core/blocks/builder.js'
import type { MessageContext } from '../context.js'
import { IANA } from '../elements.js'
import type { Kernel } from '../kernels.js'
import type { Template } from '../template.js'

/** One kernel on one field; `field` is its place in the template. */
export type FieldStep = {
  readonly kernel: Kernel
  readonly field: number
  readonly column: number
  readonly length: number
  /** Of the field in records of fixed length. */
  readonly offset: number
}

/** A step on rows that are already filled. */
export type RowStep = (context: MessageContext, builder: BlockBuilder, row: number, count: number) => void

/** The last field of an element, IANA's by its number, an enterprise's as `pen/id`; -1 without. */
export type Find = (element: number | string) => number

export class RowDraft {
  readonly columns = new Set([RECEIVED_COLUMN, EXPORTER_COLUMN, SHAPE_COLUMN])
  readonly fieldSteps: FieldStep[] = []
  readonly rowSteps: RowStep[] = []
  readonly template: Template
  readonly find: Find

  constructor(template: Template, find: Find) {
    this.template = template
    this.find = find
  }

  /** Octets of a field, VARIABLE_LENGTH where each record says. */
  lengthOf(field: number): number {
    return this.template.fields[field]!.length
  }

  /** Fills a column from a field; false when there is no such field, or no kernel for it. */
  add(column: number, field: number, kernel: Kernel | undefined): boolean {
    const length = this.template.fields[field]?.length ?? 0
    if (field < 0 || kernel === undefined || length === 0) return false
    this.step(column, field, kernel)
    this.columns.add(column)
    return true
  }

  /** Runs a kernel on a field, whatever columns it fills. */
  step(column: number, field: number, kernel: Kernel): void {
    const { length, offset } = this.template.fields[field]!
    this.fieldSteps.push({ kernel, field, column, length, offset })
  }
}

/** Looks fields up. Where a tunnel record repeats an element, the inner header comes last, and is taken. */
export function finder(template: Template): Find {
  const places = new Map<number | string, number>()
  for (const index of template.walk) {
    const { enterpriseNumber, elementId } = template.fields[index]!
    places.set(enterpriseNumber === IANA ? elementId : `${enterpriseNumber}/${elementId}`, index)
  }
  return (element) => places.get(element) ?? -1
}

/** The field when it has just the length that its type needs, else -1. */
export function usable(template: Template, field: number, length: number): number {
  return field >= 0 && template.fields[field]!.length === length ? field : -1
}

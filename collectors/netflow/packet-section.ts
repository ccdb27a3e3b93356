/**
 * Templates that export packets instead of flows: without addresses of their own, but with a section of the packet
 * (IE 315 from the link layer on, 313 from IP on, 317 behind an MPLS stack, 104 as old Cisco devices have 315; RFC 5477
 * §8.5, RFC 7133 §3). The shared dissector reads the 5-tuple there. What the template does tell itself stays: the
 * section only fills other columns. One section is one packet, so a record without counters counts one.
 */
import type { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { dissect } from '../frame/dissect.js'
import { FrameDissection } from '../frame/dissection.js'
import { Layer } from '../frame/layers.js'
import { columnsOf, factsOf, octetsOfFrame, streamOfFrame, writeFrame } from '../frame/row.js'
import { IANA, readUnsigned } from './elements.js'
import type { RecordFields } from './options.js'
import type { RowPlan } from './row-plan.js'
import type { Template } from './template.js'

const Column = FlowColumnIndex

/** Elements that hold a section, the preferred first, and the layer that they begin with. */
const sections: readonly (readonly [elementId: number, first: Layer])[] = [
  [315, Layer.ethernet],
  [104, Layer.ethernet],
  [313, Layer.ip],
  [317, Layer.mplsPayload],
]
const ADDRESSES = [8, 12, 27, 28]
const DATA_LINK_FRAME_SIZE = 312
const LAYER_2_SECTION_SIZE = 103
const DATA_LINK_FRAME_TYPE = 408
const SECTION_OFFSET = 409
const SECTION_EXPORTED_OCTETS = 410
const LAYER_2_SECTION_OFFSET = 102
/** IE 408: IEEE 802.3. */
const FRAME_TYPE_ETHERNET = 1

/** Decoding is synchronous, so one dissection serves all templates. */
const frame = new FrameDissection()

export class PacketSection {
  /** Of the record that was dissected last: its stream, and how its row is filled. */
  stream = 0
  rows: RowPlan
  private facts = 0
  private octets = 0
  private readonly plans: readonly RowPlan[]
  private readonly byFacts = new Map<number, RowPlan>()
  private readonly field: number
  private readonly first: Layer
  private readonly sizeField: number
  private readonly typeField: number
  private readonly offsetField: number
  private readonly exportedField: number
  private readonly hasOctets: boolean
  private readonly hasPackets: boolean

  private constructor(template: Template, plans: readonly RowPlan[], field: number, first: Layer) {
    const find = (...ids: number[]) => {
      const fields = ids.map((id) => fieldOf(template, id)).filter((found) => found >= 0)
      return fields[0] ?? -1
    }
    this.plans = plans
    this.rows = plans[0]!
    this.field = field
    this.first = first
    this.sizeField = first === Layer.ethernet ? find(DATA_LINK_FRAME_SIZE, LAYER_2_SECTION_SIZE) : -1
    this.typeField = first === Layer.ethernet ? find(DATA_LINK_FRAME_TYPE) : -1
    this.offsetField = find(SECTION_OFFSET, LAYER_2_SECTION_OFFSET)
    this.exportedField = find(SECTION_EXPORTED_OCTETS)
    const { columns } = plans[0]!.shape
    this.hasOctets = columns.includes(Column.octets)
    this.hasPackets = columns.includes(Column.packets)
  }

  /** The section of a template whose rows need one; undefined for others. */
  static of(template: Template, plans: readonly RowPlan[]): PacketSection | undefined {
    if (ADDRESSES.some((id) => fieldOf(template, id) >= 0)) return undefined
    for (const [elementId, first] of sections) {
      const field = fieldOf(template, elementId)
      if (field >= 0) return new PacketSection(template, plans, field, first)
    }
    return undefined
  }

  /** Dissects the section of a record and sets `stream` and `rows`. One that cannot be read gives a row without. */
  dissect(view: DataView, fields: RecordFields): void {
    const unsigned = (field: number) => {
      const length = field < 0 ? 0 : fields.lengths[field]!
      return length === 0 || length > 8 ? undefined : readUnsigned(view, fields.offsets[field]!, length)
    }
    const at = fields.offsets[this.field]!
    const length = Math.min(fields.lengths[this.field]!, unsigned(this.exportedField) ?? 65_535)
    const isEthernet = ((unsigned(this.typeField) ?? FRAME_TYPE_ETHERNET) & FRAME_TYPE_ETHERNET) !== 0
    const isWhole = (unsigned(this.offsetField) ?? 0) === 0
    dissect(frame, view, at, isEthernet && isWhole ? length : 0, this.first)
    const size = unsigned(this.sizeField) ?? 0
    this.octets = this.hasOctets ? 0 : octetsOfFrame(frame, size, at)
    this.facts = factsOf(frame, this.octets)
    this.stream = streamOfFrame(frame)
    const key = this.facts * 4 + this.stream
    let rows = this.byFacts.get(key)
    if (rows === undefined) {
      const { shape, fieldSteps, rowSteps } = this.plans[this.stream]!
      const columns = [...shape.columns, ...columnsOf(this.facts), Column.packets]
      rows = { shape: shapeOf(columns), fieldSteps, rowSteps }
      this.byFacts.set(key, rows)
    }
    this.rows = rows
  }

  /** Writes what the section tells, before the record's own fields. */
  write(builder: BlockBuilder, row: number): void {
    writeFrame(frame, this.facts, this.octets, builder, row)
    if (!this.hasPackets) builder.setUnsigned64(Column.packets, row, 1)
  }
}

/** The first field of an element: of several sections the first is the packet's beginning. */
function fieldOf(template: Template, elementId: number): number {
  return template.fields.findIndex(
    (field) => field.elementId === elementId && field.enterpriseNumber === IANA && field.length > 0,
  )
}

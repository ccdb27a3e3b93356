/**
 * How structures of XDR (RFC 4506) are written down here: a line of names in wire order, each with its type behind a
 * colon; without one it is an unsigned word.
 */

/**
 * `list` is a count and so many words, `path` AS path segments, `mac` six octets in eight, `octets16` sixteen octets as
 * they are, `pdus` flow records within a flow record.
 */
export const fieldTypes = [
  'u32',
  'i32',
  'u64',
  'f32',
  'ipv4',
  'ipv6',
  'address',
  'mac',
  'octets16',
  'text',
  'opaque',
  'list',
  'path',
  'pdus',
] as const
export type FieldType = (typeof fieldTypes)[number]

/** A field, or an array of structures: a count and so many of them; `of` is one field without a name for scalars. */
export type Field =
  | { readonly name: string; readonly type: FieldType }
  | { readonly name: string; readonly each: readonly Field[] }

export type Structure = {
  readonly name: string
  readonly fields: readonly Field[]
  /** How many of the fields every agent sends; later texts added the others at the end. */
  readonly required: number
}

/** Format number (enterprise in the high 20 bits) → structure. */
export type Structures = ReadonlyMap<number, Structure>

export function fields(line: string): Field[] {
  return line
    .trim()
    .split(/\s+/)
    .map((word) => {
      const [name = '', type = 'u32'] = word.split(':')
      if (!(fieldTypes as readonly string[]).includes(type)) throw new TypeError(`no such type: ${word}`)
      return { name, type: type as FieldType }
    })
}

/** A structure of the fields of a line, then an array where `each` names one. */
export function structure(
  name: string,
  line: string,
  more: readonly Field[] = [],
  required?: number,
): Structure {
  const all = [...(line === '' ? [] : fields(line)), ...more]
  return { name, fields: all, required: required ?? all.length }
}

/** The format number of an enterprise's structure. */
export function formatOf(enterprise: number, format: number): number {
  return enterprise * 0x1000 + format
}

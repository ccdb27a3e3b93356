/** CSV whose columns are the fields of one kind of entries. */
import type { ContextKind } from '../kinds.js'
import { readCsv } from './csv.js'
import { fieldOf, fieldsOf, kindsOfColumns, readText } from './fields.js'
import { foundText, type ImportedRow, type ImportProblem, type ReadFile } from './rows.js'

const nothing = { kinds: [], rows: [], notMapped: [], mapped: [] } as const

/** `wanted` says the kind; without it the columns must. */
export function readTable(text: string, wanted: ContextKind | undefined): ReadFile {
  const { rows: lines, fault } = readCsv(text)
  const [head, ...body] = lines
  if (head === undefined)
    return { ...nothing, problems: [fault ?? { line: 1, message: 'there is no row of names' }] }
  const columns = head.cells.map((cell) => cell.trim())
  const possible = wanted === undefined ? kindsOfColumns(columns) : [wanted]
  const [kind] = possible
  if (kind === undefined || possible.length > 1) {
    const message =
      kind === undefined
        ? 'the columns are those of no kind of entries: say the kind to hear which of them are not known'
        : `the columns may be those of ${possible.join(' or ')}: say which kind`
    return { ...nothing, problems: [{ line: head.line, message, ...foundOf(columns.join(',')) }] }
  }
  const problems: ImportProblem[] = []
  const fields = columns.map((column) => fieldOf(kind, column))
  fields.forEach((field, index) => {
    const place = { line: head.line, field: columns[index]! }
    if (field === undefined)
      problems.push({ ...place, message: `is no field of ${kind}: ${fieldsOf(kind).join(', ')}` })
    else if (fields.indexOf(field) < index) problems.push({ ...place, message: 'is there twice' })
  })
  if (problems.length > 0) return { ...nothing, kinds: [kind], problems }
  const named = Object.fromEntries(fields.map((field, index) => [field!, columns[index]!]))
  const rows: ImportedRow[] = []
  for (const { line, cells } of body) {
    if (cells.length !== columns.length) {
      const message = `${columns.length} cells are expected, as many as there are names`
      problems.push({ line, message, ...foundOf(`${cells.length} cells`) })
      continue
    }
    const value: Record<string, unknown> = {}
    cells.forEach((cell, index) => {
      const plain = cell.trim()
      if (plain !== '') value[fields[index]!] = readText(kind, fields[index]!, plain)
    })
    rows.push({ kind, place: { line }, value, named })
  }
  if (fault !== undefined) problems.push(fault)
  return { ...nothing, kinds: [kind], rows, problems }
}

function foundOf(text: string): { found: string } {
  return { found: foundText(text)! }
}

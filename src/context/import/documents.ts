/** YAML and JSON: a document with lists of entries by kind, as the export writes it, or a list of one kind. */
import { isSeq, LineCounter, parseDocument } from 'yaml'
import { type ContextKind, contextKinds } from '../kinds.js'
import { aliases, fieldOf, isNamed, readText } from './fields.js'
import { foundText, type ImportedRow, type ImportProblem, type ReadFile } from './rows.js'

/** A parsed text; in YAML, `linesOf` knows where the entries of a list begin. */
type Parsed = {
  readonly value: unknown
  readonly linesOf: (path: readonly string[]) => readonly (number | undefined)[]
}

/** Read at about a million characters a second, while the API answers nobody else; JSON and CSV take a tenth of that. */
const MOST_YAML = 8 * 1024 * 1024

/** Throws an ImportProblem when the text is neither JSON nor YAML. */
function parse(text: string): Parsed {
  try {
    // By far the faster where it can be read so.
    return { value: JSON.parse(text), linesOf: () => [] }
  } catch {
    return parseYaml(text)
  }
}

function parseYaml(text: string): Parsed {
  if (text.length > MOST_YAML) {
    throw {
      line: 1,
      message: 'is more YAML than is read in one go: write it as JSON or CSV',
    } satisfies ImportProblem
  }
  const lines = new LineCounter()
  let document: ReturnType<typeof parseDocument>
  let value: unknown
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
    const [error] = document.errors
    if (error !== undefined) {
      const { line } = lines.linePos(error.pos[0])
      throw { line, message: `is no YAML: ${error.message}` } satisfies ImportProblem
    }
    value = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    if (!(error instanceof Error)) throw error
    // Aliases without end, or lists too deep.
    throw { line: 1, message: `is no YAML that can be read: ${error.message}` } satisfies ImportProblem
  }
  const linesOf = (path: readonly string[]) => {
    const node = path.length === 0 ? document.contents : document.getIn(path, true)
    if (!isSeq(node)) return []
    return node.items.map((item) => {
      const { range } = item as { range?: [number, number, number] | null }
      return range === null || range === undefined ? undefined : lines.linePos(range[0]).line
    })
  }
  return { value, linesOf }
}

/** `wanted` says the kind of a bare list, or the only kind that is taken of a document. */
export function readDocument(text: string, wanted: ContextKind | undefined): ReadFile {
  const kinds: ContextKind[] = []
  const rows: ImportedRow[] = []
  const problems: ImportProblem[] = []
  const result = { kinds, rows, problems, notMapped: [], mapped: [] }
  const takeList = (kind: ContextKind, list: unknown, path: readonly string[], { linesOf }: Parsed) => {
    const pointer = path.map((part) => `/${part}`).join('')
    if (!Array.isArray(list)) {
      problems.push({ pointer, message: `a list of ${kind} is expected`, ...found(list) })
      return
    }
    kinds.push(kind)
    const lines = linesOf(path)
    list.forEach((value: unknown, index) => {
      const line = lines[index]
      const place = { ...(line === undefined ? {} : { line }), pointer: `${pointer}/${index}` }
      if (isRecord(value)) rows.push({ kind, place, value: readNames(kind, value) })
      else
        problems.push({ ...place, message: 'is no entry: names with values are expected', ...found(value) })
    })
  }
  let parsed: Parsed
  try {
    parsed = parse(text)
  } catch (problem) {
    problems.push(problem as ImportProblem)
    return result
  }
  const { value } = parsed
  if (Array.isArray(value)) {
    if (wanted === undefined)
      problems.push({ pointer: '', message: 'a bare list: say the kind of its entries' })
    else takeList(wanted, value, [], parsed)
    return result
  }
  if (!isRecord(value)) {
    const message = `lists named ${contextKinds.join(', ')} are expected`
    problems.push({ pointer: '', message, ...found(value) })
    return result
  }
  for (const [key, list] of Object.entries(value)) {
    const kind = contextKinds.find((name) => name === key)
    // The document of the API says its version.
    if (kind === undefined && key !== 'version') {
      problems.push({ pointer: `/${key.slice(0, 40)}`, message: `is none of ${contextKinds.join(', ')}` })
    }
    if (kind !== undefined && (wanted ?? kind) === kind) takeList(kind, list, [key], parsed)
  }
  return result
}

/** Times in ISO 8601 and protocols by name, under their short names too. */
function readNames(kind: ContextKind, entry: Record<string, unknown>): Record<string, unknown> {
  const read = Object.entries(entry).map(([key, value]) => {
    const field = Object.hasOwn(aliases, key) ? (fieldOf(kind, key) ?? key) : key
    return [field, typeof value === 'string' && isNamed(field) ? readText(kind, field, value) : value]
  })
  return Object.fromEntries(read)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function found(value: unknown): { found?: string } {
  const text = foundText(value)
  return text === undefined ? {} : { found: text }
}

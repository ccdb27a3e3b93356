/**
 * Comma-separated values (RFC 4180) as rows with the number of their first line. Semicolons and tabs are taken for commas
 * where the first line has only them, as spreadsheets write them in some countries; a byte order mark is left out.
 */

export type CsvRow = { readonly line: number; readonly cells: readonly string[] }

/** What ends the reading: nothing behind it could be told apart. */
export type CsvFault = { readonly line: number; readonly message: string }

export function readCsv(text: string): { rows: CsvRow[]; fault?: CsvFault } {
  const rows: CsvRow[] = []
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  const separator = separatorOf(text, at)
  let line = 1
  while (at < text.length) {
    const cells: string[] = []
    const firstLine = line
    for (;;) {
      let cell = ''
      if (text[at] === '"') {
        let from = ++at
        for (;;) {
          const quote = text.indexOf('"', from)
          if (quote < 0)
            return { rows, fault: { line: firstLine, message: 'a quote is opened and not closed' } }
          if (text[quote + 1] === '"') {
            cell += text.slice(at, quote + 1)
            from = at = quote + 2
            continue
          }
          cell += text.slice(at, quote)
          at = quote + 1
          break
        }
        line += linesIn(cell)
        if (at < text.length && text[at] !== separator && !isLineEnd(text, at))
          return { rows, fault: { line, message: 'there is text behind a closing quote' } }
      } else {
        const from = at
        while (at < text.length && text[at] !== separator && !isLineEnd(text, at)) at++
        cell = text.slice(from, at)
      }
      cells.push(cell)
      if (text[at] !== separator) break
      at++
    }
    // A line without anything is no row.
    if (cells.length > 1 || cells[0] !== '') rows.push({ line: firstLine, cells })
    if (text[at] === '\r' && text[at + 1] === '\n') at++
    at++
    line++
  }
  return { rows }
}

function isLineEnd(text: string, at: number): boolean {
  return text[at] === '\n' || text[at] === '\r'
}

/** CR LF, LF or CR. */
function linesIn(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0
}

function separatorOf(text: string, at: number): string {
  const head = /^[^\r\n]*/.exec(text.slice(at, at + 4096))![0]
  return [',', ';', '\t'].find((separator) => head.includes(separator)) ?? ','
}

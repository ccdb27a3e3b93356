/** A filter's text as tokens, one look at each character. */

export type Token = {
  /** `symbol` is a bracket, comma or operator; `text` was quoted. */
  readonly kind: 'word' | 'text' | 'symbol' | 'end'
  readonly value: string
  /** Place of the first character. */
  readonly at: number
  readonly end: number
}

/** What is wrong with a filter, and where. */
export type FilterProblem = { readonly message: string; readonly at: number; readonly end: number }

/** Thrown and caught inside the parser; callers of it get the problem as a value. */
export class FilterFault extends Error {
  readonly problem: FilterProblem

  constructor(message: string, at: number, end: number) {
    super(message)
    this.problem = { message, at, end }
  }
}

const SPACES = ' \t\r\n'
/** The longer ones first. */
const symbols = ['&&', '||', '==', '!=', '<=', '>=', '(', ')', '[', ']', ',', '=', '<', '>', '!']
const ENDS_WORD = `${SPACES}()[],=<>!&|"'`

/** Throws FilterFault at a character or quote that cannot be used. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const character = text[at]!
    if (SPACES.includes(character)) {
      at++
      continue
    }
    const token =
      character === '"' || character === "'"
        ? quoted(text, at)
        : (symbolAt(text, at) ?? wordAt(text, at) ?? unusable(at))
    tokens.push(token)
    at = token.end
  }
  tokens.push({ kind: 'end', value: '', at: text.length, end: text.length })
  return tokens
}

function unusable(at: number): never {
  throw new FilterFault('this character cannot be used here', at, at + 1)
}

function symbolAt(text: string, at: number): Token | undefined {
  const value = symbols.find((symbol) => text.startsWith(symbol, at))
  return value === undefined ? undefined : { kind: 'symbol', value, at, end: at + value.length }
}

function wordAt(text: string, at: number): Token | undefined {
  let end = at
  while (end < text.length && !ENDS_WORD.includes(text[end]!) && !isControl(text.charCodeAt(end))) end++
  return end === at ? undefined : { kind: 'word', value: text.slice(at, end), at, end }
}

function isControl(code: number): boolean {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f)
}

/** A backslash takes the next character as it is. */
function quoted(text: string, at: number): Token {
  const quote = text[at]!
  let value = ''
  for (let index = at + 1; index < text.length; index++) {
    const character = text[index]!
    if (character === quote) return { kind: 'text', value, at, end: index + 1 }
    if (character === '\\' && index + 1 < text.length) value += text[++index]!
    else value += character
  }
  throw new FilterFault('this quote is never closed', at, at + 1)
}

/**
 * The filter language, in the spirit of nfdump's and tcpdump's (docs/query.md): recursive descent over tokens, bounded in
 * length, depth, tests and lists, for it comes over the network too.
 *
 *   filter = and { ("or" | "||") and }
 *   and    = not { ("and" | "&&") not }
 *   not    = ("not" | "!") not | "(" filter ")" | test
 */
import { printable } from '../../printable.js'
import { FlowColumnIndex } from '../../records/columns.js'
import { type Filter, numberFields, textFields } from './filter.js'
import { type Phrase, phrases, qualifiers } from './phrases.js'
import { FilterFault, type FilterProblem, type Token, tokenize } from './tokens.js'
import { OPERATORS, readAddress, readFlags, readNumber, readOperator, readRange } from './values.js'

export type { FilterProblem } from './tokens.js'

/** Characters of a filter. */
export const MAX_FILTER_LENGTH = 4096
/** Brackets and `not` within each other. */
export const MAX_DEPTH = 50
/** Each costs a pass over the rows of a block. */
export const MAX_TESTS = 128
/** Values of an `in` list. */
export const MAX_LIST = 256
/** Each looks through every text of a block. */
export const MAX_CONTAINS = 8

/** Reads a filter; an empty text is `any`. */
export function parseFilter(text: string): { filter: Filter } | { problem: FilterProblem } {
  try {
    if (text.length > MAX_FILTER_LENGTH)
      throw new FilterFault(
        `a filter has at most ${MAX_FILTER_LENGTH} characters`,
        MAX_FILTER_LENGTH,
        text.length,
      )
    return { filter: new Parser(tokenize(text)).parse() }
  } catch (error) {
    if (error instanceof FilterFault) return { problem: error.problem }
    throw error
  }
}

/** Characters shown around the place. */
const SHOWN_BEFORE = 50
const SHOWN_AFTER = 40

/** The problem in three lines: what, the part of the filter around the place, and a caret under it. */
export function explainProblem(text: string, { message, at, end }: FilterProblem): string {
  const from = Math.max(0, at - SHOWN_BEFORE)
  const marked = Math.min(Math.max(end, at), at + SHOWN_AFTER)
  const to = Math.min(text.length, marked + SHOWN_AFTER)
  const before = from > 0 ? '...' : ''
  const after = to < text.length ? '...' : ''
  const part = printable(text.slice(from, to).replace(/[\u0000-\u001f\u007f-\u009f]/g, ' '))
  const caret = '^'.repeat(Math.max(1, marked - at))
  return `${message}\n  ${before}${part}${after}\n  ${' '.repeat(before.length + at - from)}${caret}`
}

/** Whether a row may have two values: of its columns more than one belongs to flows. */
function isEither(columns: readonly string[]): boolean {
  return columns.filter((column) => column in FlowColumnIndex).length > 1
}

class Parser {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0
  #tests = 0
  #contains = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  parse(): Filter {
    if (this.#peek().kind === 'end') return { type: 'any' }
    const filter = this.#or()
    const rest = this.#peek()
    if (rest.kind === 'end') return filter
    throw fault(rest.value === ')' ? 'no bracket is open here' : '`and` or `or` is missing here', rest)
  }

  #or(): Filter {
    return this.#chain('or', '||', () => this.#and())
  }

  #and(): Filter {
    return this.#chain('and', '&&', () => this.#not())
  }

  #chain(type: 'and' | 'or', symbol: string, part: () => Filter): Filter {
    const filters = [part()]
    while (this.#accept(type, symbol)) filters.push(part())
    return filters.length === 1 ? filters[0]! : { type, filters }
  }

  #not(): Filter {
    const token = this.#peek()
    if (++this.#depth > MAX_DEPTH)
      throw fault(`at most ${MAX_DEPTH} brackets and \`not\` go into each other`, token)
    const filter = this.#accept('not', '!') ? ({ type: 'not', filter: this.#not() } as const) : this.#group()
    this.#depth--
    return filter
  }

  #group(): Filter {
    const open = this.#peek()
    if (!this.#accept(undefined, '(')) return this.#test()
    const filter = this.#or()
    if (!this.#accept(undefined, ')')) {
      const token = this.#peek()
      throw token.kind === 'end'
        ? fault('this bracket is never closed', open)
        : fault('`and`, `or` or a closing bracket is missing here', token)
    }
    return filter
  }

  #test(): Filter {
    const first = this.#take()
    if (++this.#tests > MAX_TESTS) throw fault(`a filter has at most ${MAX_TESTS} tests`, first)
    return this.#testOf(this.#phrase(first))
  }

  #phrase(first: Token): Phrase {
    if (first.kind === 'end') throw fault('a test is missing here', first)
    if (first.kind !== 'word')
      throw fault('a test like `proto tcp` or `src net 10.0.0.0/8` is expected here', first)
    const word = first.value.toLowerCase()
    const second = this.#peek()
    const pair = second.kind === 'word' ? phrases.get(`${word} ${second.value.toLowerCase()}`) : undefined
    if (pair !== undefined) {
      this.#next++
      return pair
    }
    const phrase = phrases.get(word)
    if (phrase !== undefined) return phrase
    const fitting = qualifiers.get(word)
    if (fitting !== undefined) throw fault(`after \`${word}\` comes ${fitting.join(', ')}`, second)
    throw fault('no test begins like this (docs/query.md has them all)', first)
  }

  #testOf(phrase: Phrase): Filter {
    switch (phrase.kind) {
      case 'any':
        return { type: 'any' }
      case 'family':
        return { type: 'family', family: phrase.family }
      case 'protocol':
        return { type: 'compare', field: 'protocol', operator: '=', value: phrase.protocol }
      case 'flags':
        return { type: 'flags', bits: readFlags(this.#take()) }
      case 'address': {
        const { field, takesPrefix } = phrase
        const read = (token: Token) => readAddress(token, takesPrefix)
        return { type: 'address', field, prefixes: this.#list(read)?.flat() ?? read(this.#take()) }
      }
      case 'number':
        return this.#number(phrase)
      case 'contains':
        return this.#containing(phrase)
      case 'text':
        return this.#text(phrase)
    }
  }

  #number({ field }: Extract<Phrase, { kind: 'number' }>): Filter {
    const definition = numberFields[field]
    const listed = this.#list((token) => readRange(token, definition))
    if (listed !== undefined) return { type: 'in', field, ranges: listed }
    const sign = this.#peek()
    const operator = readOperator(sign)
    if (operator === undefined) {
      const range = readRange(this.#take(), definition)
      return range[0] === range[1]
        ? { type: 'compare', field, operator: '=', value: range[0] }
        : { type: 'in', field, ranges: [range] }
    }
    this.#next++
    if (operator === '!=' && isEither(definition.columns))
      throw fault('`!=` of either of two values is ambiguous: write `not` before the test', sign)
    return { type: 'compare', field, operator, value: readNumber(this.#take(), definition) }
  }

  #text({ field }: Extract<Phrase, { kind: 'text' }>): Filter {
    const listed = this.#list((token) => this.#quotable(token))
    if (listed !== undefined) return { type: 'text', field, how: 'equals', texts: listed }
    const sign = this.#peek()
    const operator = readOperator(sign)
    if (operator !== undefined) {
      this.#next++
      if (operator !== '=' && operator !== '!=') throw fault('texts are compared by `=` and `!=` alone', sign)
      if (operator === '!=' && isEither(textFields[field]))
        throw fault('`!=` of either of two values is ambiguous: write `not` before the test', sign)
      const texts = [this.#quotable(this.#take())]
      return { type: 'text', field, how: operator === '=' ? 'equals' : 'differs', texts }
    }
    if (this.#accept('contains')) return this.#containing({ kind: 'contains', field })
    return { type: 'text', field, how: 'equals', texts: [this.#quotable(this.#take())] }
  }

  #containing({ field }: Extract<Phrase, { kind: 'contains' }>): Filter {
    const token = this.#take()
    if (++this.#contains > MAX_CONTAINS)
      throw fault(`a filter looks into texts at most ${MAX_CONTAINS} times`, token)
    return { type: 'text', field, how: 'contains', texts: [this.#quotable(token)] }
  }

  #quotable(token: Token): string {
    if (token.kind === 'text' && token.value !== '') return token.value
    if (token.kind === 'word' && !['and', 'or', 'not', 'in'].includes(token.value.toLowerCase()))
      return token.value
    throw fault('a text is expected here, in quotes where it has spaces or is a word of the language', token)
  }

  /** `in [a, b]`, commas optional; undefined when there is none here. */
  #list<T>(read: (token: Token) => T): T[] | undefined {
    const [word, bracket] = [this.#peek(), this.#tokens[this.#next + 1]]
    if (word.kind !== 'word' || word.value.toLowerCase() !== 'in') return undefined
    if (bracket?.kind !== 'symbol' || bracket.value !== '[')
      throw fault('after `in` comes a list like [53, 123]', bracket ?? word)
    this.#next += 2
    const values: T[] = []
    while (!this.#accept(undefined, ']')) {
      if (values.length > 0) this.#accept(undefined, ',')
      const token = this.#take()
      if (token.kind === 'end') throw fault('this list is never closed', bracket)
      if (values.length >= MAX_LIST) throw fault(`a list has at most ${MAX_LIST} values`, token)
      values.push(read(token))
    }
    if (values.length === 0) throw fault('this list is empty', bracket)
    return values
  }

  #peek(): Token {
    return this.#tokens[this.#next]!
  }

  #take(): Token {
    const token = this.#peek()
    if (token.kind !== 'end') this.#next++
    return token
  }

  #accept(word: string | undefined, symbol?: string): boolean {
    const { kind, value } = this.#peek()
    const isIt = (kind === 'word' && value.toLowerCase() === word) || (kind === 'symbol' && value === symbol)
    if (isIt) this.#next++
    return isIt
  }
}

function fault(message: string, token: Token): FilterFault {
  const isOperator = token.kind === 'symbol' && OPERATORS.has(token.value)
  return new FilterFault(hinted(message, token, isOperator), token.at, token.end)
}

/** What is often meant where `and` or `or` is missing. */
function hinted(message: string, { kind, value }: Token, isOperator: boolean): string {
  if (!message.startsWith('`and`')) return message
  if (isOperator) return `${message}, or this test takes no operator`
  const isMask = kind === 'word' && ['mask', 'netmask'].includes(value.toLowerCase())
  return isMask ? 'a mask is written as a length behind a slash: `net 10.0.0.0/8`' : message
}

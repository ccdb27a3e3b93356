// The same connection told otherwise: other hosts, other addresses, other names, optional fields in another order. Every
// line that was found to be a connection has to be one still, between the addresses that it now has.
import { createContext, parseLine, SyslogEvent } from '#collectors/syslog/parse.js'
import { renderEvent } from '#collectors/syslog/render.js'
import { Shape } from '#collectors/syslog/shape.js'
import { createRandom, type Random } from '#simulate/random.js'

const RECEIVED = Date.UTC(2026, 5, 15, 12)

export type MutationResult = {
  /** Connections among the lines, and mutations of them that were tried. */
  connections: number
  mutations: number
  lost: { what: string; before: string; after: string }[]
}

/** Tries `rounds` mutations of each kind on every connection. */
export function mutateConnections(lines: readonly string[], rounds: number, seed: number): MutationResult {
  const random = createRandom(seed)
  const result: MutationResult = { connections: 0, mutations: 0, lost: [] }
  for (const line of lines) {
    const before = read(line)
    if (before === undefined) continue
    result.connections++
    for (let round = 0; round < rounds; round++) {
      for (const [what, mutate] of Object.entries(mutations)) {
        const mutated = mutate(line, random, before)
        if (mutated === undefined) continue
        result.mutations++
        const after = read(mutated.line)
        const isFound =
          after !== undefined &&
          after.product === before.product &&
          after.source === (mutated.names.get(before.source) ?? before.source) &&
          after.destination === (mutated.names.get(before.destination) ?? before.destination)
        if (!isFound) result.lost.push({ what, before: line, after: mutated.line })
      }
    }
  }
  return result
}

type Read = { product: string; source: string; destination: string; host: string; shape: number }

function read(line: string): Read | undefined {
  const event = new SyslogEvent()
  if (!parseLine(line, event, createContext(RECEIVED)) || event.kind !== 1) return undefined
  const { sourceAddress, destinationAddress, product, host } = renderEvent(event, 1)
  return {
    product: String(product),
    source: String(sourceAddress),
    destination: String(destinationAddress),
    host: String(host ?? ''),
    shape: event.shape,
  }
}

type Mutated = { line: string; names: ReadonlyMap<string, string> }

const mutations: Readonly<
  Record<string, (line: string, random: Random, before: Read) => Mutated | undefined>
> = {
  addresses(line, random) {
    const names = new Map<string, string>()
    const replaced = line.replaceAll(/(?<![\d.\w])\d{1,3}(?:\.\d{1,3}){3}(?![\d.\w])/g, (address) => {
      if (address === '0.0.0.0' || address.split('.').some((octet) => Number(octet) > 255)) return address
      let other = names.get(address)
      if (other === undefined) {
        other = `${random.choice([10, 172, 198, 203])}.${random.integer(1, 254)}.${random.integer(0, 254)}.${random.integer(1, 254)}`
        names.set(address, other)
      }
      return other
    })
    return names.size === 0 ? undefined : { line: replaced, names }
  },
  host(line, random, { host }) {
    // A name that is also an address is the other mutation's.
    if (host.length < 3 || /^[\d.:a-f]+$/i.test(host) || !/^[\w.-]+$/.test(host)) return undefined
    const name = random.choice(['fw', 'edge-01.example.net', 'R2D2', 'core_switch', 'x'.repeat(60)])
    const at = line.indexOf(host)
    return { line: line.slice(0, at) + name + line.slice(at + host.length), names: new Map() }
  },
  order(line, random, { shape, product }) {
    const parts = shape === Shape.json ? jsonMembers(line) : pairsOf(line, shape, product)
    if (parts === undefined || parts.items.length < 3) return undefined
    const items = [...parts.items]
    for (let index = items.length - 1; index > 0; index--) {
      const other = random.integer(0, index)
      const item = items[index]!
      items[index] = items[other]!
      items[other] = item
    }
    return { line: parts.head + items.join(parts.glue) + parts.tail, names: new Map() }
  },
}

type Parts = { head: string; items: string[]; glue: string; tail: string }

/** Pairs that stand behind the marks by which a product is known; kernels and such, whose order is fixed, have none. */
function pairsOf(line: string, shape: number, product: string): Parts | undefined {
  if (product === 'netfilter' || (shape !== Shape.pairs && shape !== Shape.cef)) return undefined
  // Behind a quote that is not closed nobody knows where a field ends.
  if (line.split('"').length % 2 === 0) return undefined
  const start = shape === Shape.cef ? cefExtension(line) : behindMarks(line)
  if (start < 0) return undefined
  const items: string[] = []
  let item = ''
  for (const word of line.slice(start).match(/[\w.-]+="(?:[^"\\]|\\.)*"|\S+/g) ?? []) {
    if (/^[\w.-]+=/.test(word) && item !== '') {
      items.push(item)
      item = word
    } else item = item === '' ? word : `${item} ${word}`
  }
  items.push(item)
  // A last value that is free text with an equals sign in it would change its meaning.
  return items.every((one) => /^[\w.-]+=/.test(one))
    ? { head: line.slice(0, start), items, glue: ' ', tail: '' }
    : undefined
}

/** Behind the first four pairs, by which most products open their lines. */
function behindMarks(line: string): number {
  let index = 0
  for (let pairs = 0; pairs < 5; pairs++) {
    const next = /\s[\w.-]+=/g
    next.lastIndex = index
    const match = next.exec(line)
    if (match === null) return -1
    index = match.index + 1
  }
  return index
}

function cefExtension(line: string): number {
  const match =
    /(?:CEF:\s?)?\d\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|/.exec(
      line,
    )
  return match === null ? -1 : match.index + match[0].length
}

function jsonMembers(line: string): Parts | undefined {
  const start = line.indexOf('{')
  const end = line.lastIndexOf('}')
  try {
    const object = JSON.parse(Buffer.from(line.slice(start, end + 1), 'latin1').toString('utf8')) as Record<
      string,
      unknown
    >
    const items = Object.entries(object).map(([key, value]) =>
      Buffer.from(`${JSON.stringify(key)}:${JSON.stringify(value)}`).toString('latin1'),
    )
    return { head: line.slice(0, start + 1), items, glue: ',', tail: line.slice(end) }
  } catch {
    return undefined
  }
}

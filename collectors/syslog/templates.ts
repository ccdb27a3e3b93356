/**
 * Sentences with holes, for products that log prose (Cisco): a message is compiled once into a list of steps that walk
 * the line from left to right without going back. `{name}` is a hole, a literal space stands for one or more spaces,
 * `{..}` skips to the next literal.
 */

import { Field, type FieldIndex, type SyslogEvent } from './event.js'
import { fill, holes, type Step } from './holes.js'
import type { Line } from './line.js'
import { SPACE, skipSpaces } from './scan.js'

/** A compiled sentence. */
export type Template = readonly Step[]

const wordFields: Readonly<Record<string, FieldIndex>> = {
  sessionId: Field.sessionId,
  ingress: Field.ingressInterfaceName,
  egress: Field.egressInterfaceName,
  rule: Field.ruleName,
  user: Field.userName,
  service: Field.service,
}
const restFields: Readonly<Record<string, FieldIndex>> = { reason: Field.endReason }

/** Compiles a sentence; an unknown hole is a mistake of ours and throws at load. */
export function compile(sentence: string): Template {
  const steps: Step[] = []
  const add = (hole: number, text: string, field: FieldIndex) => {
    steps.push({ hole, text, octets: new Uint8Array(Buffer.from(text, 'latin1')), field })
  }
  for (const part of sentence.split(/(\{[^}]*\})/)) {
    if (part === '') continue
    if (!part.startsWith('{')) {
      add(holes.text, part, Field.message)
      continue
    }
    const name = part.slice(1, -1)
    if (name === '..') add(holes.skip, '', Field.message)
    else if (name === '*') add(holes.word, '', Field.message)
    else if (Object.hasOwn(wordFields, name)) {
      add(holes.word, name, wordFields[name]!)
    } else if (Object.hasOwn(restFields, name)) {
      add(holes.rest, name, restFields[name]!)
    } else if (Object.hasOwn(holes, name)) {
      add(holes[name as keyof typeof holes], name, Field.message)
    } else throw new Error(`unknown hole ${part}`)
  }
  return steps
}

/** Walks the sentence over a range; false where it does not fit (fields written on the way are the caller's to reset). */
export function match(event: SyslogEvent, template: Template, start: number, end: number): boolean {
  const line = event.line
  let position = start
  for (let index = 0; index < template.length; index++) {
    const step = template[index]!
    switch (step.hole) {
      case holes.text:
        position = matchText(line, step.octets, position, end)
        break
      case holes.skip: {
        const next = template[index + 1]
        if (next === undefined) return true
        position = line.indexOf(next.text, position)
        if (position > end) return false
        break
      }
      default:
        position = fill(event, step, position, end)
    }
    if (position < 0) return false
  }
  return true
}

function matchText(line: Line, text: Uint8Array, start: number, end: number): number {
  if (line.startsWithOctets(text, start)) return start + text.length
  let position = start
  for (let index = 0; index < text.length; index++) {
    const code = text[index]!
    if (code === SPACE) {
      const next = skipSpaces(line, position, end)
      if (next === position && position < end) return -1
      position = next
    } else {
      if (line.octetAt(position) !== code) return -1
      position++
    }
  }
  return position
}

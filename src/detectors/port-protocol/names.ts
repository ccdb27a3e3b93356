/** The names that devices give to applications, numbered, with the application that each stands for. */
import { applicationIndex } from './expected.js'

/** Different names kept; later ones say nothing. Real devices know some thousand, of which the table knows few. */
const MAX_NAMES = 4096

export type Names = {
  /** The number of a name that the table of applications knows, from 1; 0 for one that says nothing. */
  numberOf(text: string): number
  textOf(number: number): string
  /** The place of the name's application in the table. */
  applicationOf(number: number): number
}

export function createNames(): Names {
  const numbers = new Map<string, number>()
  const texts = ['']
  const indexes = [-1]
  return {
    numberOf(text) {
      const found = numbers.get(text)
      if (found !== undefined) return found
      const index = applicationIndex(text)
      if (index < 0 || texts.length >= MAX_NAMES) return 0
      numbers.set(text, texts.length)
      texts.push(text)
      indexes.push(index)
      return texts.length - 1
    },
    textOf: (number) => texts[number]!,
    applicationOf: (number) => indexes[number]!,
  }
}

/** Options of the benches' command lines; a wrong one ends the process with 2 and says why. */
import { type ParseArgsConfig, parseArgs } from 'node:util'

type Definitions = NonNullable<ParseArgsConfig['options']>

export function readOptions<const T extends Definitions>(options: T) {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return refuse((error as Error).message)
  }
}

/** A number above 0. */
export function numberOption(name: string, text: string): number {
  const number = Number(text)
  return number > 0 && Number.isFinite(number) ? number : refuse(`--${name}: a number above 0 is needed`)
}

/** Words with commas, of those that there are. */
export function listOption<T extends string>(name: string, text: string, words: readonly T[]): T[] {
  const given = text.split(',')
  const unknown = given.find((word) => !(words as readonly string[]).includes(word))
  if (unknown !== undefined) refuse(`--${name}: ${unknown} is none of ${words.join(', ')}`)
  return words.filter((word) => given.includes(word))
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n`)
  process.exit(2)
}

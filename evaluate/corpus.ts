/** The labelled corpus: where it is, what is in it. It belongs to others: it is read where it lies, and may be absent. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder `corpora`, by CULVERT_SHARED or as `shared/corpora` beside a parent folder; undefined where there is none. */
export function findCorpora(): string | undefined {
  const named = process.env['CULVERT_SHARED']
  if (named !== undefined)
    return [named, join(named, 'corpora')].find((path) => existsSync(join(path, 'detect')))
  let folder = dirname(fileURLToPath(import.meta.url))
  while (folder !== dirname(folder)) {
    const path = join(folder, 'shared', 'corpora')
    if (existsSync(path)) return path
    folder = dirname(folder)
  }
  return undefined
}

/** A line of labels.tsv. */
export type CaptureLabel = {
  readonly file: string
  readonly path: string
  readonly label: string
  readonly tool: string
}

/** A line of lab_pairs.tsv. */
export type PairLabel = {
  readonly source: string
  readonly destination: string
  readonly label: string
  readonly what: string
}

function table(path: string): string[][] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
}

export type Corpus = {
  readonly captures: readonly CaptureLabel[]
  readonly pairs: readonly PairLabel[]
  path(file: string): string
}

/** Undefined where the corpus is not. */
export function readCorpus(): Corpus | undefined {
  const corpora = findCorpora()
  if (corpora === undefined || !existsSync(join(corpora, 'detect', 'labels.tsv'))) return undefined
  const folder = join(corpora, 'detect')
  const path = (file: string) => join(folder, 'pcaps', file)
  return {
    path,
    captures: table(join(folder, 'labels.tsv'))
      .slice(1)
      .map(([file = '', label = '', tool = '']) => ({ file, path: path(file), label, tool })),
    pairs: table(join(folder, 'lab_pairs.tsv')).map(
      ([source = '', destination = '', label = '', what = '']) => ({ source, destination, label, what }),
    ),
  }
}

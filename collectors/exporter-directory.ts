/**
 * The exporters of a receiving thread. Each second it says who is new, gone or silent, from a few counters of each; what
 * is known of one, with its templates and names, is put together when somebody asks: that may be many megabytes.
 */
import { type ExporterStatus, exporterId } from '#core/exporters.js'
import { formatAddress } from '#core/records/address.js'
import { transportNames } from '#core/records/exporter.js'
import type { ExporterSession } from './exporter-table.js'
import { isSilent } from './exporter-watch.js'

/** Exporters whose counters are looked at in one call; the others follow. */
const LOOKED_AT = 500

/** Counters that the pace and the silence of an exporter show by. */
export type PaceCounts = {
  datagrams: number
  records: number
  /** 0 before anything came. */
  firstSeenMilliseconds: number
  lastSeenMilliseconds: number
}

/** What a collector tells of an exporter; pace and silence are the directory's. */
export type ExporterDescription = Omit<
  ExporterStatus,
  'recordsPerSecond' | 'datagramsPerSecond' | 'silentSinceMilliseconds'
>

/** How the exporters of one kind are found and read. */
export type ExporterKind<Exporter extends object> = {
  /** Those that have sent something. An exporter is the same object as long as it is known. */
  all(): Iterable<Exporter>
  place(exporter: Exporter): ExporterSession
  counts(exporter: Exporter): PaceCounts
  describe(exporter: Exporter, nowMilliseconds: number): ExporterDescription
}

/** Somebody new, or whose silence began or ended, or who is known no more. */
export type ExporterNews = {
  readonly id: string
  readonly address: string
  readonly listenerPort: number
  readonly isSilent: boolean
  readonly isGone: boolean
}

export type ExporterDirectory = {
  /** Looks at the next exporters; to be called about once a second. */
  look(nowMilliseconds: number): ExporterNews[]
  /** All that is known of an exporter; undefined when it is not known. */
  status(id: string, nowMilliseconds: number): ExporterStatus | undefined
}

type Rates = Pick<ExporterStatus, 'recordsPerSecond' | 'datagramsPerSecond'>

type Entry = {
  readonly id: string
  readonly address: string
  readonly listenerPort: number
  readonly counts: () => PaceCounts
  readonly describe: (nowMilliseconds: number) => ExporterDescription
  /** The look that found it last. */
  look: number
  /** Undefined before the first look at its counters. */
  before:
    | { readonly atMilliseconds: number; readonly records: number; readonly datagrams: number }
    | undefined
  rates: Rates
  isSilent: boolean
}

/** Makes a directory of some kinds of exporters, as `kindOf` gives them. */
export function createExporterDirectory(kinds: readonly ExporterKind<object>[]): ExporterDirectory {
  const entries = new Map<object, Entry>()
  const byId = new Map<string, Entry>()
  let looks = 0
  /** Who is looked at next, over several calls. */
  let round: Iterator<[object, Entry]> = entries.entries()

  const findAll = (news: ExporterNews[]) => {
    for (const kind of kinds) {
      for (const exporter of kind.all()) {
        let entry = entries.get(exporter)
        if (entry === undefined) {
          entry = makeEntry(kind, exporter)
          entries.set(exporter, entry)
          byId.set(entry.id, entry)
          news.push(newsOf(entry, false))
        }
        entry.look = looks
      }
    }
  }
  const lookAt = (exporter: object, entry: Entry, nowMilliseconds: number, news: ExporterNews[]) => {
    if (entry.look < looks) {
      entries.delete(exporter)
      if (byId.get(entry.id) !== entry) return
      byId.delete(entry.id)
      news.push(newsOf(entry, true))
      return
    }
    const counts = entry.counts()
    entry.rates = ratesOf(entry, counts, nowMilliseconds)
    entry.before = { atMilliseconds: nowMilliseconds, records: counts.records, datagrams: counts.datagrams }
    const wasSilent = entry.isSilent
    entry.isSilent = isQuiet(counts, nowMilliseconds)
    if (entry.isSilent !== wasSilent) news.push(newsOf(entry, false))
  }

  return {
    look(nowMilliseconds) {
      looks++
      const news: ExporterNews[] = []
      findAll(news)
      for (let looked = 0; looked < Math.min(LOOKED_AT, entries.size); looked++) {
        let next = round.next()
        if (next.done === true) {
          round = entries.entries()
          next = round.next()
        }
        if (next.done === true) break
        lookAt(...next.value, nowMilliseconds, news)
      }
      return news
    },
    status(id, nowMilliseconds) {
      const entry = byId.get(id)
      if (entry === undefined) return undefined
      const description = entry.describe(nowMilliseconds)
      const { lastSeenMilliseconds } = description
      return {
        ...description,
        ...entry.rates,
        ...(isQuiet(description, nowMilliseconds) ? { silentSinceMilliseconds: lastSeenMilliseconds } : {}),
      }
    },
  }
}

/** A kind for the directory, which holds those of all types alike. */
export function kindOf<Exporter extends object>(kind: ExporterKind<Exporter>): ExporterKind<object> {
  return kind as unknown as ExporterKind<object>
}

/** Sums counters: of the domains of an exporter, or of its connections. */
export function sumPace(parts: Iterable<PaceCounts>): PaceCounts {
  const sum = { datagrams: 0, records: 0, firstSeenMilliseconds: 0, lastSeenMilliseconds: 0 }
  for (const { datagrams, records, firstSeenMilliseconds: first, lastSeenMilliseconds: last } of parts) {
    sum.datagrams += datagrams
    sum.records += records
    if (first > 0 && (sum.firstSeenMilliseconds === 0 || first < sum.firstSeenMilliseconds))
      sum.firstSeenMilliseconds = first
    if (last > sum.lastSeenMilliseconds) sum.lastSeenMilliseconds = last
  }
  return sum
}

function makeEntry(kind: ExporterKind<object>, exporter: object): Entry {
  const { address: words, listenerPort, transport } = kind.place(exporter)
  const address = formatAddress(words)
  return {
    id: idOf(address, listenerPort, transport),
    address,
    listenerPort,
    counts: () => kind.counts(exporter),
    describe: (nowMilliseconds) => kind.describe(exporter, nowMilliseconds),
    look: 0,
    before: undefined,
    rates: { recordsPerSecond: 0, datagramsPerSecond: 0 },
    isSilent: false,
  }
}

/** The id that the API shows; `transport` as in transportNames. */
export function idOf(address: string, listenerPort: number, transport: number): string {
  const name = transportNames[transport]!
  return exporterId(address, listenerPort, name === 'udp' ? undefined : name)
}

function newsOf({ id, address, listenerPort, isSilent: silent }: Entry, isGone: boolean): ExporterNews {
  return { id, address, listenerPort, isSilent: silent, isGone }
}

function isQuiet(counts: Omit<PaceCounts, 'records'>, nowMilliseconds: number): boolean {
  return isSilent(
    counts.datagrams,
    counts.firstSeenMilliseconds,
    counts.lastSeenMilliseconds,
    nowMilliseconds,
  )
}

function ratesOf({ before }: Entry, counts: PaceCounts, nowMilliseconds: number): Rates {
  const seconds = before === undefined ? 0 : (nowMilliseconds - before.atMilliseconds) / 1000
  if (before === undefined || seconds <= 0) return { recordsPerSecond: 0, datagramsPerSecond: 0 }
  const rate = (now: number, then: number) => Math.round(((now - then) / seconds) * 10) / 10
  return {
    recordsPerSecond: rate(counts.records, before.records),
    datagramsPerSecond: rate(counts.datagrams, before.datagrams),
  }
}

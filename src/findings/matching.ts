/**
 * The one function that decides what an exception matches (pure). Reading findings, the preview and the explanation
 * all call it, so they cannot disagree. In doubt it says no: a finding that is shown wrongly costs a look, one that is
 * hidden wrongly costs the alarm. So every address must be covered, and what the finding does not say cannot match.
 */
import { type Address, type Prefix, parseAddress, parsePrefix, prefixContains } from '../records/address.js'
import type { ExceptionEffect, ExceptionMatch, StoredException, TimeOfWeek } from './exception.js'
import { type Finding, type Severity, type StoredFinding, severities, severityRank } from './finding.js'

/** What matching looks at of an exception. */
export type Matchable = { readonly match: ExceptionMatch }

/** One matcher's answer, in words for the explanation. */
export type MatcherResult = { readonly matcher: string; readonly matched: boolean; readonly text: string }

/** One matcher made ready: whether it holds, and, for the explanation alone, why. */
type Test = {
  readonly matcher: string
  matched(finding: StoredFinding): boolean
  text(finding: StoredFinding, matched: boolean): string
}

/** A finding with the exceptions that bear on it. */
export type AppliedException = Pick<StoredException, 'id' | 'effect'> & Matchable

const compiled = new WeakMap<ExceptionMatch, readonly Test[]>()

/** Every matcher of the exception with its answer; the exception matches when all do, and there is one. */
export function explainMatch(exception: Matchable, finding: StoredFinding): MatcherResult[] {
  return testsOf(exception.match).map(({ matcher, matched, text }) => {
    const holds = matched(finding)
    return { matcher, matched: holds, text: text(finding, holds) }
  })
}

/** Whether the exception is about the finding; says nothing of whether it acts at present. */
export function matches(exception: Matchable, finding: StoredFinding): boolean {
  const tests = testsOf(exception.match)
  return tests.length > 0 && tests.every((test) => test.matched(finding))
}

/** The finding as people see it under the exceptions that act. */
export function applyExceptions(finding: StoredFinding, active: readonly AppliedException[]): Finding {
  const hiddenBy: string[] = []
  const loweredBy: string[] = []
  let { score, severity } = finding
  for (const exception of active) {
    if (!matches(exception, finding)) continue
    if (exception.effect.kind === 'hide') hiddenBy.push(exception.id)
    else {
      loweredBy.push(exception.id)
      score *= exception.effect.scoreFactor ?? 1
      severity = lower(severity, exception.effect)
    }
  }
  const seen = { ...finding, score, severity, hiddenBy, loweredBy }
  if (loweredBy.length === 0) return seen
  return { ...seen, original: { score: finding.score, severity: finding.severity } }
}

function lower(severity: Severity, effect: ExceptionEffect): Severity {
  return severities[Math.max(0, severityRank(severity) - (effect.severitySteps ?? 1))]!
}

function testsOf(match: ExceptionMatch): readonly Test[] {
  const known = compiled.get(match)
  if (known !== undefined) return known
  const tests = [...compile(match)]
  compiled.set(match, tests)
  return tests
}

function* compile(match: ExceptionMatch): Generator<Test> {
  const { detector, protocolIdentifier, icmpType, applicationName, exporterAddress, timeOfWeek } = match
  if (detector !== undefined) yield equality('detector', detector, (finding) => finding.detector)
  yield* addressTest(match)
  if (protocolIdentifier !== undefined) {
    yield equality('protocolIdentifier', protocolIdentifier, (finding) => finding.protocolIdentifier)
  }
  if (match.destinationTransportPorts !== undefined) yield portTest(match.destinationTransportPorts)
  if (icmpType !== undefined) yield equality('icmpType', icmpType, (finding) => finding.icmpType)
  if (applicationName !== undefined) {
    const folded = applicationName.toLowerCase()
    yield equality('applicationName', folded, (finding) => finding.applicationName?.toLowerCase())
  }
  if (exporterAddress !== undefined) yield exporterTest(exporterAddress)
  if (timeOfWeek !== undefined) yield timeOfWeekTest(timeOfWeek)
}

function equality(
  matcher: string,
  wanted: string | number,
  read: (finding: StoredFinding) => string | number | undefined,
): Test {
  return {
    matcher,
    matched: (finding) => read(finding) === wanted,
    text: (finding) => {
      const value = read(finding)
      return value === undefined ? `the finding has none, ${wanted} is asked` : `${value}, ${wanted} is asked`
    },
  }
}

type Side = 'sourceAddresses' | 'destinationAddresses'

function* addressTest(match: ExceptionMatch): Generator<Test> {
  const { sourceAddresses, destinationAddresses, eitherDirection = false } = match
  if (sourceAddresses === undefined && destinationAddresses === undefined) return
  if (!eitherDirection) {
    if (sourceAddresses !== undefined) yield sideTest('sourceAddresses', sourceAddresses)
    if (destinationAddresses !== undefined) yield sideTest('destinationAddresses', destinationAddresses)
    return
  }
  const source = sourceAddresses?.map(readPrefix)
  const destination = destinationAddresses?.map(readPrefix)
  const way = (finding: StoredFinding, from: Side, to: Side) =>
    covers(source, finding, from) && covers(destination, finding, to)
  const there = (finding: StoredFinding) => way(finding, 'sourceAddresses', 'destinationAddresses')
  const back = (finding: StoredFinding) => way(finding, 'destinationAddresses', 'sourceAddresses')
  yield {
    matcher: 'addresses',
    matched: (finding) => there(finding) || back(finding),
    text: (finding, matched) =>
      !matched
        ? 'covered in neither direction'
        : there(finding)
          ? 'covered as written'
          : 'covered the other way round',
  }
}

function sideTest(side: Side, texts: readonly string[]): Test {
  const prefixes = texts.map(readPrefix)
  return {
    matcher: side,
    matched: (finding) => covers(prefixes, finding, side),
    text: (finding, matched) => {
      if (matched) return 'every address is in a prefix'
      const outside = firstOutside(prefixes, finding[side])
      if (outside !== undefined) return `${outside} is in none of the prefixes`
      return finding[side].length === 0
        ? 'the finding has none'
        : 'the finding has more addresses than it lists'
    },
  }
}

function covers(prefixes: readonly Prefix[] | undefined, finding: StoredFinding, side: Side): boolean {
  if (prefixes === undefined) return true
  if (finding.addressesTruncated || finding[side].length === 0) return false
  return firstOutside(prefixes, finding[side]) === undefined
}

function firstOutside(prefixes: readonly Prefix[], texts: readonly string[]): string | undefined {
  const addresses = addressesOf(texts)
  const isOutside = (address: Address | undefined) =>
    address === undefined || !prefixes.some((prefix) => prefixContains(prefix, address))
  const index = addresses.findIndex(isOutside)
  return index < 0 ? undefined : texts[index]
}

const read = new WeakMap<readonly string[], (Address | undefined)[]>()

/** Addresses of a finding, read once however many exceptions look at them. */
function addressesOf(texts: readonly string[]): readonly (Address | undefined)[] {
  const known = read.get(texts)
  if (known !== undefined) return known
  const addresses = texts.map(parseAddress)
  read.set(texts, addresses)
  return addresses
}

function readPrefix(text: string): Prefix {
  const prefix = parsePrefix(text)
  if (prefix === undefined) throw new Error(`not a prefix: ${text}`)
  return prefix
}

function portTest(ports: NonNullable<ExceptionMatch['destinationTransportPorts']>): Test {
  const ranges = ports.map((port) => (typeof port === 'number' ? { from: port, to: port } : port))
  return {
    matcher: 'destinationTransportPorts',
    matched: ({ destinationTransportPort: port }) =>
      port !== undefined && ranges.some(({ from, to }) => from <= port && port <= to),
    text: ({ destinationTransportPort: port }, matched) =>
      port === undefined ? 'the finding has no port' : `${port} is ${matched ? 'listed' : 'not listed'}`,
  }
}

function exporterTest(wanted: string): Test {
  const only = [readPrefix(wanted)]
  const other = ({ exporters }: StoredFinding) =>
    firstOutside(
      only,
      exporters.map(({ address }) => address),
    )
  return {
    matcher: 'exporterAddress',
    matched: (finding) => finding.exporters.length > 0 && other(finding) === undefined,
    text: (finding, matched) => {
      if (matched) return `seen by ${wanted} alone`
      return finding.exporters.length === 0 ? 'the finding names no exporter' : `${other(finding)} saw it too`
    },
  }
}

/** First seen, last seen and the arrival of every record that is kept must lie in the window. */
function timeOfWeekTest(window: TimeOfWeek): Test {
  const inside = weeklyWindow(window)
  const firstOutsideWindow = (finding: StoredFinding) =>
    [
      finding.firstSeenMilliseconds,
      finding.lastSeenMilliseconds,
      ...finding.evidence.map((record) => record.receivedMilliseconds),
    ].find((time) => !isTime(time) || !inside(time))
  return {
    matcher: 'timeOfWeek',
    matched: (finding) => firstOutsideWindow(finding) === undefined,
    text: (finding, matched) => {
      if (matched) return 'all of it lies in the window'
      const outside = firstOutsideWindow(finding)
      return `${isTime(outside) ? new Date(outside).toISOString() : outside} is outside the window`
    },
  }
}

/** What a Date can hold; the clock of a device may say anything. */
function isTime(value: number | undefined): value is number {
  return value !== undefined && Math.abs(value) <= 8.64e15
}

const DAY_MINUTES = 24 * 60
const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

function weeklyWindow({ days, from, to, zone = 'UTC' }: TimeOfWeek): (time: number) => boolean {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const begin = minutesOf(from)
  const end = minutesOf(to) > begin ? minutesOf(to) : minutesOf(to) + DAY_MINUTES
  return (time) => {
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]))
    const day = weekdays.indexOf(parts.get('weekday')!) + 1
    const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'))
    const yesterday = day === 1 ? 7 : day - 1
    if (days.includes(day) && minute >= begin && minute < end) return true
    return days.includes(yesterday) && minute + DAY_MINUTES < end
  }
}

function minutesOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
}

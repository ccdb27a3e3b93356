/**
 * What a baseline that somebody sends may hold: times, counts, addresses and texts that a network can have. What a detector
 * itself has learned is not held against this: a device whose clock is wrong costs nobody the baseline.
 */
import type { TSchema } from 'typebox'
import { DAY_MILLISECONDS } from '../clock.js'
import { parseAddress } from '../records/address.js'
import { MOST_MILLISECONDS } from '../records/time.js'
import { type Fault, faultsOf } from '../validation.js'
import type { Learned } from './detector.js'

/** Faults told at a time; the rest follows when these are mended. */
const MOST_FAULTS = 10
/** Another appliance's clock may be so far ahead. */
const AHEAD_MILLISECONDS = 3_600_000
/** The last day, since 1970, of the year 9999. */
const MOST_DAYS = Math.floor(MOST_MILLISECONDS / DAY_MILLISECONDS)
const MOST_TEXT = 256
/** Sums of rates and of their squares are no whole numbers, and larger than what they count. */
const MOST_AMOUNT = 2 ** 96

type Place = readonly (string | number)[]

/** Faults of the form alone, by the schema of `data`: a document without any can be read. */
export function faultsOfForm(data: TSchema, version: number, learned: Learned): readonly Fault[] {
  if (learned.version !== version)
    return [{ path: ['version'], message: `its form is ${learned.version}, and ${version} is read here` }]
  return faultsOf(data, learned.data).map(({ path, message }) => ({ path: ['data', ...path], message }))
}

/** Faults of a document, gathered as its values are asked about; a place is the path to a value from `within`. */
export class LearnedCheck {
  readonly faults: Fault[] = []
  readonly #latest: number
  readonly #within: readonly string[]

  constructor(nowMilliseconds: number, ...within: readonly string[]) {
    this.#within = within
    this.#latest = nowMilliseconds + AHEAD_MILLISECONDS
  }

  /** No more would be told. */
  get isFull(): boolean {
    return this.faults.length >= MOST_FAULTS
  }

  expect(isRight: boolean, message: string, ...place: Place): void {
    if (!isRight && !this.isFull) this.faults.push({ path: [...this.#within, ...place.map(String)], message })
  }

  /** A device's time. */
  time(value: number, ...place: Place): void {
    const message = `must be a time from 0 to ${MOST_MILLISECONDS}`
    this.expect(value >= 0 && value <= MOST_MILLISECONDS, message, ...place)
  }

  /** A time by this appliance's clock: nothing was received in the future. */
  received(value: number, ...place: Place): void {
    this.expect(value >= 0 && value <= this.#latest, 'must be a time from 1970 to now', ...place)
  }

  /** A day by this appliance's clock, since 1970. */
  receivedDay(value: number, ...place: Place): void {
    const isRight = Number.isInteger(value) && value >= 0 && value * DAY_MILLISECONDS <= this.#latest
    this.expect(isRight, 'must be a day from 1970 to now', ...place)
  }

  days(value: number, least: number, ...place: Place): void {
    const isRight = Number.isInteger(value) && value >= least && value <= MOST_DAYS
    this.expect(isRight, `must be whole days from ${least} to ${MOST_DAYS}`, ...place)
  }

  count(value: number, ...place: Place): void {
    const isRight = Number.isSafeInteger(value) && value >= 0
    this.expect(isRight, `must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`, ...place)
  }

  amount(value: number, ...place: Place): void {
    this.expect(
      value >= 0 && value <= MOST_AMOUNT,
      'must be a number of 0 or more, and not so large',
      ...place,
    )
  }

  address(text: string, ...place: Place): void {
    // A zone (`%eth0`) would be read past.
    const isRight = !text.includes('%') && parseAddress(text) !== undefined
    this.expect(isRight, 'is no address', ...place)
  }

  text(text: string, ...place: Place): void {
    this.expect(text.length <= MOST_TEXT, `must be ${MOST_TEXT} characters or fewer`, ...place)
    this.expect(!/\p{Cc}/u.test(text), 'must be without control characters', ...place)
  }

  /** That a list holds no more than is ever kept. */
  room(length: number, most: number, ...place: Place): void {
    this.expect(length <= most, `must hold ${most} entries or fewer`, ...place)
  }
}

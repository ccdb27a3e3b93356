/**
 * Sequence numbers, in each version's own unit: flows for v5, packets for v9 (RFC 3954 §5.1), data records for IPFIX
 * (RFC 7011 §3.1). Some exporters count otherwise (records in v9, or the number after the message instead of before),
 * so the convention that the numbers themselves follow is learnt before anything is called a gap.
 */
import type { ExporterEventName } from '#core/records/columns.js'

/** How far back a number may lie and still be called late rather than a new start, in messages. */
const REORDER_WINDOW_MESSAGES = 64
/** A jump beyond this many units is a new start, not a loss that anyone could count. */
const LARGEST_GAP = 1_000_000
/** A convention is settled once it alone has explained this many steps. */
const SETTLED = 3

/** `After` is the count behind the message, `data` leaves options records out; both are what devices do, not RFCs. */
export const sequenceUnits = [
  'packets',
  'recordsBefore',
  'recordsAfter',
  'dataRecordsBefore',
  'dataRecordsAfter',
] as const
export type SequenceUnit = (typeof sequenceUnits)[number]

export type SequenceCounts = {
  gaps: number
  missingUnits: number
  resets: number
  reordered: number
  duplicates: number
}

export type SequenceOutcome = { readonly event: ExporterEventName; readonly value: number }

const IN_ORDER: SequenceOutcome = { event: 'none', value: 0 }

export class SequenceTracker {
  readonly counts: SequenceCounts = { gaps: 0, missingUnits: 0, resets: 0, reordered: 0, duplicates: 0 }
  private readonly scores = new Float64Array(sequenceUnits.length)
  /** By unit: how far the number in hand is from what the unit expects; NaN where that is not known. */
  private readonly differences = new Float64Array(sequenceUnits.length)
  private readonly preferred: number
  private last = -1
  /** Records of the last message; -1 when some of them could not be counted. */
  private lastRecords = -1
  private lastDataRecords = -1
  private lastUpTime = -1
  private readonly recent = new Float64Array(REORDER_WINDOW_MESSAGES).fill(-1)
  private recentAt = 0

  constructor(protocol: number) {
    this.preferred = protocol === 9 ? 0 : 1
  }

  /** The convention in force. */
  get unit(): SequenceUnit {
    return sequenceUnits[this.best()]!
  }

  /**
   * Takes the number of a message whose records have been counted; `records` is -1 when a set could not be decoded,
   * `optionsRecords` of them are options data. `upTimeMilliseconds` is -1 where the version has none.
   */
  observe(
    sequence: number,
    records: number,
    optionsRecords: number,
    upTimeMilliseconds: number,
  ): SequenceOutcome {
    const restarted =
      upTimeMilliseconds >= 0 && this.lastUpTime - upTimeMilliseconds > 60_000 && this.lastUpTime < 0xf0000000
    this.lastUpTime = upTimeMilliseconds
    const dataRecords = records < 0 ? -1 : records - optionsRecords
    const { last, lastRecords, lastDataRecords } = this
    if (last < 0) return this.accept(sequence, records, dataRecords, IN_ORDER)
    if (restarted) return this.reset(sequence, records, dataRecords)

    const advance = sequence - last
    const { differences } = this
    differences[0] = signed32(advance - 1)
    differences[1] = lastRecords < 0 ? Number.NaN : signed32(advance - lastRecords)
    differences[2] = records < 0 ? Number.NaN : signed32(advance - records)
    differences[3] = lastDataRecords < 0 ? Number.NaN : signed32(advance - lastDataRecords)
    differences[4] = dataRecords < 0 ? Number.NaN : signed32(advance - dataRecords)
    if (this.weigh()) return this.accept(sequence, records, dataRecords, IN_ORDER)
    const unit = this.best()
    const difference = differences[unit]!
    if (Number.isNaN(difference)) return this.accept(sequence, records, dataRecords, IN_ORDER)
    // Modulo 2^32, as the numbers are: how far the number lies behind the last one.
    const back = signed32(last - sequence)
    if (this.recent.includes(sequence) && back >= 0) {
      if (back === 0 && records === 0) return IN_ORDER
      this.counts.duplicates++
      return { event: 'duplicate', value: 1 }
    }
    if (difference < 0) {
      const window = REORDER_WINDOW_MESSAGES * (unit === 0 ? 1 : Math.max(30, records))
      if (back > 0 && back <= window) {
        this.counts.reordered++
        const recovered = unit === 0 ? 1 : Math.max(records, 0)
        this.counts.missingUnits = Math.max(0, this.counts.missingUnits - recovered)
        return { event: 'reordered', value: recovered }
      }
      return this.reset(sequence, records, dataRecords)
    }
    if (difference > LARGEST_GAP) return this.reset(sequence, records, dataRecords)
    this.counts.gaps++
    this.counts.missingUnits += difference
    return this.accept(sequence, records, dataRecords, { event: 'gap', value: difference })
  }

  /** Learns from a step; true when a convention explains it that is settled, or while none is. */
  private weigh(): boolean {
    const { differences, scores, preferred } = this
    let isSettled = false
    for (const score of scores) if (score >= SETTLED) isSettled = true
    let isExplained = false
    for (let unit = 0; unit < differences.length; unit++)
      if (differences[unit] === 0 && (!isSettled || scores[unit]! >= SETTLED)) isExplained = true
    if (!isExplained) return false
    const preferredExplains = differences[preferred] === 0
    for (let unit = 0; unit < differences.length; unit++) {
      if (differences[unit] === 0) {
        if (unit === preferred || !preferredExplains) scores[unit]! += 1
      } else if (!Number.isNaN(differences[unit]!)) scores[unit] = 0
    }
    return true
  }

  private best(): number {
    let best = this.preferred
    for (let unit = 0; unit < this.scores.length; unit++)
      if (this.scores[unit]! > this.scores[best]!) best = unit
    return best
  }

  private reset(sequence: number, records: number, dataRecords: number): SequenceOutcome {
    this.counts.resets++
    this.recent.fill(-1)
    return this.accept(sequence, records, dataRecords, { event: 'reset', value: 1 })
  }

  private accept(
    sequence: number,
    records: number,
    dataRecords: number,
    outcome: SequenceOutcome,
  ): SequenceOutcome {
    this.last = sequence
    this.lastRecords = records
    this.lastDataRecords = dataRecords
    this.recent[this.recentAt] = sequence
    this.recentAt = (this.recentAt + 1) % REORDER_WINDOW_MESSAGES
    return outcome
  }
}

function signed32(value: number): number {
  return value | 0
}

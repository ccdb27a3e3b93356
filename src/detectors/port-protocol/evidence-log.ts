/**
 * The newest records behind a finding, packed: as objects those of ten thousand findings would take a hundred megabytes. What many
 * records of a finding have in common is kept once.
 */
import { type Evidence, MAX_EVIDENCE } from '../../findings/finding.js'

/** A record as `evidenceOf` makes it: nothing is left out. */
export type RecordEvidence = Evidence & {
  readonly startMilliseconds: number
  readonly endMilliseconds: number
  readonly row: number
  readonly octets: number
  readonly packets: number
  readonly sourceTransportPort: number
  readonly destinationTransportPort: number
}

type Numbers =
  | 'receivedMilliseconds'
  | 'startMilliseconds'
  | 'endMilliseconds'
  | 'row'
  | 'octets'
  | 'packets'
  | 'sourceTransportPort'
  | 'destinationTransportPort'
/** Who told of which ends. */
type Origin = Omit<RecordEvidence, Numbers>

const WORDS = 8
const FIRST_RECORDS = 4

export class EvidenceLog {
  #numbers = new Float64Array(FIRST_RECORDS * WORDS)
  /** By place in the ring. */
  readonly #origins: Origin[] = []
  #added = 0

  /** Adds a record; of more than are kept the oldest goes. */
  add(record: RecordEvidence): void {
    const place = this.#added++ % MAX_EVIDENCE
    const at = place * WORDS
    if (at === this.#numbers.length) {
      const grown = new Float64Array(Math.min(2 * at, MAX_EVIDENCE * WORDS))
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    const { receivedMilliseconds, startMilliseconds, endMilliseconds, row, octets, packets, ...other } =
      record
    const { sourceTransportPort, destinationTransportPort, ...origin } = other
    const numbers = [receivedMilliseconds, startMilliseconds, endMilliseconds, row, octets, packets]
    this.#numbers.set([...numbers, sourceTransportPort, destinationTransportPort], at)
    this.#origins[place] = this.#origins.find((known) => isSame(known, origin)) ?? origin
  }

  /** The oldest first. */
  list(): Evidence[] {
    const kept = Math.min(this.#added, MAX_EVIDENCE)
    return Array.from({ length: kept }, (_, index) => this.#at((this.#added - kept + index) % MAX_EVIDENCE))
  }

  #at(place: number): Evidence {
    const { exporterAddress, listenerPort, observationDomainId, ...ends } = this.#origins[place]!
    const { sourceAddress, destinationAddress, protocolIdentifier, ...named } = ends
    const [received, start, end, row, octets, packets, sourcePort, destinationPort] = this.#numbers.subarray(
      place * WORDS,
      (place + 1) * WORDS,
    )
    return {
      receivedMilliseconds: received!,
      startMilliseconds: start!,
      endMilliseconds: end!,
      exporterAddress,
      listenerPort,
      observationDomainId,
      row: row!,
      sourceAddress,
      destinationAddress,
      sourceTransportPort: sourcePort!,
      destinationTransportPort: destinationPort!,
      protocolIdentifier,
      octets: octets!,
      packets: packets!,
      ...named,
    } as Evidence
  }
}

function isSame(one: Origin, other: Origin): boolean {
  return (
    one.sourceAddress === other.sourceAddress &&
    one.destinationAddress === other.destinationAddress &&
    one.exporterAddress === other.exporterAddress &&
    one.listenerPort === other.listenerPort &&
    one.observationDomainId === other.observationDomainId &&
    one.protocolIdentifier === other.protocolIdentifier &&
    one.applicationName === other.applicationName
  )
}

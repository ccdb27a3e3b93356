/**
 * Who an exporter says that it is: behind address translation, or through a mediator that passes records of others on
 * (RFC 7119), the address that a datagram comes from is not the device's. Noted, bounded, and shown by the API.
 */
import { formatIPv4, formatIPv6 } from '#core/records/address.js'
import type { Domain } from './context.js'
import type { Kernel } from './kernels.js'
import type { OptionsReader } from './options.js'

const EXPORTER_IPV4 = 130
const EXPORTER_IPV6 = 131
const OBSERVATION_DOMAIN_NAME = 300
const ORIGINAL_EXPORTER_IPV4 = 403
const ORIGINAL_EXPORTER_IPV6 = 404
const ORIGINAL_OBSERVATION_DOMAIN = 405

/** Values kept of each kind; a mediator of more originals is told by the first ones. */
const MAX_REPORTED = 64

/** What is looked for in options data. */
export const identityElements: readonly number[] = [
  EXPORTER_IPV4,
  EXPORTER_IPV6,
  OBSERVATION_DOMAIN_NAME,
  ORIGINAL_EXPORTER_IPV4,
  ORIGINAL_EXPORTER_IPV6,
  ORIGINAL_OBSERVATION_DOMAIN,
]
/** What is looked for in data records. */
export const identityInRecords: readonly number[] = identityElements.filter(
  (id) => id !== OBSERVATION_DOMAIN_NAME,
)

/** Takes what an options record says of its exporter. */
export function learnIdentity(domain: Domain, { octets, text }: OptionsReader): void {
  for (const elementId of identityInRecords) {
    octets(elementId, (view, offset, length) => note(domain, elementId, view, offset, length))
  }
  const name = text(OBSERVATION_DOMAIN_NAME)
  if (name !== undefined && name !== '') domain.reported.observationDomainName = name
}

/** A kernel that fills no column, but notes what the first and the last record of a run say. */
export function identityKernel(elementId: number): Kernel {
  return (context, _builder, _column, _row, view, offset, length, stride, count) => {
    note(context.domain, elementId, view, offset, length)
    if (count > 1) note(context.domain, elementId, view, offset + (count - 1) * stride, length)
  }
}

function note({ reported }: Domain, elementId: number, view: DataView, offset: number, length: number): void {
  if (elementId === ORIGINAL_OBSERVATION_DOMAIN) {
    if (length === 4) add(reported.originalObservationDomains, view.getUint32(offset))
    return
  }
  const isIPv4 = elementId === EXPORTER_IPV4 || elementId === ORIGINAL_EXPORTER_IPV4
  if (length !== (isIPv4 ? 4 : 16)) return
  const words = Array.from({ length: length / 4 }, (_, word) => view.getUint32(offset + 4 * word))
  if (words.every((word) => word === 0)) return
  const [first = 0, second = 0, third = 0, fourth = 0] = words
  const address = isIPv4 ? formatIPv4(first) : formatIPv6(first, second, third, fourth)
  const isOriginal = elementId === ORIGINAL_EXPORTER_IPV4 || elementId === ORIGINAL_EXPORTER_IPV6
  add(isOriginal ? reported.originalExporterAddresses : reported.exporterAddresses, address)
}

function add<T>(values: Set<T>, value: T): void {
  if (values.size < MAX_REPORTED) values.add(value)
}

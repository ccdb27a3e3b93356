/** Enterprise elements that a device describes itself, by options records of RFC 5610: name and abstract data type. */
import type { Domain } from './context.js'
import { type ElementType, IANA, REVERSE_PEN } from './elements.js'
import { hasRoom } from './names.js'
import type { OptionsReader } from './options.js'

const PRIVATE_ENTERPRISE_NUMBER = 346
const INFORMATION_ELEMENT_ID = 303
const INFORMATION_ELEMENT_DATA_TYPE = 339
const INFORMATION_ELEMENT_NAME = 341
/** The bit that says "enterprise" in templates; some exporters leave it in the id. */
const ELEMENT_MASK = 0x7fff
/** Names become keys of JSON objects. */
const NAME = /^[A-Za-z][\w.-]*$/

/** IANA, "IPFIX Information Element Data Types" (RFC 5610 §3.1). */
const dataTypes: readonly ElementType[] = [
  'octetArray',
  'unsigned8',
  'unsigned16',
  'unsigned32',
  'unsigned64',
  'signed8',
  'signed16',
  'signed32',
  'signed64',
  'float32',
  'float64',
  'boolean',
  'macAddress',
  'string',
  'dateTimeSeconds',
  'dateTimeMilliseconds',
  'dateTimeMicroseconds',
  'dateTimeNanoseconds',
  'ipv4Address',
  'ipv6Address',
  'basicList',
  'subTemplateList',
  'subTemplateMultiList',
  'unsigned256',
]

/** Takes a type information record; IANA's own elements are not described anew. */
export function learnElement(domain: Domain, { unsigned, text }: OptionsReader): void {
  const enterpriseNumber = unsigned(PRIVATE_ENTERPRISE_NUMBER)
  const elementId = unsigned(INFORMATION_ELEMENT_ID)
  if (enterpriseNumber === undefined || enterpriseNumber === IANA || enterpriseNumber === REVERSE_PEN) return
  if (elementId === undefined || elementId > 0xffff) return
  const type = dataTypes[unsigned(INFORMATION_ELEMENT_DATA_TYPE) ?? 0]
  const name = text(INFORMATION_ELEMENT_NAME)
  if (type === undefined || name === undefined || !NAME.test(name)) return
  const key = `${enterpriseNumber}/${elementId & ELEMENT_MASK}`
  const known = domain.learntElements.get(key)
  if ((known?.name === name && known.type === type) || !hasRoom(domain, domain.learntElements, key)) return
  domain.learntElements.set(key, { name, type })
  domain.optionsRevision++
}

/** Enterprise elements that a device describes itself, by options records of RFC 5610: name and abstract data type. */
import { elementTypes } from '#core/records/element-types.js'
import type { Domain } from './context.js'
import { IANA, REVERSE_PEN } from './elements.js'
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

/** Takes a type information record; IANA's own elements are not described anew. */
export function learnElement(domain: Domain, { unsigned, text }: OptionsReader): void {
  const enterpriseNumber = unsigned(PRIVATE_ENTERPRISE_NUMBER)
  const elementId = unsigned(INFORMATION_ELEMENT_ID)
  if (enterpriseNumber === undefined || enterpriseNumber === IANA || enterpriseNumber === REVERSE_PEN) return
  if (elementId === undefined || elementId > 0xffff) return
  const type = elementTypes[unsigned(INFORMATION_ELEMENT_DATA_TYPE) ?? 0]
  const name = text(INFORMATION_ELEMENT_NAME)
  if (type === undefined || name === undefined || !NAME.test(name)) return
  const key = `${enterpriseNumber}/${elementId & ELEMENT_MASK}`
  const known = domain.learntElements.get(key)
  if ((known?.name === name && known.type === type) || !hasRoom(domain, domain.learntElements, key)) return
  domain.learntElements.set(key, { name, type })
  domain.optionsRevision++
}

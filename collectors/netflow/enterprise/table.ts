/** The shape of the vendors' tables. */
import type { AbstractDataType } from '#core/iana/information-elements.js'

/** IANA's data types, with those that no element of IANA's own has (RFC 7012 §3.1) but vendors' and users' may. */
export type ElementType = AbstractDataType | 'float32' | 'signed8' | 'signed16' | 'signed64'

export type EnterpriseElements = readonly (readonly [elementId: number, name: string, type: ElementType])[]

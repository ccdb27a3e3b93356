/**
 * The abstract data types of information elements (RFC 7012 §3.1, RFC 6313 §4.1), in the order and so with the numbers
 * of IANA's "IPFIX Information Element Data Types" (RFC 5610 §3.1). One list for the configuration and the decoder.
 */
export const elementTypes = [
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
] as const
export type ElementType = (typeof elementTypes)[number]

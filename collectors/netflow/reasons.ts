/** Why octets of a datagram could not be used: the closed list of names that counters, the API and `decode` show. */

export const undecodedReasons = {
  'datagram-too-short': 'the datagram ends within its header',
  'version-unknown': 'the version number is none of 1, 5, 7, 9, 10',
  'version-unsupported': 'NetFlow v8 aggregations are not decoded',
  'count-exceeds-datagram': 'the header counts more records than the datagram holds',
  'length-exceeds-datagram': 'the IPFIX message length runs past the datagram',
  'length-below-header': 'the IPFIX message length is shorter than its header',
  'set-length-below-header': 'a set is shorter than its own header',
  'set-past-end': 'a set runs past the message',
  'set-id-reserved': 'the set id is reserved',
  'template-truncated': 'a template ends before its last field',
  'template-too-many-fields': 'a template has more fields than the cap',
  'template-empty': 'a template has no field, or all of length 0',
  'template-id-reserved': 'a template id is below 256',
  'template-scope-invalid': 'an options template has no scope field, or more than fields',
  'template-withdrawal-ignored': 'a withdrawal over UDP (RFC 7011 §8.4)',
  'template-withdrawal-unknown':
    'over TCP or TLS a withdrawal of a template that is not known; nothing changes (RFC 7011 §8.1)',
  'template-repeated': 'over TCP or TLS a template came again as it was; nothing changes (RFC 7011 §8.1)',
  'template-redefined':
    'over TCP or TLS a template came with another layout before it was withdrawn; the new one holds (RFC 7011 §8.1)',
  'template-limit': 'the template store is full; the least recently used one was dropped',
  'template-unknown': 'no template came for the set',
  'held-limit': 'the data set could not be held until its template comes',
  'record-overrun': 'a record runs past its set',
  'string-not-utf8':
    'strings of a set that a column or a name is taken from are no UTF-8 (RFC 7011 §6.1.6); they are kept, with U+FFFD for what cannot be read',
  'time-impossible':
    'times of a set that a column is taken from lie beyond the year 9999; the rows are kept, without them',
  'exporter-limit': 'too many exporters or domains are known already',
  'internal-error': 'a fault of the decoder itself',
} as const

export type UndecodedReason = keyof typeof undecodedReasons
export const undecodedReasonNames = Object.keys(undecodedReasons) as UndecodedReason[]

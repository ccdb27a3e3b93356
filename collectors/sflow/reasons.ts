/** Why octets of an sFlow datagram could not be used: the closed list of names that counters, the API and `decode` show. */

export const sflowUndecodedReasons = {
  'datagram-too-short': 'the datagram ends within its header',
  'version-unknown': 'the version number is not 5',
  'version-unsupported': 'sFlow 2 and 4 are not decoded',
  'agent-address-unknown': 'the agent address is of no known type',
  'count-exceeds-datagram': 'the header counts more samples than the datagram holds',
  'sample-past-end': 'a sample runs past the datagram',
  'sample-truncated': 'a sample is shorter than its own header',
  'sample-format-unknown': 'a sample of a format that is not known was skipped',
  'count-exceeds-sample': 'a sample counts more records than it holds',
  'record-past-end': 'a record runs past its sample',
  'record-truncated': 'a record is shorter than its structure',
  'sampled-header-past-end': 'a sampled packet header runs past its record',
  'exporter-limit': 'too many exporters or agents are known already',
  'step-limit': 'the datagram asks for more steps than any honest one',
} as const

export type SflowUndecodedReason = keyof typeof sflowUndecodedReasons
export const sflowUndecodedReasonNames = Object.keys(sflowUndecodedReasons) as SflowUndecodedReason[]

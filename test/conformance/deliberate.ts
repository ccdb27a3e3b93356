// Golden decodes that are not followed, each with all of its differences and the reason.

/** The beginnings of every difference that a case shows, in the order in which they are found. */
export type Deliberate = { readonly differences: readonly string[]; readonly reason: string }

export const deliberate: Readonly<Record<string, Deliberate>> = {
  'ipfixprobe-ipfix-biflow': {
    differences: ['egressInterface 4 times'],
    reason: 'the template has no IE 14; one oracle fills its own record with 0, and absent is not 0',
  },
  'fortiswitch-sflow5-issue15918': {
    differences: ['protocolIdentifier 1 times', 'egressInterface 2 times'],
    reason:
      'behind IPv6 options the protocol is the last next header, the oracle shows the first; an output of format 2 counts interfaces and names none',
  },
  'sflow5-1140': {
    differences: ['vlanId 1 times'],
    reason: 'a VLAN of 4294967295 is how the agent says that it does not know one',
  },
  'sflow5-discard-if': {
    differences: ['egressInterface 1 times'],
    reason:
      'an output of format 1 is the reason of a discard, no ifIndex; another golden of the case resolves it to 0 too',
  },
  'sflow5-multi-if': {
    differences: ['egressInterface 1 times'],
    reason:
      'an output of format 2 counts interfaces and names none; another golden of the case resolves it to 0 too',
  },
  'softflowd-ipfix-netcat': {
    differences: ['flows: 12 instead of 6', 'startMilliseconds 2 times'],
    reason:
      'two messages in one datagram, both decoded, while the oracle stops behind the first; and an uptime of 0 is the moment of systemInitTimeMilliseconds',
  },
  'softflowd-ipfix-netcat-cut': {
    differences: ['startMilliseconds 2 times'],
    reason:
      'an uptime of 0 is the moment of systemInitTimeMilliseconds; the oracle leaves it 0, though it moves the end',
  },
  'synthetic-ipfix-repeated-ie': {
    differences: ['sourceAddress 1 times'],
    reason:
      'of a repeated address the later is the inner one (RFC 7011 section 8); the oracle shows the first',
  },
  'unknown-v5-sampling1': {
    differences: ['samplingInterval 1 times'],
    reason: 'the header says 0, which sampling exporters send too: unknown, while the oracle takes it for 1',
  },
}

/** What is asked of both stores, in the words of each. */

export type Question = {
  readonly what: string
  readonly nfdump: readonly string[]
  readonly culvert: readonly string[]
  /** Absent: the API is not asked, since its bound of groups would be reached. */
  readonly api?: string
  /** How many times as fast as nfdump it shall be, or how many million rows a second it shall read. */
  readonly goal?: { readonly unit: 'x as fast' | 'M rows/s'; readonly limit: number }
}

/** What `nfdump -o long` prints. */
const LONG_COLUMNS = [
  'startMilliseconds',
  'endMilliseconds',
  'protocolIdentifier',
  'sourceAddress',
  'sourceTransportPort',
  'destinationAddress',
  'destinationTransportPort',
  'tcpControlBits',
  'ipClassOfService',
  'packets',
  'octets',
].join(',')

/** `host` is an address that few flows have. */
export function questionsAbout(host: string): Question[] {
  return [
    {
      what: 'count `proto icmp`',
      nfdump: ['-o', 'null', 'proto icmp'],
      culvert: ['proto icmp', '--sum', 'flows'],
      api: '/flows/aggregate?filter=proto+icmp&sum=flows',
      goal: { unit: 'x as fast', limit: 10 },
    },
    {
      what: 'top sources by bytes',
      nfdump: ['-s', 'srcip/bytes', '-n', '10'],
      culvert: ['--by', 'src', '--sum', 'octets'],
      api: '/flows/aggregate?by=src&sum=octets&top=10',
      goal: { unit: 'x as fast', limit: 2 },
    },
    {
      what: 'ports by flows',
      nfdump: ['-s', 'dstport/flows', '-n', '10'],
      culvert: ['--by', 'dstport', '--sum', 'flows'],
      api: '/flows/aggregate?by=dstport&sum=flows&top=10',
    },
    {
      what: 'flows of a quiet host',
      nfdump: ['-o', 'long', `host ${host}`],
      culvert: [`host ${host}`, '--limit', '100000'],
      api: `/flows?filter=host+${host}&limit=1000&columns=${LONG_COLUMNS}`,
      goal: { unit: 'x as fast', limit: 20 },
    },
    {
      what: 'group by src, dst, proto, dstport',
      nfdump: ['-A', 'srcip,dstip,proto,dstport', '-O', 'bytes', '-n', '10', '-o', 'long'],
      culvert: ['--by', 'src,dst,proto,dstport', '--sum', 'octets'],
      goal: { unit: 'M rows/s', limit: 6 },
    },
  ]
}

/** (a) What real exporters sent about the laboratory's network: each listener's port is an exporter of its own. */
import { readDatagrams } from '#collectors/capture/datagrams.js'
import type { Corpus, PairLabel } from './corpus.js'
import { evaluateStore, type StoreScore } from './evaluate-store.js'
import { type JudgedDatagram, withStore } from './judge.js'
import type { Kind, Truth } from './score.js'

/** Ports of the laboratory's exporters, and what each is. */
export const labExporters = [
  { port: 2055, what: 'softflowd v9, 60/15 s', activeTimeoutMilliseconds: 60_000, isSampled: false },
  { port: 2056, what: 'softflowd IPFIX, 1800/300 s', activeTimeoutMilliseconds: 1_800_000, isSampled: false },
  { port: 2057, what: 'softflowd v5, 60/15 s', activeTimeoutMilliseconds: 60_000, isSampled: false },
  { port: 2058, what: 'softflowd v9, 60/15 s, 1:10', activeTimeoutMilliseconds: 60_000, isSampled: true },
  { port: 2059, what: 'pmacctd v9, 60/15 s', activeTimeoutMilliseconds: 60_000, isSampled: false },
  { port: 2060, what: 'pmacctd IPFIX, 300 s', activeTimeoutMilliseconds: 300_000, isSampled: false },
] as const

/** Of the laboratory's tunnels, those whose far end only echoes or stays silent. */
const MIRRORING = /hping3|beacon|one-way/

function kindOf({ label, what }: PairLabel): Kind {
  if (label === 'icmp_tunnel') return MIRRORING.test(what) ? 'mirroring' : 'carrying'
  if (label === 'port_mismatch' || label === 'socks') return 'pairing'
  // A tunnel within DNS keeps to its port: it is another detector's business.
  return label === 'dns_tunnel' ? 'other' : 'benign'
}

/** The laboratory's pairs as truths; starts are those of the first packets in the rows. */
export function labTruths(corpus: Corpus, activeTimeoutMilliseconds: number): Truth[] {
  return corpus.pairs.map((pair) => {
    const isIcmp = pair.label.startsWith('icmp_')
    const port = / on (\d+)/.exec(pair.what)?.[1]
    const protocolIdentifier = isIcmp ? 1 : pair.what.includes('udp') ? 17 : 6
    return {
      kind: kindOf(pair),
      shape: pair.what,
      source: pair.source,
      destination: pair.destination,
      ...(isIcmp || port !== undefined ? { protocolIdentifier } : {}),
      ...(port === undefined ? {} : { port: Number(port) }),
      startMilliseconds: 0,
      activeTimeoutMilliseconds,
    }
  })
}

export type LabResult = (typeof labExporters)[number] & { readonly score: Omit<StoreScore, 'alarms'> }

/** Judges the exports of each port. */
export async function evaluateLab(corpus: Corpus): Promise<LabResult[]> {
  const results: LabResult[] = []
  for (const exporter of labExporters) {
    const truths = labTruths(corpus, exporter.activeTimeoutMilliseconds)
    const { alarms: _, ...score } = await withStore(exportsOf(corpus, exporter.port), (store) =>
      evaluateStore(store, truths),
    )
    results.push({ ...exporter, score })
  }
  return results
}

/** What the exporters on these ports sent, as it was received. */
export function* exportsOf(corpus: Corpus, ...ports: number[]): Generator<JudgedDatagram> {
  for (const datagram of readDatagrams(corpus.path('lab_dev_netflow.pcap'))) {
    const { timeMilliseconds, source, destinationPort, payload } = datagram
    if (ports.includes(destinationPort)) yield { timeMilliseconds, source, port: destinationPort, payload }
  }
}

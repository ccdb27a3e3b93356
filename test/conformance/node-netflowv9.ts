// The package node-netflowv9 as an oracle, in a process of its own, since some datagrams make it run for ever. Reads
// `[{ octets: hex, address, port }]` from standard input and writes an array of what it makes of each: records or an error.
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'

type Collector = {
  nfPktDecode(octets: Buffer, from: { address: string; port: number; size: number }): Decoded | undefined
}
type Decoded = { flows: Record<string, unknown>[] }

const NetFlowV9 = createRequire(import.meta.url)('node-netflowv9') as new (
  options: (flow: unknown) => void,
) => Collector & { server: { unref(): void } }

const collector = new NetFlowV9(() => {})
collector.server.unref()
const datagrams = JSON.parse(await text(process.stdin)) as { octets: string; address: string; port: number }[]
const results = datagrams.map(({ octets, address, port }) => {
  const payload = Buffer.from(octets, 'hex')
  try {
    const decoded = collector.nfPktDecode(payload, { address, port, size: payload.length })
    return { records: (decoded?.flows ?? []).map((flow) => ({ ...flow })) }
  } catch (error) {
    return { records: [], error: (error as Error).message }
  }
})
process.stdout.write(JSON.stringify(results))

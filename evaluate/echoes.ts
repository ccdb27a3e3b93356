/** (d) Real echo connections of public captures (counters of conn logs), as flow records of one exporter. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Activity } from '#simulate/activity.js'
import { createNetwork, exporterDefaults, type Host } from '#simulate/network.js'
import { createRandom } from '#simulate/random.js'
import { icmp } from '#simulate/traffic/packets.js'
import type { Corpus } from './corpus.js'
import { evaluateStore } from './evaluate-store.js'
import { withStore } from './judge.js'
import { meterPackets } from './metering.js'
import type { RuleScore } from './peers.js'
import { pairOf } from './rows.js'
import type { FalseAlarm } from './score.js'

/** Longer ones would be one burst at a meter; their counters are kept, their length is cut. */
const LONGEST_SPAN_MILLISECONDS = 50_000
const ECHO = [8, 0] as const

export type EchoesResult = {
  readonly file: string
  readonly connections: number
  readonly pairs: number
  readonly days: number
  readonly falseAlarms: readonly FalseAlarm[]
  readonly peers: readonly RuleScore[]
}

/** Judges each file of the corpus whose name begins with `benign_icmp_echo_conn_`. */
export async function evaluateEchoes(corpus: Corpus, files: readonly string[]): Promise<EchoesResult[]> {
  const results: EchoesResult[] = []
  for (const file of files) {
    const { packets, connections, pairs } = readConnections(corpus.path(file))
    const start = packets[0]!.timeMilliseconds
    const settings = exporterDefaults({
      name: 'conn',
      address: '10.255.0.1',
      version: 9,
      timeStyle: 'sysUpTime',
      home: [],
      interfaces: {},
    })
    const datagrams = meterPackets(packets, settings, createRandom(1), start)
    const { falseAlarms, peers } = await withStore(datagrams, (store) => evaluateStore(store, []))
    const days = (packets.at(-1)!.timeMilliseconds - start) / 86_400_000
    results.push({ file: basename(file), connections, pairs, days, falseAlarms, peers })
  }
  return results
}

function readConnections(path: string) {
  const network = createNetwork()
  const hosts = new Map<string, Host>()
  const host = (text: string) => {
    const found = hosts.get(text) ?? network.addHost(text, 'internet', 'wire', text)
    hosts.set(text, found)
    return found
  }
  const packets: Activity[] = []
  const pairs = new Set<string>()
  const lines = readFileSync(path, 'utf8').trim().split('\n').slice(1)
  for (const line of lines) {
    const [time, from, to, requests, replies, requestOctets, replyOctets, duration] = line.split(',')
    const [source, destination] = [host(from!), host(to!)]
    const span = Math.min(LONGEST_SPAN_MILLISECONDS, Number(duration) * 1000 || 0)
    const at = Number(time) * 1000
    pairs.add(pairOf(from!, to!))
    const add = (direction: 0 | 1, count: number, octets: number) => {
      if (count === 0) return
      const [sender, receiver] = direction === 0 ? [source, destination] : [destination, source]
      const one = icmp(at + direction * 0.5, sender, receiver, ECHO[direction], 0, octets, direction)
      packets.push({ ...one, spanMilliseconds: span, packets: count })
    }
    add(0, Number(requests), Number(requestOctets))
    add(1, Number(replies), Number(replyOctets))
  }
  packets.sort((one, other) => one.timeMilliseconds - other.timeMilliseconds)
  return { packets, connections: lines.length, pairs: pairs.size }
}

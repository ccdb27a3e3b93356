// sFlow for the fuzzer: datagrams whose words (lengths, counts, formats) are changed, cut, repeated and joined, and the
// decoder that they are fed to.
import { AgentStore } from '#collectors/sflow/agents.js'
import { SflowDecoder, type SflowSink } from '#collectors/sflow/decoder.js'
import { renderSample } from '#collectors/sflow/render.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import type { Address } from '#core/records/address.js'
import { streams } from '#core/records/columns.js'
import { concatenate, putUint32 } from '#simulate/encode/bytes.js'
import {
  createSflowEncoder,
  extendedNat,
  extendedNatPort,
  extendedSocket,
  extendedSwitch,
  extendedUser,
  extendedVlanIn,
  httpRequest,
  interfaceCounters,
  type SflowFlowSample,
  sampledHeader,
} from '#simulate/encode/sflow.js'
import type { Random } from '#simulate/random.js'
import { echoFrame, type Mutator } from './mutate.js'

const START = 1_780_315_200_000
const MAX_OCTETS = 65_507
/** Samples and records that one datagram may make the decoder look at, whatever it says. */
const MOST_STEPS = 8192

const sample: SflowFlowSample = {
  kind: 'flow',
  sourceIndex: 3,
  samplingRate: 100,
  input: { value: 3 },
  output: { value: 4 },
  records: [sampledHeader(echoFrame), extendedSwitch(7, 8), extendedUser('ann', 'bob')],
}
const counters = interfaceCounters({
  ifIndex: 3,
  ifSpeed: 1e9,
  ifInOctets: 1,
  ifInUcastPkts: 2,
  ifOutOctets: 3,
  ifOutUcastPkts: 4,
})
const encoder = createSflowEncoder({
  agentAddress: Uint8Array.of(192, 0, 2, 1),
  bootMilliseconds: START - 60_000,
})

const transaction: SflowFlowSample = {
  ...sample,
  records: [
    httpRequest('/index.html', 'www', 'carol'),
    extendedSocket({
      protocol: 6,
      local: Uint8Array.of(10, 0, 0, 1),
      remote: Uint8Array.of(10, 0, 0, 2),
      localPort: 80,
      remotePort: 50_000,
    }),
  ],
}
const translated: SflowFlowSample = {
  ...sample,
  records: [
    extendedVlanIn(0x8100_0007),
    extendedNat(Uint8Array.of(192, 0, 2, 9), new Uint8Array(16).fill(1)),
    extendedNatPort(1, 2),
    sampledHeader(echoFrame),
    // An aggregation of one frame with one record (extended_vni_egress), then adapters: one with one address.
    { format: 1016, octets: Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 4, 5, 0, 0, 0, 4, 0, 0, 0, 9) },
  ],
}
const adapters = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0)

/** Valid datagrams, from our own encoder. */
export const sflowSeeds: readonly Uint8Array[] = [
  ...encoder.encode([sample, { ...sample, isExpanded: true }], START),
  ...encoder.encode([transaction, translated], START),
  ...encoder.encode(
    [
      { kind: 'counters', sourceIndex: 3, records: [counters, { format: 2001, octets: adapters }] },
      {
        kind: 'discarded',
        sourceIndex: 3,
        inputIfIndex: 3,
        outputIfIndex: 0,
        reason: 1,
        records: [sampledHeader(echoFrame)],
      },
    ],
    START,
  ),
]

const words = [
  ...[
    0, 1, 2, 3, 4, 5, 7, 8, 11, 12, 16, 40, 128, 1001, 1003, 1004, 1016, 1034, 2001, 2100, 2206, 0xfff,
    0x1000, 0x1001,
  ],
  ...[0x3fffffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff],
]

/** Gives one datagram after the other, out of the seeds that are sFlow. */
export function createSflowMutator(random: Random, seeds: readonly Uint8Array[]): Mutator {
  const all = [...sflowSeeds, ...seeds.filter((octets) => octets[0] === 0 && octets[3] === 5)]
  return () => {
    let octets: Uint8Array = Uint8Array.from(random.choice(all))
    for (let left = random.integer(0, 4); left > 0; left--) {
      const at = random.integer(0, Math.max(0, (octets.length >> 2) - 1)) * 4
      switch (random.integer(0, 5)) {
        case 0:
        case 1:
          if (octets.length >= 4) putUint32(octets, at, random.choice(words))
          break
        case 2:
          octets[random.integer(0, Math.max(0, octets.length - 1))] = random.integer(0, 255)
          break
        case 3:
          octets = octets.slice(0, random.integer(0, octets.length))
          break
        case 4: {
          // A piece again, so that counts, lengths and what they count part.
          const end = Math.min(octets.length, at + 4 * random.integer(1, 40))
          octets = concatenate([octets.subarray(0, end), octets.subarray(at)])
          break
        }
        default:
          octets = concatenate([octets.subarray(0, at), random.choice(all).subarray(random.integer(0, 40))])
      }
    }
    return octets.slice(0, MAX_OCTETS)
  }
}

const limits = {
  exporters: 8,
  agentsPerExporter: 20,
  agents: 60,
  sourcesPerAgent: 20,
  sources: 200,
  interfacesPerExporter: 10,
  interfaces: 40,
}

/** A decoder under an observer or in runs; `feed` throws when a datagram cost too much. */
export function makeSflowTarget(sources: readonly Address[], canarySource: Address) {
  let rows = 0
  const make = (isObserved: boolean) => {
    const builders = streams.map((stream) => new BlockBuilder(stream, 64))
    const sink: SflowSink = {
      builder(stream) {
        const builder = builders[stream]!
        if (builder.rows >= builder.capacity || isObserved) {
          rows += builder.rows
          builder.reset()
        }
        return builder
      },
      undecoded: () => {},
      exporterEvent: () => {},
      ...(isObserved
        ? {
            observer: {
              flow: (_context, one, view) => void renderSample(view, one),
              counters: (_context, one, view) => void renderSample(view, one),
              discarded: (_context, one, view) => void renderSample(view, one),
            },
          }
        : {}),
    }
    const decoder = new SflowDecoder({ sink, store: new AgentStore(() => 0, limits) })
    return { decoder, builders }
  }
  const both = [make(true), make(false)]
  const canary = createSflowEncoder({ bootMilliseconds: START }).encode([sample], START)[0]!
  const feed = (octets: Uint8Array, source: Address, at: number) => {
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    for (const { decoder } of both) {
      decoder.datagram(view, octets.length, source, 6343, at)
      if (decoder.steps > MOST_STEPS || decoder.steps > octets.length)
        throw new Error(`${decoder.steps} steps for ${octets.length} octets`)
    }
  }
  const settle = () => {
    for (const { builders } of both) {
      for (const builder of builders) {
        rows += builder.rows
        builder.reset()
      }
    }
  }
  feed(canary, canarySource, START)
  return {
    feed: (octets: Uint8Array, source: number, at: number) => feed(octets, sources[source]!, at),
    finish() {
      for (const { decoder } of both) {
        const { exporters } = decoder.store
        const agents = exporters.reduce((sum, exporter) => sum + exporter.agents.size, 0)
        if (exporters.length > limits.exporters) throw new Error(`${exporters.length} exporters`)
        if (agents > limits.agents) throw new Error(`${agents} agents`)
        const all = exporters.flatMap((exporter) => [...exporter.agents])
        const interfaces = all.reduce((sum, agent) => sum + agent.interfaces.size, 0)
        if (interfaces > limits.interfaces) throw new Error(`${interfaces} interfaces`)
        const unknown = Math.max(0, ...all.map(({ statistics }) => statistics.unknownRecords.size))
        if (unknown > 64) throw new Error(`${unknown} formats of one agent`)
      }
      settle()
      const before = rows
      feed(canary, canarySource, START)
      settle()
      if (rows !== before + both.length) throw new Error('the canary does not decode')
    },
  }
}

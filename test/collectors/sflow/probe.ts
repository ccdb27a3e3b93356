// An sFlow decoder with a sink that keeps everything, under an observer as the command line has it or without.
import { type SflowContext, SflowDecoder, type SflowDecoderOptions } from '#collectors/sflow/decoder.js'
import { agentText, renderSample } from '#collectors/sflow/render.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { builderRows, rowObject } from '#core/blocks/row.js'
import { type Address, parseAddress } from '#core/records/address.js'
import { streams } from '#core/records/columns.js'

export type Sample = {
  kind: 'flow' | 'counter' | 'discarded'
  agent: string | undefined
  sample: number
  elements: Record<string, unknown>
}

export const exporterAddress = parseAddress('192.0.2.1')!

export function createProbe({
  observed = true,
  ...options
}: { observed?: boolean } & Partial<Pick<SflowDecoderOptions, 'store'>> = {}) {
  const flows: Record<string, unknown>[] = []
  const samples: Sample[] = []
  const undecoded: { reason: string; format: number; octets: number; agent: boolean }[] = []
  const events: { event: string; value: number; domain: number }[] = []
  const builders = streams.map((stream) => new BlockBuilder(stream, observed ? 1 : 7))
  const empty = (builder: BlockBuilder) => {
    for (let row = 0; row < builder.rows; row++)
      flows.push({ stream: builder.stream.name, ...rowObject(builderRows(builder), row) })
    builder.reset()
  }
  const see = (kind: Sample['kind'], { agent, sample }: SflowContext, elements: Record<string, unknown>) =>
    samples.push({ kind, agent: agentText(agent.agentAddress), sample, elements })
  const decoder = new SflowDecoder({
    ...options,
    sink: {
      ...(observed
        ? {
            observer: {
              flow: (context, sample, view) => see('flow', context, renderSample(view, sample)),
              counters: (context, sample, view) => see('counter', context, renderSample(view, sample)),
              discarded: (context, sample, view) => see('discarded', context, renderSample(view, sample)),
            },
          }
        : {}),
      builder(stream) {
        const builder = builders[stream]!
        if (builder.rows >= builder.capacity) empty(builder)
        return builder
      },
      undecoded: (reason, _context, agent, format, octets) =>
        undecoded.push({ reason, format, octets, agent: agent !== undefined }),
      exporterEvent: (agent, event, value) =>
        events.push({ event, value, domain: agent.identity.observationDomainId }),
    },
  })
  let number = 0
  return {
    decoder,
    samples,
    undecoded,
    events,
    /** Takes the rows out of the builders, in the order of their streams. */
    get flows() {
      for (const builder of builders) empty(builder)
      return flows
    },
    feed(
      octets: Uint8Array,
      {
        source = exporterAddress,
        listenerPort = 6343,
        at = 0,
      }: { source?: Address; listenerPort?: number; at?: number } = {},
    ) {
      const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
      decoder.datagram(view, octets.length, source, listenerPort, at, 0, number++)
    },
    reasons: () => undecoded.map(({ reason }) => reason),
    clear() {
      for (const builder of builders) builder.reset()
      for (const list of [flows, samples, undecoded, events]) list.length = 0
    },
  }
}

/** What `culvert decode` prints of sFlow datagrams: flow samples, counter samples, discarded packets. */
import { type SflowContext, SflowDecoder } from '#collectors/sflow/decoder.js'
import { agentText, renderSample } from '#collectors/sflow/render.js'
import type { BlockBuilder } from '#core/blocks/builder.js'
import { builderRows, rowObject } from '#core/blocks/row.js'
import { formatAddress } from '#core/records/address.js'

export type SflowOutput = {
  readonly line: (object: Record<string, unknown>) => void
  readonly builder: (stream: number) => BlockBuilder
  /** File and number of a datagram. */
  readonly placeOf: (datagram: number) => { file: string; datagram: number }
  /** Who sent the datagram in hand, for what is refused before its agent is known. */
  readonly sender: () => Record<string, unknown>
}

/** A decoder that prints; `set` is the sample's place in its datagram. */
export function createSflowPrinter({ line, builder, placeOf, sender }: SflowOutput): SflowDecoder {
  const common = (kind: string, context: SflowContext) => ({
    kind,
    ...placeOf(context.datagram),
    ...(context.receivedMilliseconds > 0 ? { receivedMilliseconds: context.receivedMilliseconds } : {}),
    protocolVersion: 'sflow5',
    set: context.sample,
  })
  const of = ({ agent }: SflowContext) => {
    const { address, listenerPort, observationDomainId } = agent.identity
    const agentAddress = agentText(agent.agentAddress)
    return {
      exporterAddress: formatAddress(address),
      listenerPort,
      observationDomainId,
      ...(agentAddress === undefined ? {} : { agentAddress }),
    }
  }
  return new SflowDecoder({
    sink: {
      builder,
      undecoded(reason, context, agent, format, octets) {
        const from = agent === undefined ? sender() : of(context)
        line({ ...common('undecoded', context), ...from, reason, setId: format, octets })
      },
      exporterEvent: () => {},
      observer: {
        flow(context, sample, view, filled) {
          const source = builderRows(filled)
          const { receivedMilliseconds: _received, ...row } = rowObject(source, filled.rows - 1)
          const elements = renderSample(view, sample)
          line({ ...common('flow', context), record: 0, ...of(context), ...row, elements })
        },
        counters(context, sample, view) {
          line({ ...common('counter', context), ...of(context), elements: renderSample(view, sample) })
        },
        discarded(context, sample, view) {
          line({ ...common('discarded', context), ...of(context), elements: renderSample(view, sample) })
        },
      },
    },
  })
}

// A decoder with a sink that keeps everything, in the two ways in which the decoder works: record by record under an
// observer, as the command line has it, and in runs of records, as the receive path has it.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MessageContext } from '#collectors/netflow/context.js'
import { type DecoderOptions, type DecoderSink, NetflowDecoder } from '#collectors/netflow/decoder.js'
import { renderElements } from '#collectors/netflow/render.js'
import type { TemplateDocument } from '#collectors/netflow/template-store.js'
import { templateDocument } from '#collectors/netflow/template-store.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { builderRows, rowObject } from '#core/blocks/row.js'
import { type Address, formatAddress, parseAddress } from '#core/records/address.js'
import { streams } from '#core/records/columns.js'

export type Flow = Record<string, unknown> & {
  templateId?: number
  stream: string
  held: boolean
  /** Absent without an observer. */
  elements?: Record<string, unknown>
}
export type Undecoded = { reason: string; setId: number; octets: number; exporter?: string; domain?: number }

export type FeedOptions = {
  source?: Address
  listenerPort?: number
  at?: number
  transport?: number
}

export type ProbeOptions = Partial<Pick<DecoderOptions, 'store'>> & {
  observed?: boolean
  /** Rows of a builder before it is emptied; only without an observer. */
  capacity?: number
}

export const exporterAddress = parseAddress('192.0.2.1')!

export function createProbe({ observed = true, capacity = 7, ...options }: ProbeOptions = {}) {
  const flows: Flow[] = []
  const optionsRecords: { templateId: number; elements: Record<string, unknown> }[] = []
  const templates: { id: number; kind: string }[] = []
  const undecoded: Undecoded[] = []
  const events: { event: string; value: number }[] = []
  const documents: TemplateDocument[] = []
  const builders = streams.map((stream) => new BlockBuilder(stream, observed ? 1 : capacity))

  const empty = (builder: BlockBuilder) => {
    if (!observed) {
      for (let row = 0; row < builder.rows; row++) {
        flows.push({
          stream: builder.stream.name,
          held: false,
          ...rowObject(builderRows(builder), row),
        })
      }
    }
    builder.reset()
  }
  const observer: NonNullable<DecoderSink['observer']> = {
    flow(context, template, view, fields, _record, builder) {
      flows.push({
        stream: builder.stream.name,
        templateId: template.id,
        held: context.held,
        ...rowObject(builderRows(builder), builder.rows - 1),
        elements: renderElements(template, view, fields, context.domain),
      })
    },
    options(context, template, view, fields) {
      optionsRecords.push({
        templateId: template.id,
        elements: renderElements(template, view, fields, context.domain),
      })
    },
    template(_context: MessageContext, template) {
      templates.push({ id: template.id, kind: template.kind })
    },
  }
  const decoder = new NetflowDecoder({
    ...options,
    sink: {
      ...(observed ? { observer } : {}),
      builder(stream) {
        const builder = builders[stream]!
        if (builder.rows >= builder.capacity) empty(builder)
        return builder
      },
      undecoded(reason, context, domain, setId, octets) {
        const { identity } = domain ?? {}
        undecoded.push({
          reason,
          setId,
          octets,
          ...(identity === undefined
            ? {}
            : {
                exporter: formatAddress(identity.address),
                domain: context.domain.identity.observationDomainId,
              }),
        })
      },
      exporterEvent: (_domain, event, value) => events.push({ event, value }),
      templateLearnt: (domain, stored) => documents.push(templateDocument(domain, stored)),
    },
  })
  let number = 0
  return {
    decoder,
    flows,
    optionsRecords,
    templates,
    undecoded,
    events,
    documents,
    feed(
      octets: Uint8Array,
      { source = exporterAddress, listenerPort = 2055, at = 0, transport = 0 }: FeedOptions = {},
    ) {
      const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
      decoder.datagram(view, octets.length, source, listenerPort, at, transport, number++)
    },
    /** Rows that wait in builders, and sets that wait for a template. */
    finish() {
      decoder.finish()
      for (const builder of builders) empty(builder)
    },
    reasons: () => undecoded.map(({ reason }) => reason),
  }
}

export type Probe = ReturnType<typeof createProbe>

/** The folder of corpora that are kept beside the project, when they are there. */
export function corporaFolder(): string | undefined {
  const named = process.env['CULVERT_SHARED']
  if (named !== undefined) return existsSync(join(named, 'corpora')) ? join(named, 'corpora') : undefined
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const found = join(folder, 'shared', 'corpora')
    if (existsSync(found)) return found
    if (dirname(folder) === folder) return undefined
  }
}

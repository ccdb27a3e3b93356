/** `culvert decode FILE…`: what the decoder makes of each datagram, one JSON object a line. */
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { OnCaptureFault } from '#collectors/capture/datagrams.js'
import { createStreamSessions } from '#collectors/capture/stream-sessions.js'
import type { MessageContext } from '#collectors/netflow/context.js'
import { type DecoderSink, NetflowDecoder, type RecordObserver } from '#collectors/netflow/decoder.js'
import { describeElement, namesOf } from '#collectors/netflow/elements.js'
import { renderElements } from '#collectors/netflow/render.js'
import { TemplateStore } from '#collectors/netflow/template-store.js'
import { isSflow } from '#collectors/sflow/decoder.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { builderRows, rowObject } from '#core/blocks/row.js'
import { readConfig } from '#core/config.js'
import { formatAddress } from '#core/records/address.js'
import { streams } from '#core/records/columns.js'
import { createSflowPrinter } from '../decode-sflow.js'
import { inputDatagrams, isChosen, type PortChoice, tellOf } from '../inputs.js'
import { portOption } from '../options.js'
import { openOutput } from '../output.js'

type DecodeOptions = PortChoice & { config?: string }

export function registerDecode(program: Command): void {
  program
    .command('decode')
    .description(
      'decode export packets (captures, or .dat files of one datagram each) and print what they say',
    )
    .argument('<file...>', 'pcap, pcapng, .ipfix (RFC 5655) or .dat, decoded in this order with one state')
    .option(
      '--udp-port <port>',
      'only datagrams sent to this UDP port; may be repeated (default: all)',
      portOption,
    )
    .option(
      '--tcp-port <port>',
      'only messages of TCP connections to this port; may be repeated (default: all)',
      portOption,
    )
    .option('--config <file>', 'YAML; its `elements` name enterprise elements')
    .option('--json', 'JSON Lines (the default: this command has no other form)')
    .action(async (files: string[], options: DecodeOptions) => {
      await decodeFiles(files, options)
    })
}

async function decodeFiles(files: readonly string[], options: DecodeOptions): Promise<void> {
  const definedElements = namesOf(options.config === undefined ? [] : readConfig(options.config).elements)
  const output = openOutput()
  let file = ''
  let datagramIndex = 0
  const places: string[] = []

  const common = (kind: string, context: MessageContext) => ({
    kind,
    file: places[context.datagram] ?? file,
    datagram: datagramNumber(context.datagram),
    ...(context.receivedMilliseconds > 0 ? { receivedMilliseconds: context.receivedMilliseconds } : {}),
    ...(context.protocol < 0 ? {} : { protocolVersion: context.protocol }),
  })
  const numbers: number[] = []
  /** Who sent the datagram in hand, for what is refused before its domain is known. */
  let sender = {}
  const datagramNumber = (index: number) => numbers[index] ?? index
  const of = (context: MessageContext) => {
    const { address, listenerPort, observationDomainId } = context.domain.identity
    return { exporterAddress: formatAddress(address), listenerPort, observationDomainId }
  }

  const observer: RecordObserver = {
    flow(context, template, view, fields, record, builder) {
      const { receivedMilliseconds: _received, ...row } = rowObject(builderRows(builder), builder.rows - 1)
      output.line({
        ...common('flow', context),
        set: context.set,
        record,
        ...of(context),
        ...(template.id === 0 ? {} : { templateId: template.id }),
        ...(context.held ? { held: true } : {}),
        ...row,
        elements: renderElements(template, view, fields, context.domain),
      })
    },
    options(context, template, view, fields, record) {
      output.line({
        ...common('options', context),
        set: context.set,
        record,
        ...of(context),
        templateId: template.id,
        ...(context.held ? { held: true } : {}),
        elements: renderElements(template, view, fields, context.domain),
      })
    },
    template(context, template) {
      output.line({
        ...common('template', context),
        set: context.set,
        ...of(context),
        templateId: template.id,
        options: template.kind === 'options',
        fields: template.fields.map((field) => ({
          name: describeElement(field, context.domain).name,
          elementId: Math.abs(field.elementId),
          ...(field.enterpriseNumber === 0 ? {} : { enterpriseNumber: field.enterpriseNumber }),
          length: field.length,
          ...(field.scope ? { scope: true } : {}),
        })),
      })
    },
  }
  const builders = streams.map((stream) => new BlockBuilder(stream, 1))
  const sink: DecoderSink = {
    observer,
    builder(stream) {
      const builder = builders[stream]!
      builder.reset()
      return builder
    },
    undecoded(reason, context, domain, setId, octets) {
      output.line({
        ...common('undecoded', context),
        set: context.set,
        ...(domain === undefined ? sender : of(context)),
        reason,
        setId,
        octets,
      })
    },
    exporterEvent: () => {},
    templateLearnt: () => {},
  }
  const decoder = new NetflowDecoder({ sink, store: new TemplateStore(() => 0, {}, definedElements) })
  const sessions = createStreamSessions(decoder)
  const sflow = createSflowPrinter({
    line: (object) => output.line(object),
    builder: (stream) => sink.builder(stream),
    placeOf: (datagram) => ({ file: places[datagram] ?? file, datagram: datagramNumber(datagram) }),
    sender: () => sender,
  })
  for (const path of files) {
    file = basename(path)
    let number = 0
    const lacking: OnCaptureFault = (fault) => {
      if (!isChosen(fault, true, options)) return
      const { timeMilliseconds, source, destinationPort, reason, octets } = fault
      output.line({
        kind: 'undecoded',
        file,
        datagram: number,
        receivedMilliseconds: Math.floor(timeMilliseconds),
        exporterAddress: formatAddress(source),
        listenerPort: destinationPort,
        reason,
        octets,
      })
    }
    for (const datagram of inputDatagrams(path, lacking, tellOf(path))) {
      const inFile = number++
      if (!isChosen(datagram, datagram.stream !== undefined, options)) continue
      places[datagramIndex] = file
      numbers[datagramIndex] = inFile
      const { payload, source, destinationPort, transport, stream } = datagram
      sender = {
        exporterAddress: formatAddress(source),
        listenerPort: destinationPort,
      }
      const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
      const received = Math.floor(datagram.timeMilliseconds ?? 0)
      if (stream !== undefined) {
        const session = sessions.of(stream, source, destinationPort, transport)
        decoder.message(view, payload.length, session, received, datagramIndex)
      } else {
        const by = isSflow(view, payload.length) ? sflow : decoder
        by.datagram(view, payload.length, source, destinationPort, received, transport, datagramIndex)
      }
      datagramIndex++
      await output.drained()
    }
  }
  decoder.finish()
  await output.drained()
}

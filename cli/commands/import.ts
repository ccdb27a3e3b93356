/** `culvert import FILE…`: captured export packets and log lines into the data folder, by the code that the sockets use. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import type { OnCaptureFault } from '#collectors/capture/datagrams.js'
import { createImportIntake, type ImportIntake } from '#collectors/import-intake.js'
import { readConfig } from '#core/config.js'
import { ApplianceError } from '#core/errors.js'
import { type Address, parseAddress } from '#core/records/address.js'
import { toIso } from '#core/records/time.js'
import type { Documents } from '#core/store/documents.js'
import { type BlockWriter, createBlockWriter } from '#core/store/writer.js'
import { openBlocks, openDocuments } from '../data-folder.js'
import { inputDatagrams, isChosen, type PortChoice, tellOf } from '../inputs.js'
import { listOption, portOption, timeOption, zoneOption } from '../options.js'
import { openProgress } from '../progress.js'

type ImportOptions = PortChoice & {
  config?: string
  data: string
  syslogFile?: string[]
  exporter?: string
  received?: number
  zone?: string
  json?: boolean
}

/** The port that lines of a file are stored under: the default of syslog. */
const SYSLOG_PORT = 514
/** Datagrams between two looks at the database. */
const BATCH = 256

export function registerImport(program: Command): void {
  program
    .command('import')
    .description('store the rows of captured export packets and syslog, received when the capture says')
    .argument('[file...]', 'pcap, pcapng or .ipfix (RFC 5655)')
    .requiredOption('--data <dir>', 'the data folder, made when it is not there')
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
    .option('--syslog-file <file>', 'a file of log lines; needs --exporter and --received', listOption)
    .option('--exporter <address>', 'the device that wrote the log lines')
    .option('--received <time>', 'when the log lines arrived, ISO 8601', timeOption)
    .option('--zone <zone>', 'IANA time zone of log lines that name none (default: UTC)', zoneOption)
    .option(
      '--config <file>',
      'YAML; its `exporters` (sampling, zones), `elements` and `syslog.mappings` hold as in `start`',
    )
    .option('--json', 'print the counts as JSON')
    .action(runImport)
}

async function runImport(files: string[], options: ImportOptions): Promise<void> {
  const lineFiles = options.syslogFile ?? []
  if (files.length + lineFiles.length === 0) throw new ApplianceError('USAGE', 'name at least one file')
  for (const file of [...files, ...lineFiles]) {
    if (!existsSync(file)) throw new ApplianceError('INPUT_UNREADABLE', `${file}: no such file`)
  }
  const lineOrigin = lineFiles.length === 0 ? undefined : lineOriginOf(options)
  const store = await openBlocks(options.data)
  const documents = await openDocuments(options.data)
  try {
    let failure: Error | undefined
    const writer = createBlockWriter({
      store,
      now: () => Date.now(),
      onFailure: (error) => {
        failure ??= error
      },
    })
    const intake = createImportIntake(writer, {
      zone: options.zone,
      config: options.config === undefined ? undefined : readConfig(options.config),
    })
    for (const file of [...files, ...lineFiles]) await warnOfRepetition(documents, file, options)
    for (const file of files) await importCapture(file, options, intake, writer)
    for (const file of lineFiles) await importLines(file, lineOrigin!, intake, writer)
    intake.finish()
    await writer.flush()
    await store.sync()
    if (failure !== undefined) {
      throw new ApplianceError('STORE_DAMAGED', 'rows could not be written, so the import is partial', {
        cause: failure,
      })
    }
    report(intake, writer, options.json === true)
  } finally {
    await store.close()
    await documents.close()
  }
}

function lineOriginOf({ exporter, received }: ImportOptions): {
  address: Address
  receivedMilliseconds: number
} {
  const address = exporter === undefined ? undefined : parseAddress(exporter)
  if (address === undefined || received === undefined) {
    throw new ApplianceError('USAGE', '--syslog-file needs --exporter ADDRESS and --received TIME')
  }
  return { address, receivedMilliseconds: received }
}

async function importCapture(
  file: string,
  options: ImportOptions,
  intake: ImportIntake,
  writer: BlockWriter,
): Promise<void> {
  const progress = openProgress(file, statSync(file).size)
  let octets = 0
  let count = 0
  const lacking: OnCaptureFault = (fault) => {
    if (isChosen(fault, true, options)) intake.fault(fault.reason)
  }
  for (const datagram of inputDatagrams(file, lacking, tellOf(file))) {
    octets += datagram.payload.length
    if (!isChosen(datagram, datagram.stream !== undefined, options)) continue
    const { payload, source, destinationPort, timeMilliseconds, transport, stream } = datagram
    const received = Math.floor(timeMilliseconds ?? Date.now())
    intake.datagram(payload, source, destinationPort, received, transport, stream)
    if (++count % BATCH !== 0) continue
    progress.update(octets)
    await writer.drained()
  }
  progress.stop()
}

async function importLines(
  file: string,
  { address, receivedMilliseconds }: { address: Address; receivedMilliseconds: number },
  intake: ImportIntake,
  writer: BlockWriter,
): Promise<void> {
  let count = 0
  for await (const line of createInterface({
    input: createReadStream(file, 'latin1'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    intake.line(line, address, SYSLOG_PORT, receivedMilliseconds)
    if (++count % BATCH === 0) await writer.drained()
  }
}

/** Importing twice stores twice: that is allowed, and said. */
async function warnOfRepetition(
  documents: Documents,
  file: string,
  { udpPort, tcpPort }: PortChoice,
): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  const sorted = (ports: readonly number[] = []) => [...ports].sort((a, b) => a - b).join('+')
  const chosen = udpPort === undefined && tcpPort === undefined ? 'all' : sorted(udpPort)
  const key = `import/${hash.digest('hex')}/${chosen}${tcpPort === undefined ? '' : `/tcp/${sorted(tcpPort)}`}`
  const before = await documents.get<{ importedMilliseconds: number }>(key)
  if (before !== undefined) {
    process.stderr.write(
      `culvert: ${file} was imported before, at ${toIso(before.importedMilliseconds)}: its rows are now stored once more\n`,
    )
  }
  await documents.put(key, { importedMilliseconds: Date.now() })
}

function report({ counts }: ImportIntake, writer: BlockWriter, isJson: boolean): void {
  const { rows, blocks, octets } = writer.counts
  if (isJson) {
    process.stdout.write(`${JSON.stringify({ ...counts, rows, blocks, octets })}\n`)
    return
  }
  process.stderr.write(
    `culvert: ${counts.datagrams} datagrams, ${counts.lines} log lines, ${rows} rows in ${blocks} blocks (${octets} octets)\n`,
  )
  if (counts.linesNotUnderstood > 0)
    process.stderr.write(`culvert: ${counts.linesNotUnderstood} lines kept but not understood\n`)
  for (const [reason, count] of Object.entries(counts.undecoded)) {
    process.stderr.write(`culvert: ${count} times not decoded: ${reason}\n`)
  }
}

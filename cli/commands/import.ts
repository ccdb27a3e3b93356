/** `culvert import FILE…`: captured export packets into the data folder, by the code that the sockets use. */
import { statSync } from 'node:fs'
import type { Command } from 'commander'
import { createFlowIntake } from '#collectors/flow-intake.js'
import { ApplianceError } from '#core/errors.js'
import { createBlockWriter } from '#core/store/writer.js'
import { openBlocks } from '../data-folder.js'
import { inputDatagrams } from '../inputs.js'
import { portOption } from '../options.js'
import { openProgress } from '../progress.js'

type ImportOptions = { data: string; udpPort?: number[] }

export function registerImport(program: Command): void {
  program
    .command('import')
    .description('store the rows of captured export packets and syslog, received when the capture says')
    .argument('<file...>', 'pcap or pcapng')
    .requiredOption('--data <dir>', 'the data folder, made when it is not there')
    .option(
      '--udp-port <port>',
      'only datagrams sent to this UDP port; may be repeated (default: all)',
      portOption,
    )
    .option('--json', 'print the counts as JSON')
    .action(async (files: string[], options: ImportOptions & { json?: boolean }) => {
      const counts = await importFiles(files, options)
      if (options.json === true) process.stdout.write(`${JSON.stringify(counts)}\n`)
    })
}

async function importFiles(files: readonly string[], options: ImportOptions) {
  const store = await openBlocks(options.data)
  try {
    let failure: Error | undefined
    const writer = createBlockWriter({
      store,
      now: () => Date.now(),
      onFailure: (error) => {
        failure ??= error
      },
    })
    const undecoded = new Map<string, number>()
    const { decoder } = createFlowIntake({
      writer,
      onUndecoded: (reason) => undecoded.set(reason, (undecoded.get(reason) ?? 0) + 1),
    })
    let datagrams = 0
    for (const path of files) {
      const progress = openProgress(path, statSync(path, { throwIfNoEntry: false })?.size ?? 0)
      let octets = 0
      for (const { payload, source, destinationPort, timeMilliseconds } of inputDatagrams(path)) {
        octets += payload.length + 58
        if (options.udpPort !== undefined && !options.udpPort.includes(destinationPort)) continue
        const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
        decoder.datagram(
          view,
          payload.length,
          source,
          destinationPort,
          Math.floor(timeMilliseconds ?? Date.now()),
        )
        datagrams++
        if (datagrams % 256 === 0) {
          progress.update(octets)
          await writer.drained()
        }
      }
      progress.stop()
    }
    decoder.finish()
    await writer.flush()
    await store.sync()
    if (failure !== undefined)
      throw new ApplianceError('STORE_DAMAGED', 'blocks could not be written', { cause: failure })
    const { rows, blocks, octets } = writer.counts
    process.stderr.write(
      `culvert: ${datagrams} datagrams, ${rows} rows in ${blocks} blocks (${octets} octets)\n`,
    )
    for (const [reason, count] of undecoded) process.stderr.write(`culvert: ${count} times ${reason}\n`)
    return { datagrams, rows, blocks, octets, undecoded: Object.fromEntries(undecoded) }
  } finally {
    await store.close()
  }
}

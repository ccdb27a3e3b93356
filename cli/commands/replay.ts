/** `culvert replay FILE --to HOST:PORT`: sends the payloads of a capture over real UDP. */
import type { Command } from 'commander'
import { inputDatagrams } from '../inputs.js'
import { endpointOption, portOption, speedOption } from '../options.js'
import { openProgress } from '../progress.js'
import { sendTimed, type TimedPayload } from '../sender.js'

type ReplayOptions = { to: { host: string; port: number }; speed: number; udpPort?: number[]; json?: boolean }

export function registerReplay(program: Command): void {
  program
    .command('replay')
    .description('send the UDP payloads of a capture to a collector')
    .argument('<file>', 'pcap, pcapng or .dat')
    .requiredOption('--to <host:port>', 'where to', endpointOption)
    .option('--speed <factor>', 'of the time in the capture, or max', speedOption, 1)
    .option(
      '--udp-port <port>',
      'only datagrams that were sent to this port; may be repeated (default: all)',
      portOption,
    )
    .option('--json', 'print the count as JSON')
    .action(async (file: string, options: ReplayOptions) => {
      const range = captureRange(file)
      const progress = openProgress(file, range.to - range.from)
      const sent = await sendTimed(payloads(file, options), options.speed, {
        onSent: (time) => progress.update(time - range.from),
      })
      progress.stop()
      process.stdout.write(
        options.json === true ? `${JSON.stringify({ sent })}\n` : `${sent} datagrams sent\n`,
      )
    })
}

function* payloads(file: string, { to, udpPort }: ReplayOptions): Generator<TimedPayload> {
  for (const { payload, destinationPort, timeMilliseconds } of inputDatagrams(file)) {
    if (udpPort !== undefined && !udpPort.includes(destinationPort)) continue
    yield { payload, timeMilliseconds: timeMilliseconds ?? 0, ...to }
  }
}

/** Only a terminal shows progress, and only progress needs the range. */
function captureRange(file: string): { from: number; to: number } {
  let from = Number.POSITIVE_INFINITY
  let to = 0
  if (!process.stderr.isTTY) return { from: 0, to: 0 }
  for (const { timeMilliseconds = 0 } of inputDatagrams(file)) {
    from = Math.min(from, timeMilliseconds)
    to = Math.max(to, timeMilliseconds)
  }
  return { from, to }
}

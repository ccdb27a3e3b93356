/** `culvert replay FILE --to HOST:PORT`: sends the payloads of a capture over real UDP. */
import type { Command } from 'commander'
import type { OnCaptureFault } from '#collectors/capture/datagrams.js'
import { inputDatagrams, isChosen, type PortChoice, tellOf } from '../inputs.js'
import { endpointOption, portOption, speedOption } from '../options.js'
import { openProgress } from '../progress.js'
import { sendTimed, type TimedPayload } from '../sender.js'

type ReplayOptions = PortChoice & { to: { host: string; port: number }; speed: number; json?: boolean }

/** What a UDP datagram over IPv4 holds at most; a message of a TCP stream may be longer. */
const MAX_UDP_OCTETS = 65_507

export function registerReplay(program: Command): void {
  program
    .command('replay')
    .description('send the UDP payloads of a capture, and its TCP messages as datagrams, to a collector')
    .argument('<file>', 'pcap, pcapng or .dat')
    .requiredOption('--to <host:port>', 'where to', endpointOption)
    .option('--speed <factor>', 'of the time in the capture, or max', speedOption, 1)
    .option(
      '--udp-port <port>',
      'only datagrams that were sent to this port; may be repeated (default: all)',
      portOption,
    )
    .option(
      '--tcp-port <port>',
      'only messages of TCP connections to this port; may be repeated (default: all)',
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

function* payloads(file: string, options: ReplayOptions): Generator<TimedPayload> {
  const left = new Map<string, number>()
  const leave = (why: string) => left.set(why, (left.get(why) ?? 0) + 1)
  const lacking: OnCaptureFault = (fault) => {
    if (isChosen(fault, true, options)) leave(fault.reason)
  }
  for (const datagram of inputDatagrams(file, lacking, tellOf(file))) {
    if (!isChosen(datagram, datagram.stream !== undefined, options)) continue
    const { payload, timeMilliseconds } = datagram
    if (payload.length > MAX_UDP_OCTETS) leave('too long for a datagram')
    else yield { payload, timeMilliseconds: timeMilliseconds ?? 0, ...options.to }
  }
  for (const [why, times] of left) process.stderr.write(`culvert: ${times} times not sent: ${why}\n`)
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

/** Input files of the command line as datagrams: captures, `.dat` files of one datagram each, `.ipfix` files (RFC 5655). */
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { type CapturedDatagram, type OnCaptureFault, readDatagrams } from '#collectors/capture/datagrams.js'
import type { OnNote } from '#collectors/capture/frames.js'
import { readIpfixMessages } from '#collectors/capture/ipfix-file.js'
import { ApplianceError } from '#core/errors.js'
import { printable } from '#core/printable.js'
import { parseAddress } from '#core/records/address.js'
import { transportNames } from '#core/records/exporter.js'

/** A `.dat` is taken as sent by this address (RFC 5737) to port 2055 at no known time. */
const datSource = parseAddress('192.0.2.1')!
const datDestination = parseAddress('192.0.2.254')!
const IPFIX_PORT = 4739
const UDP = transportNames.indexOf('udp')
const TCP = transportNames.indexOf('tcp')

export type InputDatagram = Omit<CapturedDatagram, 'timeMilliseconds'> & {
  /** Undefined where the input has no clock. */
  readonly timeMilliseconds: number | undefined
}

/** Ports that were asked for; of neither transport: all. */
export type PortChoice = { readonly udpPort?: readonly number[]; readonly tcpPort?: readonly number[] }

/** Whether something of a capture goes to a port that was asked for; `isStream` where it came over a TCP stream. */
export function isChosen(
  { destinationPort }: { destinationPort: number },
  isStream: boolean,
  { udpPort, tcpPort }: PortChoice,
): boolean {
  if (udpPort === undefined && tcpPort === undefined) return true
  return (isStream ? tcpPort : udpPort)?.includes(destinationPort) === true
}

/** Says on standard error what is short of a file. */
export function tellOf(path: string): OnNote {
  return (text) => void process.stderr.write(`culvert: ${printable(path)}: ${text}\n`)
}

/** What a file holds. `onFault` is told what a capture lacks of its TCP streams, `onNote` what is short of the file. */
export function* inputDatagrams(
  path: string,
  onFault?: OnCaptureFault,
  onNote?: OnNote,
): Generator<InputDatagram> {
  const suffix = extname(path).toLowerCase()
  if (suffix === '.ipfix') {
    for (const { payload, exportMilliseconds } of readIpfixMessages(path)) {
      yield {
        // The file knows of no other time than the exporter's.
        timeMilliseconds: exportMilliseconds,
        source: datSource,
        destination: datDestination,
        sourcePort: IPFIX_PORT,
        destinationPort: IPFIX_PORT,
        payload,
        // A file is a session as TCP's is: withdrawals hold in it.
        transport: TCP,
      }
    }
    return
  }
  if (suffix !== '.dat') {
    yield* readDatagrams(path, onFault, onNote)
    return
  }
  let payload: Buffer
  try {
    payload = readFileSync(path)
  } catch (cause) {
    throw new ApplianceError('INPUT_UNREADABLE', `${path}: cannot be read`, { cause })
  }
  yield {
    timeMilliseconds: undefined,
    source: datSource,
    destination: datDestination,
    sourcePort: 2055,
    destinationPort: 2055,
    payload,
    transport: UDP,
  }
}

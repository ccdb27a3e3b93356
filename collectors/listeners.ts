/**
 * Opens everything that the configuration lists: datagram sockets, and listeners for TCP and TLS with the one identity
 * of this collector, which is read again when its files change. A port that cannot be opened is reported, not thrown.
 */
import type { ReceivedReport } from '#core/metrics.js'
import { type Address, parseAddress } from '#core/records/address.js'
import { transportNames } from '#core/records/exporter.js'
import { chooseReceive } from './datagram/choose.js'
import type { DatagramPort } from './datagram/ports.js'
import type { DatagramSource } from './datagram/source.js'
import { portUnavailable } from './port-error.js'
import type { ListeningReport, ReceiverSetup, StreamPort } from './receiver-messages.js'
import { createIpfixListener, type IpfixListenerOptions } from './stream/ipfix-tcp.js'
import type { ConnectionListener, ListenerLimits } from './stream/listener.js'
import { createRefusedPeers } from './stream/refused-peers.js'
import { createSyslogListener, type SyslogListenerOptions } from './stream/syslog-tcp.js'
import { readTls, type TlsMaterial, watchTls } from './stream/tls-files.js'

type StreamTransport = StreamPort['transport']

export type ListenersOptions = {
  readonly setup: ReceiverSetup
  readonly now: () => number
  /** One datagram; the view is valid until the call returns. */
  readonly onDatagram: (
    protocol: DatagramPort['name'],
    view: DataView,
    length: number,
    address: Address,
    listenerPort: number,
    receivedMilliseconds: number,
  ) => void
  /** One log line of a connection, octets from `start` to `end`, valid as above; `transport` as in transportNames. */
  readonly onLine: (
    octets: Uint8Array,
    start: number,
    end: number,
    address: Address,
    listenerPort: number,
    transport: number,
  ) => void
  readonly openIpfix: (
    address: string,
    listenerPort: number,
    transport: number,
  ) => ReturnType<IpfixListenerOptions['open']>
  /** Resolves when what was received is on its way to the disk. */
  readonly drained: () => Promise<void>
  readonly onProblem: (error: Error) => void
  /** Words for the log that are no fault. */
  readonly onNotice: (message: string) => void
}

export type Listeners = {
  /** What was opened, and what was not and why. */
  readonly sockets: readonly ListeningReport[]
  report(): Pick<ReceivedReport, 'tcp' | 'ipfixStreams' | 'refusedPeers'>
  /** Datagrams that were longer than the room for them. */
  truncated(): number
  close(): Promise<void>
}

/** Peers' addresses that are kept as read. */
const MAX_ADDRESSES = 65_536
/** A certificate that ends within this time is told at the start and when it is read again. */
const NEAR_END_MILLISECONDS = 14 * 86_400_000

/** Opens every listener of a setup. */
export async function openListeners(options: ListenersOptions): Promise<Listeners> {
  const { setup, now, onProblem, onNotice } = options
  const { listen } = setup
  const sockets: ListeningReport[] = []
  const sources: DatagramSource[] = []
  const syslogListeners: ConnectionListener<string>[] = []
  const ipfixListeners: ConnectionListener<string>[] = []
  const refused = createRefusedPeers(now)
  const receive = chooseReceive(listen.receive)
  if (receive.fallback !== undefined)
    onNotice(`UDP is received by Node's own sockets, at more cost for each datagram: ${receive.fallback}`)
  const tls =
    listen.tls === undefined || setup.streamPorts.length === 0 ? undefined : await readIdentity(listen.tls)

  async function readIdentity(
    settings: NonNullable<ReceiverSetup['listen']['tls']>,
  ): Promise<TlsMaterial | Error> {
    try {
      const material = await readTls(settings)
      tellEnd(material)
      return material
    } catch (error) {
      return error as Error
    }
  }

  function tellEnd({ validToMilliseconds }: TlsMaterial): void {
    const until = new Date(validToMilliseconds).toISOString()
    if (validToMilliseconds <= Date.now())
      onProblem(new Error(`the certificate of listen.tls ended on ${until}: devices may refuse it`))
    else if (validToMilliseconds - Date.now() < NEAR_END_MILLISECONDS)
      onProblem(new Error(`the certificate of listen.tls ends on ${until}: renew it`))
  }

  async function openUdp({ name, port, opened, error }: DatagramPort): Promise<void> {
    const report = { name, transport: 'udp', port, isOptional: port < 1024 } as const
    if (error !== undefined) {
      sockets.push({ ...report, ok: false, error })
      return
    }
    const source = receive.createSource({
      host: listen.host,
      port,
      receiveBufferOctets: listen.receiveBufferOctets,
      ...(opened === undefined ? {} : { opened }),
      onError: onProblem,
      now,
      onDatagram: (view, length, address, receivedMilliseconds) =>
        options.onDatagram(name, view, length, address, port, receivedMilliseconds),
    })
    try {
      const { bufferAsked, bufferGranted, inode } = await source.start()
      sources.push(source)
      const counted = inode === undefined ? {} : { inode }
      sockets.push({ ...report, ok: true, receive: receive.kind, bufferAsked, bufferGranted, ...counted })
    } catch (cause) {
      sockets.push({ ...report, ok: false, error: (cause as Error).message })
    }
  }

  async function openStream({ name, transport, port }: StreamPort): Promise<void> {
    // Such a port that another program has is told and left out. A certificate that cannot be used never is.
    const mayBeTaken = name === 'ipfix' || transport === 'tls'
    const report = { name, transport, port } as const
    try {
      const limits = limitsOf(transport, port)
      const listener: ConnectionListener<string> =
        name === 'syslog'
          ? createSyslogListener({ ...limits, onFrame: frameTaker(transport, port) })
          : createIpfixListener({
              ...limits,
              open: (address) => options.openIpfix(address, port, transportNames.indexOf(transport)),
            })
      await listener.start()
      const listeners = name === 'syslog' ? syslogListeners : ipfixListeners
      listeners.push(listener)
      sockets.push({ ...report, ok: true, isOptional: mayBeTaken || port < 1024 })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      const isTaken = code === 'EADDRINUSE' || code === 'EACCES'
      sockets.push({
        ...report,
        ok: false,
        isOptional: isTaken && (mayBeTaken || port < 1024),
        error:
          code === 'CONFIG_INVALID'
            ? message
            : portUnavailable(transport.toUpperCase(), listen.host, port, error).message,
      })
    }
  }

  function limitsOf(transport: StreamTransport, port: number): ListenerLimits {
    if (transport === 'tls' && tls instanceof Error) throw tls
    return {
      host: listen.host,
      port,
      ...(transport === 'tls' && tls !== undefined && !(tls instanceof Error) ? { tls } : {}),
      maxConnections: listen.maxConnections,
      maxConnectionsPerAddress: listen.maxConnectionsPerAddress,
      drained: options.drained,
      onError: onProblem,
      onRefused(peer) {
        if (!refused.note(port, peer)) return
        onNotice(`${peer.address} was refused on TLS port ${port}: ${peer.reason} (${peer.description})`)
      },
    }
  }

  function frameTaker(transport: StreamTransport, port: number): SyslogListenerOptions['onFrame'] {
    const addresses = new Map<string, Address>()
    const index = transportNames.indexOf(transport)
    return (text, octets, start, end) => {
      let address = addresses.get(text)
      if (address === undefined) {
        address = parseAddress(text)
        if (address === undefined) return
        if (addresses.size >= MAX_ADDRESSES) addresses.clear()
        addresses.set(text, address)
      }
      options.onLine(octets, start, end, address, port, index)
    }
  }

  for (const port of setup.datagramPorts) await openUdp(port)
  for (const port of setup.streamPorts) await openStream(port)
  const watch =
    listen.tls === undefined || tls === undefined
      ? undefined
      : watchTls({
          settings: listen.tls,
          onProblem: ({ message }) => onProblem(new Error(`the certificate in use stays: ${message}`)),
          onRenewed(material) {
            for (const listener of [...ipfixListeners, ...syslogListeners]) listener.renew(material)
            const until = new Date(material.validToMilliseconds).toISOString()
            onNotice(`the files of listen.tls have changed: in use for new connections, valid until ${until}`)
            tellEnd(material)
          },
        })

  return {
    sockets,
    report: () => ({
      tcp: sumCounts(syslogListeners),
      ipfixStreams: sumCounts(ipfixListeners),
      refusedPeers: refused.list(),
    }),
    truncated: () => sources.reduce((sum, { counts }) => sum + counts.truncated, 0),
    async close() {
      watch?.close()
      await Promise.all(
        [...sources, ...syslogListeners, ...ipfixListeners].map((listener) => listener.close()),
      )
    },
  }
}

function sumCounts(of: readonly { readonly counts: Readonly<Record<string, number>> }[]) {
  const sums: Record<string, number> = {}
  for (const { counts } of of) {
    for (const [reason, count] of Object.entries(counts)) sums[reason] = (sums[reason] ?? 0) + count
  }
  return sums
}

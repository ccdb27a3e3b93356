/**
 * A process of its own that sends, so that its processor time is not in anybody's figure. It makes its datagrams when it
 * is ordered to, says that it is ready, sends when told to, and answers what it has sent. See bench/load/client.ts.
 */
import { BlankLoad } from './blank-load.js'
import { FlowLoad } from './flow-load.js'
import type { Load, LoadCounts } from './load.js'
import { MAX_HELD } from './load.js'
import { pace } from './pace.js'
import { SyslogLoad } from './syslog-load.js'
import type { Traffic } from './traffic-kinds.js'
import { openTransmitter } from './transmit.js'

export type SenderOrder = {
  readonly type: 'order'
  readonly traffic: Traffic
  readonly port: number
  readonly datagramsPerSecond: number
  readonly datagrams: number
  readonly onlyDgram?: boolean
}
export type ToSender = SenderOrder | { readonly type: 'go' } | { readonly type: 'stop' }

export type SentReport = LoadCounts & {
  readonly seconds: number
  /** Processor time of sending. */
  readonly processorSeconds: number
}
export type FromSender =
  | { readonly type: 'ready'; readonly kind: string; readonly fallback?: string }
  | { readonly type: 'progress'; readonly counts: LoadCounts }
  | { readonly type: 'sent'; readonly report: SentReport }
  | { readonly type: 'failed'; readonly message: string }

const PROGRESS_MILLISECONDS = 1000

const say = (message: FromSender) => process.send?.(message)

function makeLoad(traffic: Traffic): Load {
  const epochMilliseconds = Date.now()
  switch (traffic.kind) {
    case 'blank':
      return new BlankLoad(traffic.octets)
    case 'syslog':
      return new SyslogLoad({ ...traffic, epochMilliseconds })
    default:
      return new FlowLoad({ ...traffic, protocol: traffic.kind, epochMilliseconds })
  }
}

let prepared: { key: string; load: Load } | undefined
let isStopped = false
let go: (() => void) | undefined

async function obey(order: SenderOrder): Promise<void> {
  const key = JSON.stringify(order.traffic)
  if (prepared?.key !== key) prepared = { key, load: makeLoad(order.traffic) }
  // Each sending is one of a device that has just started.
  const { load } = prepared
  load.restart()
  const transmitter = await openTransmitter(load, order.port, order.onlyDgram)
  const { kind, fallback } = transmitter
  isStopped = false
  const going = new Promise<void>((resolve) => {
    go = resolve
  })
  say({ type: 'ready', kind, ...(fallback === undefined ? {} : { fallback }) })
  await going
  const progress = setInterval(
    () => say({ type: 'progress', counts: { ...load.counts } }),
    PROGRESS_MILLISECONDS,
  )
  const before = process.cpuUsage()
  const began = performance.now()
  await pace({
    total: order.datagrams,
    perSecond: order.datagramsPerSecond,
    most: MAX_HELD,
    send: (count) => transmitter.send(count, Date.now()),
    isStopped: () => isStopped,
  })
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(before)
  clearInterval(progress)
  transmitter.close()
  say({
    type: 'sent',
    report: { ...load.counts, seconds, processorSeconds: (user + system) / 1e6 },
  })
}

process.on('message', (message: ToSender) => {
  if (message.type === 'go') go?.()
  else if (message.type === 'stop') isStopped = true
  else obey(message).catch((error: Error) => say({ type: 'failed', message: error.message }))
})
process.on('disconnect', () => process.exit(0))

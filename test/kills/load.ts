/** Numbered records, sent to an appliance without a pause: NetFlow v9 whose octets are the number, syslog whose source is. */
import { createSocket, type Socket } from 'node:dgram'
import { createNetflowV9Encoder } from '#simulate/encode/netflow-v9.js'
import type { Template } from '#simulate/encode/packer.js'

/** Numbers of log lines are 10.x.y.z. */
const MAX_LINES = 2 ** 24
const RECORDS_PER_TURN = 40
const LINES_PER_TURN = 10
const TURN_MILLISECONDS = 20
const UP_TIME_MILLISECONDS = 60_000

const template: Template = {
  templateId: 300,
  fields: [8, 12, 1, 2, 21, 22]
    .map((elementId) => ({ elementId, length: 4 }))
    .concat(
      [7, 11].map((elementId) => ({ elementId, length: 2 })),
      [{ elementId: 4, length: 1 }],
    ),
}

export type Kind = 'flow' | 'line'

/** What was sent: by number, when (performance.now()), 0 while nothing listened. */
export type Sent = Readonly<Record<Kind, number[]>>

export type Load = {
  readonly sent: Sent
  /** What is sent from now on is expected to be received, or not. */
  listening(isListening: boolean): void
  stop(): Promise<void>
}

export function startLoad(ports: { netflow: number; syslog: number }): Load {
  const socket = createSocket('udp4')
  const sent: Sent = { flow: [0], line: [0] }
  const encoder = createNetflowV9Encoder({
    observationDomainId: 7,
    templates: [template],
    systemInitTimeMilliseconds: Date.now() - UP_TIME_MILLISECONDS,
    templateRefreshDatagrams: 20,
  })
  let isListening = false
  let isStopped = false

  const turn = async () => {
    const from = sent.flow.length
    const upTime = UP_TIME_MILLISECONDS
    const records = Array.from({ length: RECORDS_PER_TURN }, (_, index) => ({
      templateId: 300,
      values: ['10.1.0.1', '192.0.2.9', from + index, 10, upTime - 1000, upTime - 11_000, 40_000, 443, 6],
    }))
    for (const datagram of encoder.encode(records, Date.now())) await send(socket, datagram, ports.netflow)
    note('flow', RECORDS_PER_TURN)
    for (let count = 0; count < LINES_PER_TURN && sent.line.length < MAX_LINES; count++) {
      await send(socket, Buffer.from(lineOf(sent.line.length)), ports.syslog)
      note('line', 1)
    }
  }
  /** Noted behind the sending: what is noted before a kill had been handed over. */
  const note = (kind: Kind, count: number) => {
    const at = isListening ? performance.now() : 0
    for (let index = 0; index < count; index++) sent[kind].push(at)
  }
  const ended = (async () => {
    while (!isStopped) {
      await turn()
      await new Promise((resolve) => setTimeout(resolve, TURN_MILLISECONDS))
    }
    socket.close()
  })()
  return {
    sent,
    listening(value) {
      isListening = value
    },
    stop() {
      isStopped = true
      return ended
    },
  }
}

function lineOf(number: number): string {
  const source = `10.${number >>> 16}.${(number >>> 8) & 255}.${number & 255}`
  return `<134>Jan  5 10:00:00 fw1 %ASA-4-106023: Deny tcp src inside:${source}/1025 dst outside:192.0.2.1/23 by access-group "acl" [0x0, 0x0]`
}

function send(socket: Socket, payload: Uint8Array, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(payload, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error)))
  })
}

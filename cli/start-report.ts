/** What the appliance says when it has started, for the person who started it. */
import type { ListeningReport } from '#collectors/receiver-messages.js'
import type { StartReport } from '#core/main.js'

export function describeStart(report: StartReport): string {
  const lines: string[] = ['Culvert is listening.', '']
  for (const group of grouped(report.sockets)) lines.push(`  ${group}`)
  const { host, port } = report.api
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  lines.push(
    `  API                  ${url}/api/v1  (page: ${url}/docs)`,
    `  data                 ${report.data}`,
  )
  if (report.receivers > 1) lines.push(`  receiving threads    ${report.receivers}`)
  if (report.restoredTemplates > 0)
    lines.push(`  templates            ${report.restoredTemplates} kept from before`)
  for (const socket of report.sockets) {
    if (!socket.ok)
      lines.push(
        `  left out             ${socket.transport.toUpperCase()} ${socket.port}: ${shortReason(socket)}`,
      )
  }
  lines.push('', ...bufferAdvice(report.sockets), ...storeAdvice(report))
  if (report.tokenFile !== undefined) {
    lines.push(
      `The first-start token (role admin) lies in ${report.tokenFile} (mode 0600); there is no default password.`,
    )
    lines.push(`  curl -H "Authorization: Bearer $(cat ${report.tokenFile})" ${url}/api/v1/findings`)
  } else lines.push(`  curl -H "Authorization: Bearer $TOKEN" ${url}/api/v1/findings`)
  return lines.join('\n')
}

function grouped(sockets: readonly ListeningReport[]): string[] {
  const ports = (name: string, transport: string) =>
    sockets
      .filter((socket) => socket.ok && socket.name === name && socket.transport === transport)
      .map(({ port }) => port)
  const lines = []
  for (const [name, transport, label] of [
    ['netflow', 'udp', 'NetFlow, IPFIX  UDP'],
    ['ipfix', 'tcp', 'IPFIX           TCP'],
    ['ipfix', 'tls', 'IPFIX           TLS'],
    ['sflow', 'udp', 'sFlow           UDP'],
    ['syslog', 'udp', 'syslog          UDP'],
    ['syslog', 'tcp', 'syslog          TCP'],
    ['syslog', 'tls', 'syslog          TLS'],
  ] as const) {
    const open = ports(name, transport)
    if (open.length > 0) lines.push(`${label}  ${open.join(', ')}`)
  }
  return lines
}

function bufferAdvice(sockets: readonly ListeningReport[]): string[] {
  const first = sockets.find(({ ok, transport }) => ok && transport === 'udp')
  if (first?.bufferAsked === undefined || first.bufferGranted === undefined) return []
  const asked = first.bufferAsked
  const granted = Math.min(
    ...sockets
      .filter(({ ok, transport }) => ok && transport === 'udp')
      .map(({ bufferGranted = 0 }) => bufferGranted),
  )
  const line = `Receive buffer per UDP socket: ${mebi(granted)} granted of ${mebi(asked)} asked.`
  if (granted >= asked) return [line, '']
  return [line, `  To grant it all (bursts are then not lost): sudo sysctl -w net.core.rmem_max=${asked}`, '']
}

function storeAdvice({ lostRows, damagedBlocks }: StartReport): string[] {
  if (lostRows + damagedBlocks === 0) return []
  return [
    `The store is not whole: ${lostRows} rows are gone, ${damagedBlocks} blocks cannot be read. See docs/operations.md.`,
    '',
  ]
}

function mebi(octets: number): string {
  return octets < 1024 * 1024
    ? `${Math.round(octets / 1024)} KiB`
    : `${Math.round((octets / 1024 / 1024) * 10) / 10} MiB`
}

function shortReason({ error = '' }: ListeningReport): string {
  return error.includes(': ') ? error.slice(error.lastIndexOf(': ') + 2) : error
}

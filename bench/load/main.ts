/** `npm run bench:load`: sends generated export packets or log lines to a port of 127.0.0.1 and says what it sent. */
import { listOption, numberOption, readOptions } from '../options.js'
import { startSender } from './client.js'
import { flowProtocols } from './layouts.js'
import type { Traffic } from './traffic-kinds.js'

const options = readOptions({
  port: { type: 'string', default: '2055' },
  kind: { type: 'string', default: 'v9' },
  rate: { type: 'string', default: '10000' },
  seconds: { type: 'string', default: '10' },
  count: { type: 'string' },
  exporters: { type: 'string', default: '4' },
  templates: { type: 'string', default: '1' },
  'by-domain': { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
  dgram: { type: 'boolean', default: false },
})
const [kind = 'v9'] = listOption('kind', options.kind, [...flowProtocols, 'syslog'] as const)
const datagramsPerSecond = numberOption('rate', options.rate)
const common = {
  seed: numberOption('seed', options.seed),
  exporters: numberOption('exporters', options.exporters),
}
const traffic: Traffic =
  kind === 'syslog'
    ? { kind, ...common }
    : {
        kind,
        ...common,
        templates: numberOption('templates', options.templates),
        toldApartBy: options['by-domain'] ? 'domain' : 'address',
      }
const sender = startSender()
const sending = await sender.prepare({
  traffic,
  port: numberOption('port', options.port),
  datagramsPerSecond,
  datagrams:
    options.count === undefined
      ? Math.round(datagramsPerSecond * numberOption('seconds', options.seconds))
      : numberOption('count', options.count),
  onlyDgram: options.dgram,
})
process.stderr.write(
  `sending by ${sending.kind}${sending.fallback === undefined ? '' : `: ${sending.fallback}`}\n`,
)
const report = await sending.go(({ datagrams, records }) => {
  process.stderr.write(`${datagrams} datagrams, ${records} records\n`)
})
process.stdout.write(`${JSON.stringify(report)}\n`)
await sender.close()

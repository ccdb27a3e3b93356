/** syslog-ng 3.38: messages to a file as they came, or parsed by its own parsers for these products into JSON. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Collector, countLines } from '../service/collector.js'
import { findProgram, type Program } from './programs.js'

const BUFFER_OCTETS = 32 * 1024 * 1024
const QUEUED_MESSAGES = 1_000_000

/** Products of the load, by the folders of syslog-ng's configuration library. */
const products = ['cisco', 'fortigate', 'paloalto']

function configuration(kind: 'raw' | 'JSON', { root }: Program, file: string, port: number): string {
  const library = join(root, 'usr', 'share', 'syslog-ng', 'include', 'scl')
  const keys = products.map((product) => `--key .${product === 'paloalto' ? 'panos' : product}.*`).join(' ')
  const template = kind === 'raw' ? '$MSG' : `$(format-json --scope rfc5424 ${keys})`
  const parsing = `
  if { parser { app-parser(topic(syslog-raw)); }; }
  elif { parser { syslog-parser(); panos-parser(); }; }
  else { parser { syslog-parser(); }; };`
  return `@version: 3.38
${kind === 'raw' ? '' : products.map((product) => `@include "${join(library, product, '*.conf')}"`).join('\n')}
options { log-fifo-size(${QUEUED_MESSAGES}); stats-freq(0); };
source devices {
  network(ip("127.0.0.1") port(${port}) transport("udp") so-rcvbuf(${BUFFER_OCTETS}) flags(no-parse));
};
destination messages { file("${file}" template("${template}\\n")); };
log {
  source(devices);${kind === 'raw' ? '' : parsing}
  destination(messages);
};
`
}

export function syslogNg(kind: 'raw' | 'JSON'): Collector {
  return {
    name: kind === 'raw' ? 'syslog-ng, raw file' : 'syslog-ng, JSON',
    missing: () =>
      findProgram('syslog-ng') === undefined
        ? 'syslog-ng: apt-get install syslog-ng-core syslog-ng-scl, or --install, which only unpacks it'
        : undefined,
    kept: 'messages.log',
    async command(folder, port) {
      const program = findProgram('syslog-ng')!
      const path = join(folder, 'syslog-ng.conf')
      await writeFile(path, configuration(kind, program, join(folder, 'messages.log'), port))
      const own = ['-R', 'persist', '-c', 'control', '-p', 'pid'].map((part, index) =>
        index % 2 === 0 ? part : join(folder, part),
      )
      const modules =
        program.root === '/' ? [] : ['--module-path', join(program.root, 'usr/lib/syslog-ng/3.38')]
      return {
        file: program.file,
        env: program.env,
        args: ['-F', '--no-caps', '-f', path, ...own, ...modules],
      }
    },
    stored: (folder) => countLines(join(folder, 'messages.log')),
  }
}

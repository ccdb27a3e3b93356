/** rsyslog 8: messages to a file as they came. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Collector, countLines } from '../service/collector.js'
import { findProgram, libraryFolder } from './programs.js'

export const rsyslog: Collector = {
  name: 'rsyslog, raw file',
  missing: () =>
    findProgram('rsyslogd') === undefined
      ? 'rsyslogd: apt-get install rsyslog, or --install, which only unpacks it'
      : undefined,
  kept: 'messages.log',
  async command(folder, port) {
    const { file, root, env } = findProgram('rsyslogd')!
    const path = join(folder, 'rsyslog.conf')
    const messages = join(folder, 'messages.log')
    await writeFile(
      path,
      `global(workDirectory="${folder}")
module(load="imudp")
template(name="raw" type="string" string="%rawmsg%\\n")
ruleset(name="all") { action(type="omfile" file="${messages}" template="raw") }
input(type="imudp" address="127.0.0.1" port="${port}" ruleset="all" rcvbufSize="32m")
`,
    )
    const modules = join(libraryFolder(root), 'rsyslog')
    return { file, env, args: ['-n', '-f', path, '-M', modules, '-i', join(folder, 'rsyslog.pid')] }
  },
  stored: (folder) => countLines(join(folder, 'messages.log')),
}

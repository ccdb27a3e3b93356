/**
 * The peers' programs: those of the search path, or of Debian packages that are unpacked into a folder, since rsyslog and
 * syslog-ng cannot be installed beside each other and need not be installed to be run.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const folder = join(tmpdir(), 'culvert-bench-programs')
const root = join(folder, 'root')

/** Packages with the libraries that a small system lacks. */
const installed = ['nfdump', 'pmacct']
const unpacked = {
  rsyslogd: ['rsyslog', 'libestr0', 'libfastjson4', 'liblognorm5'],
  'syslog-ng': ['syslog-ng-core', 'syslog-ng-scl', 'libivykis0', 'libnet1', 'libpcre3', 'libwrap0'],
} as const

export type Program = {
  readonly file: string
  /** Where its package lies: `/` where it is installed. */
  readonly root: string
  readonly env: Readonly<Record<string, string>>
}

/** The program, installed or unpacked; undefined when it is neither. */
export function findProgram(name: string): Program | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  const found = folders.map((path) => join(path, name)).find((path) => existsSync(path))
  if (found !== undefined) return { file: found, root: '/', env: {} }
  const file = join(root, 'usr', 'sbin', name)
  if (!existsSync(file)) return undefined
  const libraries = [libraryFolder(root), join(root, 'usr', 'lib', 'syslog-ng'), join(root, 'lib')]
  const inRoot = existsSync(join(root, 'lib')) ? subfolders(join(root, 'lib')) : []
  return { file, root, env: { LD_LIBRARY_PATH: [...libraries, ...inRoot].join(delimiter) } }
}

/** `usr/lib/x86_64-linux-gnu` and the like below a root. */
export function libraryFolder(below: string): string {
  const lib = join(below, 'usr', 'lib')
  return subfolders(lib).find((path) => path.endsWith('-linux-gnu')) ?? lib
}

function subfolders(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(path, name))
}

/** Installs nfdump and pmacct, which needs root, and unpacks the others. Throws when apt-get or dpkg fails. */
export function installPrograms(say: (line: string) => void): void {
  const run = (file: string, args: string[], cwd?: string) =>
    execFileSync(file, args, { cwd, stdio: ['ignore', 2, 2] })
  if (findProgram('nfcapd') === undefined || findProgram('nfacctd') === undefined) {
    say(`installing ${installed.join(', ')}`)
    run('apt-get', ['install', '-y', '--no-install-recommends', ...installed])
  }
  for (const [program, packages] of Object.entries(unpacked)) {
    if (findProgram(program) !== undefined) continue
    const archives = join(folder, program)
    mkdirSync(archives, { recursive: true })
    say(`unpacking ${packages.join(', ')} into ${root}`)
    run('apt-get', ['download', ...packages], archives)
    for (const name of readdirSync(archives)) run('dpkg', ['-x', join(archives, name), root])
  }
}

// Adds to package-lock.json the optional packages that npm left out because the registry in use does not carry them:
// builds of a tool for other platforms. Without them `npm ci` refuses the lockfile. Run it after every `npm install`.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const path = join(dirname(dirname(fileURLToPath(import.meta.url))), 'package-lock.json')
if (!existsSync(path)) throw new Error('there is no package-lock.json')
const lock = JSON.parse(readFileSync(path, 'utf8'))
const systems = ['android', 'darwin', 'linux', 'win32']
const processors = ['arm64', 'x64']

let added = 0
for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (`node_modules/${name}` in lock.packages || `${parent}/node_modules/${name}` in lock.packages) continue
    const os = systems.filter((system) => name.includes(system))
    const cpu = processors.filter((processor) => name.includes(processor))
    const isExact = /^\d+\.\d+\.\d+$/.test(version)
    if (os.length !== 1 || cpu.length !== 1 || !isExact)
      throw new Error(`${name}@${version}: which platform is that for?`)
    const libc = name.includes('linux') ? { libc: [name.endsWith('musl') ? 'musl' : 'glibc'] } : {}
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu,
      ...(dev ? { dev } : {}),
      ...libc,
      optional: true,
      os,
    }
    added++
  }
}
const sorted = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(path, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`)
process.stdout.write(`${added} added\n`)

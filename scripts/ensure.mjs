// Brings a clone to where Culvert can run: installs packages when the lockfile is newer than they are,
// and builds when a source is newer than the build; with --tests, the tests too. Plain JavaScript: it runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const sources = [
  ...['src', 'collectors', 'api', 'cli', 'simulate', 'bench', 'evaluate', 'test/conformance'],
  ...['test/collectors/netflow', 'test/kills', 'test/support'],
  ...['tsconfig.json', 'package.json'],
]
const installStamp = join(root, 'node_modules', '.package-lock.json')
const buildStamp = join(root, 'dist', '.built')
const testsStamp = join(root, 'dist', '.built-tests')

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

function newestBelow(path) {
  if (!existsSync(path)) return 0
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  let newest = stat.mtimeMs
  for (const entry of readdirSync(path)) newest = Math.max(newest, newestBelow(join(path, entry)))
  return newest
}

function run(command, args, what) {
  process.stderr.write(`culvert: ${what} ...\n`)
  // Output goes to standard error: standard output belongs to the command that follows.
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (result.status !== 0) {
    process.stderr.write(`culvert: ${what} failed (${command} ${args.join(' ')})\n`)
    process.exit(1)
  }
}

export function ensureInstalled() {
  if (modified(installStamp) >= modified(join(root, 'package-lock.json'))) return
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'installing packages')
}

function build(project) {
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', project], 'building')
  writeFileSync(buildStamp, '')
}

const newestOf = (names) => Math.max(...names.map((name) => newestBelow(join(root, name))))

export function ensureBuilt() {
  if (modified(buildStamp) < newestOf(sources)) build(root)
}

/** The tests run compiled: a compiler loaded beside each of them would take longer than most take. */
export function ensureTestsBuilt() {
  if (modified(testsStamp) >= newestOf([...sources, 'test'])) return
  build(join(root, 'test'))
  writeFileSync(testsStamp, '')
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [major] = process.versions.node.split('.').map(Number)
  if (major < 20) {
    process.stderr.write(`culvert: Node.js 20 or newer is needed; this is ${process.version}\n`)
    process.exit(1)
  }
  ensureInstalled()
  if (process.argv[2] === '--tests') ensureTestsBuilt()
  else ensureBuilt()
}

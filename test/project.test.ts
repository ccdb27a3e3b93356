/** What a newcomer relies on: pages that name what the code has, and nothing of this machine in any file. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { streamFaults } from '#collectors/capture/stream-messages.js'
import { undecodedReasons } from '#collectors/netflow/reasons.js'
import { sflowUndecodedReasons } from '#collectors/sflow/reasons.js'
import { productIds } from '#collectors/syslog/registry.js'
import { Config } from '#core/config.js'
import { detectors } from '#core/detectors/registry.js'
import { errorCodes } from '#core/errors.js'
import { dimensionDefinitions } from '#core/store/query/dimensions.js'
import { measureNames } from '#core/store/query/measures.js'
import { phrases } from '#core/store/query/phrases.js'
import { project } from './support/project.js'

const page = (name: string) => readFileSync(join(project, name), 'utf8')

/** Every file that is or will be committed. */
function files(): string[] {
  const names = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: project,
    encoding: 'utf8',
  })
  return names.split('\n').filter((name) => name !== '' && existsSync(join(project, name)))
}

t.test('docs/errors.md has every code', async (t) => {
  const text = page('docs/errors.md')
  for (const code of Object.keys(errorCodes)) t.ok(text.includes(code), code)
})

t.test('docs/configuration.md has every key', async (t) => {
  const text = page('docs/configuration.md')
  const keysOf = (schema: { properties?: Record<string, object> }): string[] =>
    Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [key, ...keysOf(inner)])
  for (const key of keysOf(Config)) t.ok(text.includes(key), key)
})

t.test('docs/cli.md has every reason', async (t) => {
  const text = page('docs/cli.md')
  const reasons = { ...undecodedReasons, ...sflowUndecodedReasons, ...streamFaults }
  for (const [reason, meaning] of Object.entries(reasons))
    t.match(text, `| \`${reason}\` | ${meaning} |`, reason)
})

t.test('docs/query.md has every test, and all that rows are grouped by and that is summed', async (t) => {
  const text = page('docs/query.md')
  const words = [...phrases.keys(), ...dimensionDefinitions.map(({ short }) => short), ...measureNames]
  for (const word of words) t.ok(text.includes(`\`${word}`), word)
})

t.test('docs/detectors.md has every detector and each of its settings', async (t) => {
  const text = page('docs/detectors.md')
  for (const { id, settings } of detectors) {
    t.ok(text.includes(id), id)
    for (const setting of Object.keys(settings.properties)) t.ok(text.includes(setting), setting)
  }
})

/** Products that share another's page. */
const pagesOf: Readonly<Record<string, string>> = {
  'generic-cef': 'generic-formats',
  'generic-leef': 'generic-formats',
  'mikrotik-routeros': 'mikrotik',
}

t.test('every product of the logs has a page that the README names', async (t) => {
  const readme = page('README.md')
  for (const id of productIds) {
    const path = `docs/devices/${pagesOf[id] ?? id}.md`
    t.ok(readme.includes(path), `README.md: ${path}`)
    const text = page(path)
    for (const heading of [/\*\*What Culvert reads/, /\*\*Switch it on/, /\*\*What (it|logs) cannot show/]) {
      t.match(text, heading, path)
    }
  }
})

t.test('docs/rfc-coverage.md names tests that there are', async (t) => {
  const text = page('docs/rfc-coverage.md')
  const files = new Map(
    [...text.matchAll(/\*\*([A-Z])\*\* `([^`]+)`/g)].map(([, key, name]) => [key!, name!]),
  )
  const wrong: string[] = []
  let named = 0
  for (const [, last] of text.matchAll(/^\|.*\| ([^|]*?) \|$/gm)) {
    for (const [, key = '', title = ''] of last!.matchAll(/(?:^|; )([A-Z]) ((?:(?!; [A-Z] ).)+)/g)) {
      named++
      const file = files.get(key)
      // The case of a corpus stands in parentheses; the version of a protocol is put in when the test runs.
      const wanted = title
        .replace(/ \((v9|ipfix)-[^)]*\)$/, '')
        .replace(/^version (9|10):/, `version $\{version}:`)
      if (file === undefined || !page(`test/${file}`).includes(wanted)) wrong.push(`${key} ${title}`)
    }
  }
  t.ok(named > 90, `${named} tests are named`)
  t.same(wrong, [])
})

t.test('every folder of sources says what it is for', async (t) => {
  for (const folder of [
    'src',
    'collectors',
    'api',
    'cli',
    'simulate',
    'test',
    'bench',
    'evaluate',
    'scripts',
  ]) {
    t.ok(existsSync(join(project, folder, 'README.md')), folder)
  }
})

t.test('the lockfile names no registry and every optional package', async (t) => {
  const { packages } = JSON.parse(page('package-lock.json')) as {
    packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }>
  }
  const names = Object.keys(packages)
  t.equal(names.filter((name) => packages[name]!.resolved !== undefined).length, 0)
  const optional = names.flatMap((name) => Object.keys(packages[name]!.optionalDependencies ?? {}))
  t.same(
    optional.filter((name) => !names.some((known) => known.endsWith(`node_modules/${name}`))),
    [],
    'run scripts/complete-lockfile.mjs',
  )
})

t.test('no file holds a path of the machine it was written on', async (t) => {
  const paths = [`${['', 'work', ''].join('/')}`, `${['', 'root', ''].join('/')}`]
  const binary = /\.(hex|bin|png|dat)$/
  const holding = files().filter(
    (name) => !binary.test(name) && paths.some((path) => page(name).includes(path)),
  )
  t.same(holding, [])
})

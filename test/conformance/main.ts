// `npm run conformance -- flows|syslog [--case NAME]`: prints per case and in all what matches the goldens; with `flows`
// runs the malformed datagrams too. `differential` asks other decoders. Exit 1 when something differs that is not listed.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { corporaFolder } from '../collectors/netflow/probe.js'
import { type CaseResult, compareCorpus, type Tally } from './flows.js'
import { judgeMalformed } from './malformed.js'

const usage = 'usage: npm run conformance -- flows|syslog|differential [--case NAME]\n'
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { case: { type: 'string' } },
})
const [what] = positionals
const corpora = corporaFolder()
if (what !== 'flows' && what !== 'syslog' && what !== 'differential') {
  process.stderr.write(usage)
  process.exit(2)
}
if (corpora === undefined) {
  process.stderr.write(
    'The corpora are not there: put them beside the project as ../shared/corpora, or name their folder in CULVERT_SHARED.\n',
  )
  process.exit(1)
}
if (what === 'flows') process.exitCode = flows(corpora, values.case) ? 0 : 1
else if (what === 'syslog') {
  const { reportSyslog } = await import('./syslog-report.js')
  process.exitCode = reportSyslog(corpora, values.case) ? 0 : 1
} else {
  const { differential } = await import('./differential.js')
  process.exitCode = (await differential(join(corpora, 'flows'))) ? 0 : 1
}

function flows(folder: string, only: string | undefined): boolean {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const results: CaseResult[] = []
  say(row('case', 'format', 'state', 'flows', 'differ', 'missing', 'fields', 'differ', 'missing'))
  for (const result of compareCorpus(join(folder, 'flows'), true)) {
    if (only !== undefined && result.name !== only) continue
    results.push(result)
    const { name, format, state, differences, reason } = result
    say(row(name, format, state, ...columns(result.flows), ...columns(result.fields)))
    for (const difference of differences) say(`    ${difference}`)
    if (reason !== undefined) say(`    listed: ${reason}`)
  }
  const sum = (read: (result: CaseResult) => Tally): Tally =>
    results.map(read).reduce(
      (all, one) => ({
        match: all.match + one.match,
        differ: all.differ + one.differ,
        missing: all.missing + one.missing,
      }),
      { match: 0, differ: 0, missing: 0 },
    )
  const number = (state: CaseResult['state']) => results.filter((result) => result.state === state).length
  say(row('in all', '', '', ...columns(sum(({ flows }) => flows)), ...columns(sum(({ fields }) => fields))))
  say('')
  const good = number('equal') + number('listed')
  say(
    `${good}/${results.length} cases: ${number('equal')} equal, ${number('listed')} differ from a golden that is wrong as listed, ${number('differs')} differ`,
  )
  if (only !== undefined) return good === results.length

  say('')
  const failures: string[] = []
  let judged = 0
  const { heapGrowth } = judgeMalformed(join(folder, 'flows-malformed'), (verdict) => {
    judged++
    if (verdict.failures.length > 0) failures.push(verdict.name)
    say(
      `${verdict.failures.length === 0 ? 'ok  ' : 'BAD '} ${verdict.name.padEnd(40)} ${String(verdict.flows).padStart(6)} flows  ${String(verdict.microseconds).padStart(7)} µs  ${verdict.reasons.join(' ')}`,
    )
    for (const failure of verdict.failures) say(`    ${failure}`)
  })
  const isFlat = heapGrowth < 8 * 1024 * 1024
  say('')
  say(`${judged - failures.length}/${judged} malformed cases as they must be, a canary decodes after each`)
  say(`heap after them: ${Math.round(heapGrowth / 1024)} KiB more than before (at most 8192)`)
  return number('differs') === 0 && failures.length === 0 && isFlat
}

function columns({ match, differ, missing }: Tally): string[] {
  return [match, differ, missing].map(String)
}

function row(name: string, format: string, state: string, ...numbers: string[]): string {
  return `${name.padEnd(42)} ${format.padEnd(12)} ${state.padEnd(10)} ${numbers.map((text) => text.padStart(8)).join('')}`
}

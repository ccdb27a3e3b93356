/** `culvert context import|export`: zones, assets, sanctioned services and monitors as files, for a running appliance or a folder. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ContextData } from '#core/context/data.js'
import { type ImportInput, type ImportOutcome, importContext } from '#core/context/import/import.js'
import { importFormats } from '#core/context/import/prepare.js'
import { type ContextKind, contextKinds } from '#core/context/kinds.js'
import { type ContextRepository, createContextRepository } from '#core/context/repository.js'
import { ApplianceError } from '#core/errors.js'
import { createAudit } from '#core/findings/audit.js'
import { type ApiOptions, addApiOptions, askAppliance } from '../appliance-api.js'
import { STANDARD } from '../archive.js'
import { contextCsv, contextJson, contextYaml, outcomeText } from '../context-text.js'
import { openDocuments } from '../data-folder.js'
import { openOutput } from '../output.js'

type ContextOptions = ApiOptions & { data?: string; kind?: ContextKind }

type ImportOptions = ContextOptions & {
  format?: ImportInput['format']
  dryRun?: boolean
  replace?: boolean
  skipInvalid?: boolean
  zoneBy?: string[]
  vrf?: string
  role?: Record<string, string>
  json?: boolean
}

type ExportOptions = ContextOptions & { format: 'yaml' | 'csv' | 'json'; to: string }

export function registerContext(program: Command): void {
  const context = program
    .command('context')
    .description('what you know of your network: zones, assets, sanctioned services and monitors')
  const kind = (description: string) => new Option('--kind <kind>', description).choices([...contextKinds])
  const importing = context
    .command('import')
    .description('take entries from a file, all of it or nothing')
    .argument('<file>', 'CSV, YAML or JSON in UTF-8; - for standard input')
    .addOption(kind('the kind of the entries (default: told by the columns or the names of lists)'))
    .addOption(
      new Option(
        '--format <format>',
        'what the file is (default: told by the content; a CSV of NetBox must be named)',
      ).choices([...importFormats]),
    )
    .option('--dry-run', 'only tell what would change')
    .option('--replace', 'remove what the file does not have, of the kinds that it is about')
    .option('--skip-invalid', 'take the good rows although others are wrong')
    .option(
      '--zone-by <fields>',
      'NetBox: fields that name the zone of a prefix, the first that is set (default: role,site,scope)',
      fieldsOption,
    )
    .option('--vrf <name>', 'NetBox: only prefixes and addresses of this VRF; Global for those in none')
    .option('--role <name=role>', 'NetBox: what a role is called here; may be repeated', roleOption)
    .option('--json', 'print what changed as JSON')
  addApiOptions(importing, 'analyst').action(runImport)
  const exporting = context
    .command('export')
    .description('write all entries, or those of a kind, as a file that import takes')
    .addOption(kind('only this kind; CSV needs one'))
    .addOption(
      new Option('--format <format>', 'of the file').choices(['yaml', 'csv', 'json']).default('yaml'),
    )
    .option('--to <file>', 'the file; - for standard output', STANDARD)
  addApiOptions(exporting, 'viewer').action(runExport)
}

async function runImport(file: string, options: ImportOptions): Promise<void> {
  const { format, kind, replace, skipInvalid, zoneBy, vrf, role: roles, dryRun = false } = options
  const given = { format, kind, replace, skipInvalid, zoneBy, vrf, roles }
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  const input: ImportInput = { content: await readText(file), ...Object.fromEntries(set) }
  const outcome = await (options.data === undefined
    ? importByApi(input, options, dryRun)
    : withFolder(options.data, (repository) => {
        const by = `command line (${userInfo().username})`
        return importContext(input, { repository, by, isDryRun: dryRun, nowMilliseconds: Date.now() })
      }))
  const output = openOutput()
  if (options.json === true) output.line(outcome)
  else output.text(outcomeText(outcome))
  await output.drained()
  const { problemCount, isWritten } = outcome
  if (problemCount > 0 && skipInvalid !== true) {
    const message = `${file}: ${problemCount} ${problemCount === 1 ? 'row is' : 'rows are'} wrong, so nothing is written`
    throw new ApplianceError('INPUT_UNREADABLE', message)
  }
  if (!isWritten) process.stderr.write('culvert: nothing is written: this was a dry run\n')
}

/** A refusal names few rows; a dry run before it names them all. */
async function importByApi(
  input: ImportInput,
  options: ApiOptions,
  isDryRun: boolean,
): Promise<ImportOutcome> {
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  }
  const tried = await askAppliance(options, 'context/import?dryRun=true', request)
  const outcome = (await tried.json()) as ImportOutcome
  if (isDryRun || (outcome.problemCount > 0 && input.skipInvalid !== true)) return outcome
  return (await (await askAppliance(options, 'context/import', request)).json()) as ImportOutcome
}

async function runExport(options: ExportOptions): Promise<void> {
  const { format, kind, to, data: folder } = options
  if (format === 'csv' && kind === undefined)
    throw new ApplianceError('USAGE', `--format csv needs --kind: one of ${contextKinds.join(', ')}`)
  const data =
    folder === undefined
      ? ((await (await askAppliance(options, 'context')).json()) as ContextData)
      : await withFolder(folder, async (repository) => (await repository.current()).data)
  const kinds = kind === undefined ? contextKinds : [kind]
  const text =
    format === 'csv'
      ? contextCsv(data, kind!)
      : format === 'json'
        ? contextJson(data, kinds)
        : contextYaml(data, kinds)
  if (to === STANDARD) {
    const output = openOutput()
    output.text(text)
    await output.drained()
    return
  }
  // A file that is there is not written over: it may hold what nobody has imported yet.
  await writeFile(to, text, { flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST') throw new ApplianceError('USAGE', `${to} is there already`)
    throw new ApplianceError('INPUT_UNREADABLE', `${to} cannot be written`, { cause })
  })
}

async function withFolder<T>(data: string, run: (repository: ContextRepository) => Promise<T>): Promise<T> {
  if (!existsSync(join(data, 'documents')))
    throw new ApplianceError('INPUT_UNREADABLE', `${data}: no data folder`)
  const documents = await openDocuments(data)
  try {
    const now = () => Date.now()
    return await run(createContextRepository({ documents, audit: createAudit({ documents, now }), now }))
  } finally {
    await documents.close()
  }
}

async function readText(file: string): Promise<string> {
  const octets = await (file === STANDARD ? buffer(process.stdin) : readFile(file)).catch(
    (cause: unknown) => {
      throw new ApplianceError('INPUT_UNREADABLE', `${file} cannot be read`, { cause })
    },
  )
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets)
  } catch {
    throw new ApplianceError('INPUT_UNREADABLE', `${file} is no text in UTF-8: save it as such`)
  }
}

function fieldsOption(text: string): string[] {
  return text
    .split(',')
    .map((field) => field.trim().toLowerCase())
    .filter((field) => field !== '')
}

function roleOption(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const at = text.lastIndexOf('=')
  const [name, role] = [text.slice(0, Math.max(0, at)).trim().toLowerCase(), text.slice(at + 1).trim()]
  if (name === '' || role === '') throw new InvalidArgumentError('a role is written NAME=ROLE.')
  return { ...previous, [name]: role }
}

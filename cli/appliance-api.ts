/** Commands that ask a running appliance: its address, a token from a file, and what it answers when it refuses. */
import { readFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { ApplianceError } from '#core/errors.js'

export type ApiOptions = { readonly url: string; readonly tokenFile: string }

/** Adds `--url` and `--token-file` to a command; `role` is what the token must have. */
export function addApplianceOptions(command: Command, role: string): Command {
  return command
    .option('--url <url>', 'the API of the running appliance', urlOption, 'http://127.0.0.1:8080')
    .option('--token-file <file>', `a file with a token of the role ${role}`, 'data/token')
}

/** The same, and `--data` for commands that can do without a running appliance. */
export function addApiOptions(command: Command, role: string): Command {
  return addApplianceOptions(command, role).option(
    '--data <dir>',
    'a data folder that nothing has open, instead of a running appliance',
  )
}

/** The answer of a path under /api/v1. Throws INPUT_UNREADABLE when none comes or it is no good one. */
export async function askAppliance(
  { url, tokenFile }: ApiOptions,
  path: string,
  request: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Response> {
  const token = await readFile(tokenFile, 'utf8').catch((cause: unknown) => {
    throw new ApplianceError(
      'INPUT_UNREADABLE',
      `the token file ${tokenFile} cannot be read (--token-file)`,
      { cause },
    )
  })
  const headers = { ...request.headers, authorization: `Bearer ${token.trim()}` }
  const asked = fetch(new URL(`/api/v1/${path}`, url), { ...request, headers })
  const answer = await asked.catch((cause: unknown) => {
    const message = `no appliance answers at ${url}: name it by --url, or its folder by --data when it does not run`
    throw new ApplianceError('INPUT_UNREADABLE', message, { cause: (cause as Error).cause ?? cause })
  })
  if (answer.ok) return answer
  const said = (await answer.text()).slice(0, 500)
  throw new ApplianceError('INPUT_UNREADABLE', `${url} answers ${answer.status}: ${messageOf(said)}`)
}

function messageOf(body: string): string {
  try {
    return String((JSON.parse(body) as { message?: unknown }).message)
  } catch {
    return JSON.stringify(body)
  }
}

function urlOption(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('a URL is written like http://127.0.0.1:8080.')
  return text
}

/** The API of a Culvert that a bench has started, by the token of its data folder. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export type ApiAnswer = { readonly status: number; readonly milliseconds: number; readonly body: string }

export type Api = {
  /** `/findings`, below /api/v1. Throws when nobody answers or the answer is an error. */
  get(path: string): Promise<ApiAnswer>
  /** Values of the Prometheus page by name with labels. */
  metrics(): Promise<ReadonlyMap<string, number>>
}

const START_MILLISECONDS = 30_000

/** Waits until it answers. */
export async function openApi(data: string, port: number): Promise<Api> {
  const deadline = Date.now() + START_MILLISECONDS
  const isUp = () =>
    fetch(`http://127.0.0.1:${port}/api/v1/health`).then(
      () => true,
      () => false,
    )
  while (!(await isUp())) {
    if (Date.now() > deadline) throw new Error(`the API of ${data} does not answer`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const token = (await readFile(join(data, 'token'), 'utf8')).trim()
  const headers = { authorization: `Bearer ${token}` }
  const read = async (path: string): Promise<ApiAnswer> => {
    const began = performance.now()
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
    const body = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${body.slice(0, 200)}`)
    return { status: response.status, milliseconds: performance.now() - began, body }
  }
  return {
    get: (path) => read(`/api/v1${path}`),
    async metrics() {
      const { body } = await read('/metrics')
      const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
      return new Map(
        lines.map((line) => {
          const space = line.lastIndexOf(' ')
          return [line.slice(0, space), Number(line.slice(space + 1))]
        }),
      )
    },
  }
}

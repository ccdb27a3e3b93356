/** The API of a Culvert that a bench has started, by the token of its data folder. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export type ApiAnswer = { readonly status: number; readonly milliseconds: number; readonly body: string }

export type Api = {
  /** `/findings`, below /api/v1. Throws when nobody answers or the answer is an error. */
  get(path: string): Promise<ApiAnswer>
  /** Values of the Prometheus page by name with labels. */
  metrics(): Promise<ReadonlyMap<string, number>>
  /** Rows written since the start, once they are as many as expected or twenty seconds have gone by. */
  storedRows(expected: number): Promise<number>
}

const START_MILLISECONDS = 30_000
/** What is still on its way when the last datagram was sent; counts are a second old. */
const DRAIN_MILLISECONDS = 20_000

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
  const metrics = async () => {
    const { body } = await read('/metrics')
    const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return new Map(
      lines.map((line) => {
        const space = line.lastIndexOf(' ')
        return [line.slice(0, space), Number(line.slice(space + 1))]
      }),
    )
  }
  return {
    get: (path) => read(`/api/v1${path}`),
    metrics,
    async storedRows(expected) {
      const deadline = Date.now() + DRAIN_MILLISECONDS
      for (;;) {
        const rows = (await metrics()).get('culvert_stored_rows_total') ?? 0
        if (rows >= expected || Date.now() > deadline) return rows
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
    },
  }
}

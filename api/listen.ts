/** Opens the API's port over what the server is given. */

import type { Config } from '#core/config.js'
import { ApplianceError } from '#core/errors.js'
import { buildServer } from './server.js'

/** Answers in hand are given so long when the appliance ends. */
const CLOSE_MILLISECONDS = 3000

/** Throws PORT_UNAVAILABLE; the port is that of the configuration, or the one that the system chose for 0. */
export async function serve(
  { host, port }: Config['api'],
  needs: Parameters<typeof buildServer>[0],
): Promise<{ port: number; close(): Promise<void> }> {
  const app = await buildServer(needs)
  await app.listen({ host, port }).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'EADDRINUSE' ? 'another program listens there' : (cause.code ?? cause.message)
    throw new ApplianceError('PORT_UNAVAILABLE', `the API's ${host} port ${port} cannot be opened: ${why}`, {
      cause,
    })
  })
  return {
    port: (app.server.address() as { port: number }).port,
    async close() {
      // A client that does not read its answer must not hold up the end.
      const impatience = setTimeout(() => app.server.closeAllConnections(), CLOSE_MILLISECONDS)
      await app.close()
      clearTimeout(impatience)
    },
  }
}

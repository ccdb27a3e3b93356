/** Why a socket could not be opened, in words that say what to do. */
import { ApplianceError } from '#core/errors.js'

/** `transport` is "UDP" or "TCP". */
export function portUnavailable(
  transport: string,
  host: string,
  port: number,
  cause: unknown,
): ApplianceError {
  const { code } = cause as NodeJS.ErrnoException
  const why =
    code === 'EADDRINUSE'
      ? 'another program listens there'
      : code === 'EACCES'
        ? 'ports below 1024 need root or CAP_NET_BIND_SERVICE'
        : code === 'ENOTFOUND'
          ? 'no host has this name'
          : (code ?? String(cause))
  return new ApplianceError(
    'PORT_UNAVAILABLE',
    `${transport} ${host} port ${port} cannot be opened: ${why}`,
    { cause },
  )
}

/** The address to bind to: any address of both families where the system has both. */
import { portUnavailable } from '../port-error.js'

/** Opens on `host`, or on 0.0.0.0 where `::` is asked for and there is no IPv6. Throws PORT_UNAVAILABLE. */
export async function openOnHost<Opened>(
  host: string,
  port: number,
  open: (host: string) => Promise<Opened>,
): Promise<Opened> {
  try {
    return await open(host)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (host !== '::' || !['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(code))
      throw portUnavailable('UDP', host, port, error)
  }
  return open('0.0.0.0').catch((cause: unknown) => {
    throw portUnavailable('UDP', '0.0.0.0', port, cause)
  })
}

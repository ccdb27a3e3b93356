// What tests of streams need of the other side: sockets, certificates that openssl makes, and openssl as a device.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TlsSettings } from '#collectors/stream/tls-files.js'

/** Why tests with certificates are left out here; false when they are not. */
export const noOpenssl =
  spawnSync('openssl', ['version']).status === 0 ? false : 'there is no openssl command'

export type Authority = {
  /** Makes NAME.pem and NAME.key; `subjectAltName` as openssl has it, `DNS:a, IP:192.0.2.1`. */
  sign(name: string, subjectAltName?: string): void
  /** The files of a name as the configuration lists them. */
  settingsOf(name: string): TlsSettings
}

/** Makes an authority in a folder: NAME.pem is its certificate. */
export function makeAuthority(folder: string, name = 'authority'): Authority {
  const openssl = (...args: string[]) => {
    const done = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${done.stderr}`)
  }
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`],
    ...['-keyout', `${name}.key`, '-out', `${name}.pem`],
  )
  return {
    sign(device, subjectAltName) {
      openssl(
        ...['req', ...newKey, '-subj', `/CN=${device}`],
        ...['-keyout', `${device}.key`, '-out', `${device}.csr`],
      )
      const extensions = subjectAltName === undefined ? '' : `subjectAltName=${subjectAltName}\n`
      writeFileSync(join(folder, `${device}.ext`), extensions)
      openssl(
        ...['x509', '-req', '-in', `${device}.csr`, '-CA', `${name}.pem`, '-CAkey', `${name}.key`],
        ...['-CAcreateserial', '-days', '2', '-extfile', `${device}.ext`, '-out', `${device}.pem`],
      )
    },
    settingsOf: (device) => ({
      certificate: join(folder, `${device}.pem`),
      key: join(folder, `${device}.key`),
    }),
  }
}

/** Sends octets as a device would with `openssl s_client`, which stays connected until it is killed. */
export function sendWithOpenssl(
  folder: string,
  port: number,
  args: readonly string[],
  octets: Uint8Array | string,
): ChildProcess {
  const child = spawn(
    'openssl',
    [
      ...['s_client', '-connect', `127.0.0.1:${port}`, '-quiet', '-no_ign_eof'],
      ...['-CAfile', 'authority.pem', ...args],
    ],
    { cwd: folder, stdio: ['pipe', 'ignore', 'pipe'] },
  )
  child.stdin.on('error', () => {})
  child.stderr.resume()
  child.stdin.write(octets)
  return child
}

/** A connected socket that bears being cut off. */
export async function open(port: number, localAddress?: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', ...(localAddress === undefined ? {} : { localAddress }) })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Resolves when a socket is closed, in whatever way. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

export async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = Date.now() + 10_000
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`not within 10 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/**
 * The collector's identity towards devices: PEM files that are read, held against each other before they are used, and
 * read again when they change, so that a renewed certificate needs no restart.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Config } from '#core/config.js'
import { ApplianceError } from '#core/errors.js'
import { type PeerPolicy, readPeers } from './peers.js'

export type TlsSettings = NonNullable<Config['listen']['tls']>

/** PEM texts that fit together, and who may speak. */
export type TlsMaterial = {
  readonly certificate: string
  readonly key: string
  /** Authorities that sign devices' certificates. */
  readonly clientCa?: string
  /** Absent: whoever the authority has signed, or anybody where there is none. */
  readonly peers?: PeerPolicy
  /** When the collector's certificate ends, epoch ms. */
  readonly validToMilliseconds: number
}

type FileKey = 'certificate' | 'key' | 'clientCa'

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
/** PKCS #8, and what was there before it (RFC 1421). */
const ENCRYPTED_KEY = /^(?:-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED)/m
/** How often the files are looked at. A poll follows renamed files and exchanged links, where watches do not. */
const WATCH_MILLISECONDS = 5000

/** Reads and checks the files. Throws CONFIG_INVALID naming the key and the file. */
export async function readTls(settings: TlsSettings): Promise<TlsMaterial> {
  const peers = settings.peers === undefined ? undefined : policyOf(settings.peers, settings.clientCa)
  const certificate = await readPem(settings, 'certificate')
  const key = await readPem(settings, 'key')
  const clientCa = settings.clientCa === undefined ? undefined : await readPem(settings, 'clientCa')
  const [leaf] = certificatesIn(settings, 'certificate', certificate)
  if (!leaf!.checkPrivateKey(keyIn(settings, key)))
    throw invalid(settings, 'key', `is not the key of the certificate in ${settings.certificate}`)
  if (clientCa !== undefined) certificatesIn(settings, 'clientCa', clientCa)
  try {
    createSecureContext({ cert: certificate, key, ca: clientCa })
  } catch (cause) {
    throw invalid(settings, 'certificate', `cannot be used: ${(cause as Error).message}`, cause)
  }
  return {
    certificate,
    key,
    validToMilliseconds: Date.parse(leaf!.validTo),
    ...(clientCa === undefined ? {} : { clientCa }),
    ...(peers === undefined ? {} : { peers }),
  }
}

export type TlsWatchOptions = {
  readonly settings: TlsSettings
  readonly onRenewed: (material: TlsMaterial) => void
  /** Told once of each fault; what was read before stays in use. */
  readonly onProblem: (error: Error) => void
  readonly everyMilliseconds?: number
}

/** Looks at the files until it is ended. Files that do not fit together, as between two writes, are looked at again. */
export function watchTls(options: TlsWatchOptions): { close(): void } {
  const { settings, onRenewed, onProblem, everyMilliseconds = WATCH_MILLISECONDS } = options
  let used: string | undefined
  let told = ''
  let isLooking = false
  const look = async () => {
    const seen = await stateOf(settings)
    used ??= seen
    if (seen === used) {
      told = ''
      return
    }
    try {
      const material = await readTls(settings)
      // Written while they were read: what is there now is for the next look.
      if ((await stateOf(settings)) !== seen) return
      used = seen
      told = ''
      onRenewed(material)
    } catch (error) {
      const { message } = error as Error
      if (message !== told) onProblem(error as Error)
      told = message
    }
  }
  const turn = () => {
    if (isLooking) return
    isLooking = true
    void look().finally(() => {
      isLooking = false
    })
  }
  turn()
  const timer = setInterval(turn, everyMilliseconds)
  timer.unref()
  return { close: () => clearInterval(timer) }
}

/** Changes when a file is written or another one takes its place. */
async function stateOf(settings: TlsSettings): Promise<string> {
  const paths = [settings.certificate, settings.key, settings.clientCa].filter((path) => path !== undefined)
  const states = await Promise.all(
    paths.map(async (path) => {
      const found = await stat(path, { bigint: true }).catch(() => undefined)
      return found === undefined ? 'missing' : [found.dev, found.ino, found.size, found.mtimeNs].join()
    }),
  )
  return states.join(' ')
}

function policyOf(entries: readonly string[], clientCa: string | undefined): PeerPolicy {
  const policy = readPeers(entries)
  if ('unreadable' in policy)
    throw new ApplianceError(
      'CONFIG_INVALID',
      `listen.tls.peers: ${JSON.stringify(policy.unreadable)} is no DNS name, no address and no fingerprint (sha-256: and 32 octets in hexadecimal)`,
    )
  const [name] = [...policy.names, ...policy.addresses]
  if (name !== undefined && clientCa === undefined)
    throw new ApplianceError(
      'CONFIG_INVALID',
      `listen.tls.peers: ${name} is a name, which anybody can write into a certificate: set listen.tls.clientCa, or list fingerprints`,
    )
  return policy
}

async function readPem(settings: TlsSettings, key: FileKey): Promise<string> {
  try {
    return await readFile(settings[key]!, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'permission denied' : code
    throw invalid(settings, key, `cannot be read: ${why}`, cause)
  }
}

function certificatesIn(settings: TlsSettings, key: FileKey, pem: string): X509Certificate[] {
  const blocks = pem.match(PEM_CERTIFICATE) ?? []
  if (blocks.length === 0) throw invalid(settings, key, 'holds no certificate in PEM')
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch (cause) {
      throw invalid(settings, key, `certificate ${index + 1} of ${blocks.length} cannot be read`, cause)
    }
  })
}

function keyIn(settings: TlsSettings, pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    const why = ENCRYPTED_KEY.test(pem)
      ? 'is encrypted: store it without a passphrase, readable by the user of Culvert alone'
      : 'holds no private key in PEM'
    throw invalid(settings, 'key', why, cause)
  }
}

function invalid(settings: TlsSettings, key: FileKey, why: string, cause?: unknown): ApplianceError {
  return new ApplianceError('CONFIG_INVALID', `listen.tls.${key}: ${settings[key]} ${why}`, { cause })
}

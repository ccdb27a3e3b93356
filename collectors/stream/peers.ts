/**
 * Which devices may speak over TLS: by a name in a certificate that the configured authority has signed, or by the
 * certificate itself, named by its fingerprint (RFC 5425 §4.2.2, §5.2; RFC 7011 §11.3). Pure.
 */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'

/** Why a peer that has ended its handshake is turned away. */
export type PeerRefusal = 'peerWithoutCertificate' | 'peerNotTrusted' | 'peerNotAllowed'

/** What a certificate is held against. */
export type PeerPolicy = {
  /** SHA-256 of certificates, 64 hexadecimal digits in capitals. */
  readonly fingerprints: ReadonlySet<string>
  /** DNS names; `*.` in front stands for one label. */
  readonly names: readonly string[]
  readonly addresses: readonly string[]
}

const FINGERPRINT = /^sha-?256:((?:[0-9a-f]{2}:){31}[0-9a-f]{2}|[0-9a-f]{64})$/i
const DNS_NAME =
  /^(?=.{1,253}$)(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i
/** Names in a certificate are the peer's to choose, and may be long. */
const MAX_NAME_CHARACTERS = 200

/** Reads what the configuration lists; the entry that cannot be read comes back as it was written. */
export function readPeers(entries: readonly string[]): PeerPolicy | { readonly unreadable: string } {
  const fingerprints = new Set<string>()
  const names: string[] = []
  const addresses: string[] = []
  for (const entry of entries) {
    const digits = FINGERPRINT.exec(entry)?.[1]
    if (digits !== undefined) fingerprints.add(plainFingerprint(digits))
    else if (isIP(entry) !== 0) addresses.push(entry)
    else if (DNS_NAME.test(entry)) names.push(entry)
    else return { unreadable: entry }
  }
  return { fingerprints, names, addresses }
}

/**
 * Undefined when the peer may speak. A listed fingerprint is enough, as the handshake has shown that the peer holds the
 * key. Otherwise the authority must have signed (`isTrusted`), and, where a policy names anybody, a name must fit.
 */
export function judgePeer(
  certificate: X509Certificate | undefined,
  isTrusted: boolean,
  policy: PeerPolicy | undefined,
): PeerRefusal | undefined {
  if (certificate === undefined) return 'peerWithoutCertificate'
  if (policy?.fingerprints.has(plainFingerprint(certificate.fingerprint256))) return undefined
  if (!isTrusted) return 'peerNotTrusted'
  if (policy === undefined) return undefined
  const isNamed =
    policy.addresses.some((address) => certificate.checkIP(address) !== undefined) ||
    policy.names.some((name) => hasName(certificate, name))
  return isNamed ? undefined : 'peerNotAllowed'
}

/** A peer in a line of the log: names as the certificate has them, made harmless, and the fingerprint to list it by. */
export function describePeer(certificate: X509Certificate | undefined): string {
  if (certificate === undefined) return 'no certificate'
  const names = [certificate.subject, certificate.subjectAltName]
    .filter((text) => text !== undefined && text !== '')
    .join(', ')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .slice(0, MAX_NAME_CHARACTERS)
  return `${names || 'no name'}; sha-256:${certificate.fingerprint256}`
}

/** The common name counts only where the certificate has no DNS name (RFC 5425 §5.2, RFC 6125 §6.4.4). */
function hasName(certificate: X509Certificate, name: string): boolean {
  const options = { subject: 'default', wildcards: true, partialWildcards: false } as const
  // A dot in front stands for any label there.
  return name.startsWith('*.')
    ? certificate.checkHost(name.slice(1), { ...options, singleLabelSubdomains: true }) !== undefined
    : certificate.checkHost(name, options) !== undefined
}

function plainFingerprint(digits: string): string {
  return digits.replaceAll(':', '').toUpperCase()
}

// Datagrams put together by hand, right or wrong, for tests of the decoder.
import { concatenate, putUint16, putUint32 } from '#simulate/encode/bytes.js'
import { buildMessage, ipfixTemplateRecord, type RawSet } from '#simulate/encode/ipfix.js'
import { buildNetflowV9Packet, netflowV9TemplateRecord } from '#simulate/encode/netflow-v9.js'
import type { Template } from '#simulate/encode/packer.js'

/** 2026-06-01T12:00:00Z. */
export const UNIX_SECONDS = 1_780_315_200
export const NOW = UNIX_SECONDS * 1000
export const UPTIME = 3_600_000

export type Header = { sequence?: number; domain?: number; upTime?: number; seconds?: number }

export function v9(
  sets: readonly RawSet[],
  { sequence = 0, domain = 1, upTime = UPTIME, seconds = UNIX_SECONDS }: Header = {},
): Uint8Array {
  return buildNetflowV9Packet(
    {
      count: sets.length,
      sysUpTimeMilliseconds: upTime,
      unixSeconds: seconds,
      sequenceNumber: sequence,
      sourceId: domain,
    },
    sets,
  )
}

export function ipfix(
  sets: readonly RawSet[],
  { sequence = 0, domain = 1, seconds = UNIX_SECONDS }: Header = {},
): Uint8Array {
  return buildMessage(
    { exportTimeSeconds: seconds, sequenceNumber: sequence, observationDomainId: domain },
    sets,
  )
}

/** A NetFlow v5 datagram of empty records. */
export function v5(records: number, { sequence = 0, upTime = UPTIME, seconds = UNIX_SECONDS }: Header = {}) {
  const datagram = new Uint8Array(24 + 48 * records)
  putUint16(datagram, 0, 5)
  putUint16(datagram, 2, records)
  putUint32(datagram, 4, upTime)
  putUint32(datagram, 8, seconds)
  putUint32(datagram, 16, sequence)
  return datagram
}

export type Pair = readonly [elementId: number, length: number, enterprise?: number]

function template(templateId: number, pairs: readonly Pair[], scopeFieldCount?: number): Template {
  const fields = pairs.map(([elementId, length, enterprise]) =>
    enterprise === undefined ? { elementId, length } : { elementId, length, enterprise },
  )
  return scopeFieldCount === undefined ? { templateId, fields } : { templateId, fields, scopeFieldCount }
}

export const v9Template = (id: number, pairs: readonly Pair[]): RawSet => ({
  setId: 0,
  body: netflowV9TemplateRecord(template(id, pairs)),
})
export const v9Options = (id: number, pairs: readonly Pair[], scopes = 1): RawSet => ({
  setId: 1,
  body: netflowV9TemplateRecord(template(id, pairs, scopes)),
})
export const ipfixTemplate = (id: number, pairs: readonly Pair[]): RawSet => ({
  setId: 2,
  body: ipfixTemplateRecord(template(id, pairs)),
})
export const ipfixOptions = (id: number, pairs: readonly Pair[], scopes = 1): RawSet => ({
  setId: 3,
  body: ipfixTemplateRecord(template(id, pairs, scopes)),
})

export const data = (setId: number, ...octets: (readonly number[] | Uint8Array)[]): RawSet => ({
  setId,
  body: concatenate(octets.map((part) => Uint8Array.from(part))),
})

/** sourceIPv4Address, destinationIPv4Address, protocolIdentifier: records of nine octets. */
export const simple: readonly Pair[] = [
  [8, 4],
  [12, 4],
  [4, 1],
]
export const record = (last: number, protocol = 17): number[] => [10, 0, 0, last, 10, 0, 1, last, protocol]

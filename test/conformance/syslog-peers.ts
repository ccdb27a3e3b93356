// Other parsers of syslog headers, made to answer in our names, so that they can stand in the same table.
import { createRequire } from 'node:module'
import syslogParse from 'syslog-parse'
import type { SyslogRecord } from '#collectors/syslog/render.js'
import type { HeaderParser } from './syslog.js'

/** What of its answer is looked at; the package has no types. */
type NsyslogAnswer = Record<'prival' | 'facilityval' | 'levelval', number> &
  Record<'ts' | 'host' | 'appName' | 'pid' | 'messageid', unknown>
const nsyslog = createRequire(import.meta.url)('nsyslog-parser') as (line: string) => NsyslogAnswer

/** nsyslog-parser: both RFCs and some vendors' headers. */
export const nsyslogParser: HeaderParser = (line) => {
  const parsed = quietly(() => nsyslog(line))
  if (parsed === undefined) return {}
  const text = (value: unknown) => (value === undefined || value === '-' || value === '' ? undefined : value)
  return defined({
    facility: parsed.prival >= 0 ? parsed.facilityval : undefined,
    severity: parsed.prival >= 0 ? parsed.levelval : undefined,
    timeMilliseconds: parsed.ts instanceof Date ? parsed.ts.getTime() : undefined,
    timeZoneFrom: 'default',
    host: text(parsed.host),
    application: text(parsed.appName),
    processId: text(parsed.pid),
    messageId: text(parsed.messageid),
  })
}

/** syslog-parse: RFC 3164 alone. */
export const syslogParseParser: HeaderParser = (line) => {
  const parsed = quietly(() => syslogParse(line))
  if (parsed === undefined) return {}
  return defined({
    facility: parsed.facilityCode,
    severity: parsed.severityCode,
    timeMilliseconds: parsed.time instanceof Date ? parsed.time.getTime() : undefined,
    timeZoneFrom: 'default',
    host: parsed.host,
    application: parsed.process,
    processId: parsed.pid,
  })
}

/** Both throw at lines that they do not expect: for the table that is a line not understood. */
function quietly<T>(parse: () => T): T | undefined {
  try {
    return parse() ?? undefined
  } catch {
    return undefined
  }
}

function defined(record: Record<string, unknown>): SyslogRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined && !Number.isNaN(value)),
  ) as SyslogRecord
}

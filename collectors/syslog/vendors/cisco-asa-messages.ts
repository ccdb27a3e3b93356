/**
 * Sentences of Cisco ASA and of the LINA part of FTD, by message number. Source: "Cisco Secure Firewall ASA Series
 * Syslog Messages" and "Cisco Secure Firewall Threat Defense Syslog Messages", one chapter per hundred thousand.
 */
import { compile, type Template } from '../templates.js'
import { inspectionRows } from './cisco-asa-inspections.js'
import { sessionRows } from './cisco-asa-sessions.js'

export type Message = { readonly meaning: number; readonly templates: readonly Template[] }

/** Message number → its sentences; a number that is not here is a system message. */
const messages: ReadonlyMap<number, Message> = new Map(
  [...sessionRows, ...inspectionRows].flatMap(([ids, meaning, ...sentences]) => {
    const message = { meaning, templates: sentences.map(compile) }
    return ids.split(' ').map((id) => [Number(id), message] as const)
  }),
)

/** IPS signatures (400000 to 400051) share one sentence, and so do the inspections of HTTP (415001 to 415020). */
export function messageOf(id: number): Message | undefined {
  if (id >= 400_000 && id <= 400_051) return messages.get(400_000)
  return messages.get(id >= 415_001 && id <= 415_020 ? 415_000 : id)
}

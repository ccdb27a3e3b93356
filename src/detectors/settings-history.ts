/** Settings in force, so that a start with other ones is in the audit: what was found depends on them. */
import type { Audit } from '../findings/audit.js'
import { canonicalJson } from '../findings/canonical.js'
import type { Documents } from '../store/documents.js'

const IN_FORCE = 'settings/detectors'

type Settings = Readonly<Record<string, unknown>>
type InForce = Readonly<Record<string, Settings>>

/** To be called at the start, with the detectors that run. The first start is no change. */
export async function noteSettings(
  { documents, audit }: { readonly documents: Documents; readonly audit: Audit },
  detectors: readonly { readonly detector: { readonly id: string }; readonly settings: Settings }[],
): Promise<void> {
  const now: InForce = Object.fromEntries(detectors.map(({ detector, settings }) => [detector.id, settings]))
  const before = await documents.get<InForce>(IN_FORCE)
  if (before !== undefined) {
    for (const id of [...new Set([...Object.keys(before), ...Object.keys(now)])].sort()) {
      if (canonicalJson(before[id] ?? null) === canonicalJson(now[id] ?? null)) continue
      // One that is off has none.
      await audit.record({
        actor: 'system',
        action: 'settings.change',
        subject: id,
        before: before[id] ?? 'off',
        after: now[id] ?? 'off',
      })
    }
  }
  await documents.put(IN_FORCE, now)
}

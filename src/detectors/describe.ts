/** Detectors as the API tells of them. */
import { detectors } from './registry.js'
import type { ConfiguredDetector } from './settings.js'

/** What the API tells of each detector, switched on or not. */
export function describeDetectors(scheduled: readonly ConfiguredDetector[]) {
  return detectors.map((detector) => {
    const found = scheduled.find((entry) => entry.detector === detector)
    return {
      id: detector.id,
      title: detector.title,
      description: detector.description,
      enabled: found !== undefined,
      attack: { ...detector.attack },
      needs: detector.needs.map(({ column }) => column),
      settings: { ...(found?.settings ?? {}) },
    }
  })
}

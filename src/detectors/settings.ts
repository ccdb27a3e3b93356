/** Which detectors run and with what settings: the schemas' defaults, with what the configuration says instead. */
import { Value } from 'typebox/value'
import type { Config } from '../config.js'
import { ApplianceError } from '../errors.js'
import { faultsOf } from '../validation.js'
import type { Detector } from './detector.js'
import { detectorNamed, detectors } from './registry.js'

export type ConfiguredDetector = {
  readonly detector: Detector
  readonly settings: Readonly<Record<string, unknown>>
}

/** Throws CONFIG_INVALID, naming the setting, when a value does not fit the detector's schema. */
export function settingsOf(
  detector: Detector,
  configured: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const settings = Value.Default(detector.settings, { ...configured }) as Record<string, unknown>
  const [fault] = faultsOf(detector.settings, settings)
  if (fault === undefined) return settings
  const where = [`detection.detectors.${detector.id}.settings`, ...fault.path].join('.')
  throw new ApplianceError('CONFIG_INVALID', `${where} ${fault.message}`)
}

/** The detectors that are not switched off. Throws CONFIG_INVALID on one that does not exist. */
export function configuredDetectors({ detection }: Config): ConfiguredDetector[] {
  for (const id of Object.keys(detection.detectors)) {
    if (detectorNamed(id) !== undefined) continue
    const known = detectors.map((detector) => detector.id).join(', ')
    throw new ApplianceError(
      'CONFIG_INVALID',
      `detection.detectors.${id}: there is no such detector (there are ${known})`,
    )
  }
  return detectors
    .filter(({ id }) => detection.detectors[id]?.enabled !== false)
    .map((detector) => ({
      detector,
      settings: settingsOf(detector, detection.detectors[detector.id]?.settings ?? {}),
    }))
}

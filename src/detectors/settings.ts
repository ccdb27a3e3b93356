/** A detector's settings: the schema's defaults, with what the configuration says instead. */
import { Value } from 'typebox/value'
import { ApplianceError } from '../errors.js'
import type { Detector } from './detector.js'

/** Throws CONFIG_INVALID, naming the setting, when a value does not fit the detector's schema. */
export function settingsOf(
  detector: Detector,
  configured: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const settings = Value.Default(detector.settings, { ...configured }) as Record<string, unknown>
  const [error] = Value.Errors(detector.settings, settings)
  if (error === undefined) return settings
  const where = error.instancePath === '' ? '' : ` at ${error.instancePath}`
  throw new ApplianceError('CONFIG_INVALID', `settings of detector ${detector.id}${where}: ${error.message}`)
}

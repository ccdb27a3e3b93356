/** What the schema of the configuration cannot say: values that must be readable, and what follows from them. */
import type { Config } from './config.js'
import type { Learning } from './detectors/detector.js'
import { ApplianceError } from './errors.js'
import { parsePrefix } from './records/address.js'

const DAY_MILLISECONDS = 86_400_000

export function learningOf({
  detection,
}: Config): Pick<Learning, 'periodMilliseconds' | 'halfLifeMilliseconds'> {
  const { days, halfLifeDays } = detection.learning
  return {
    periodMilliseconds: days * DAY_MILLISECONDS,
    halfLifeMilliseconds: halfLifeDays * DAY_MILLISECONDS,
  }
}

/** Throws CONFIG_INVALID. */
export function checkExporters({ exporters }: Config): void {
  for (const { address, zone } of exporters) {
    if (parsePrefix(address) === undefined)
      throw new ApplianceError('CONFIG_INVALID', `exporters: ${address} is no address and no prefix`)
    if (zone === undefined) continue
    try {
      new Intl.DateTimeFormat('en', { timeZone: zone })
    } catch (cause) {
      throw new ApplianceError('CONFIG_INVALID', `exporters: ${zone} is no IANA time zone`, { cause })
    }
  }
}

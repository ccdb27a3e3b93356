/** The detectors, in the order in which they are listed and run. */
import type { Detector } from './detector.js'
import { icmpTunnel } from './icmp-tunnel/index.js'
import { portProtocol } from './port-protocol/index.js'

export const detectors: readonly Detector[] = [icmpTunnel, portProtocol]

export function detectorNamed(id: string): Detector | undefined {
  return detectors.find((detector) => detector.id === id)
}

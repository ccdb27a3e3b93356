/** What health looks at, of an appliance that nothing is wrong with, but for `changes`. */
import { createHealth, type HealthOptions } from '#core/health.js'

export const healthOf = (changes: Partial<HealthOptions>) =>
  createHealth({
    smallDisk: undefined,
    sockets: [],
    receivers: 1,
    receiversQuiet: () => 0,
    counts: () => undefined,
    retention: () => undefined,
    retentionFailure: () => undefined,
    age: () => undefined,
    losses: () => ({ lostRows: 0, damagedBlocks: 0, open: { holes: [], blocks: [] } }) as never,
    acknowledgedMilliseconds: () => undefined,
    rolled: () => undefined,
    scrub: () => undefined,
    setAside: [],
    silent: () => [],
    intervalSeconds: 60,
    detectors: [],
    now: Date.now,
    ...changes,
  })

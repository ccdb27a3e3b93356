/**
 * The appliance's own faults: configuration, disk, ports. A fault of the input (a bad datagram, a bad log line)
 * is data and never an error: see counters.ts.
 */

/** Stable codes; each has an entry in docs/errors.md. */
export const errorCodes = {
  CONFIG_INVALID: 'the configuration file or an option cannot be used as written',
  USAGE: 'the command line cannot be understood',
  INPUT_UNREADABLE: 'an input file cannot be read or is of no known format',
  PORT_UNAVAILABLE: 'a socket cannot be opened',
  STORE_LOCKED: 'another process has the data folder open',
  STORE_DAMAGED: 'the data folder cannot be opened, or a part of it cannot be read',
  STORE_FULL: 'the disk has no space left for the data folder',
  BACKUP_DAMAGED: 'the archive of a backup is not whole, or is none',
  BLOCK_DAMAGED: 'a stored block does not match its checksum or its format',
  PLATFORM_UNSUPPORTED: 'this machine, or how Node.js was started, lacks what blocks need',
  NOT_FOUND: 'no such object',
  CONFLICT: 'the object has changed since it was read',
  BUSY: 'too much of the kind is being done already; try again later',
  INVALID: 'the request cannot be used as sent',
} as const

export type ErrorCode = keyof typeof errorCodes

/** An error with a stable code, to be thrown for the appliance's own faults. */
export class ApplianceError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'ApplianceError'
    this.code = code
  }
}

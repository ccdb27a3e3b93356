/** What an aggregation may be asked for; apart from how it is answered, which the command line loads when it is. */

/** `auto`: rows where they are still kept, sums for the time before. */
export const resolutionNames = ['raw', '5m', '1h', 'auto'] as const
export type Resolution = (typeof resolutionNames)[number]

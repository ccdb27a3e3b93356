// Goldens of the syslog corpus that are not followed: the place, the fields, and why.

/** Fields of some lines of a product (or of a kind of header, by the line in the file of headers). */
export type DeliberateField = {
  readonly product: string
  /** Numbers from 1; absent for every line of the product. */
  readonly lines?: readonly number[]
  readonly keys: readonly string[]
  readonly reason: string
}

export const deliberateFields: readonly DeliberateField[] = []

/** The reason why a difference is meant, or undefined. */
export function reasonOf(product: string, line: number, key: string): string | undefined {
  return deliberateFields.find(
    (entry) =>
      entry.product === product &&
      (entry.lines === undefined || entry.lines.includes(line)) &&
      entry.keys.includes(key),
  )?.reason
}

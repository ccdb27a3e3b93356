/** A file system that the space to be left free takes most of: rows would go as soon as they came. */
import { statfs } from 'node:fs/promises'

/** The file system should hold so many times what is to be left free on it. */
const LEAST_TIMES = 2

/** What is to be told of it; undefined where it is large enough. */
export async function smallDiskText(folder: string, minimumFreeOctets: number): Promise<string | undefined> {
  const { blocks, bsize } = await statfs(folder)
  const octets = blocks * bsize
  if (octets >= LEAST_TIMES * minimumFreeOctets) return undefined
  return `the file system of the data folder has ${mebibytes(octets)}, and retention.minimumFreeOctets keeps ${mebibytes(minimumFreeOctets)} of it free: rows are deleted for it before their time, or all at once; lower it, or take a larger file system`
}

function mebibytes(octets: number): string {
  return `${(octets / 2 ** 20).toFixed(0)} MiB`
}

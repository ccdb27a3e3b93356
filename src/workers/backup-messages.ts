/** What the thread that reads a backup and the one that started it say to each other. */

export type BackupSetup = {
  readonly data: string
  /** Shared memory of the ingest sequence. */
  readonly sequence: SharedArrayBuffer
  /** The same of the rollups. */
  readonly rollupSequence: SharedArrayBuffer
  readonly octetsPerSecond: number
}

/** `more`: the next piece may come. */
export type ToBackup = { readonly type: 'more' } | { readonly type: 'stop' }

export type FromBackup =
  | { readonly type: 'piece'; readonly octets: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'fault'; readonly code: string | undefined; readonly message: string }

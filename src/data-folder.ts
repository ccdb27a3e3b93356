/** The data folder: both databases opened, mended where they are damaged, and what is kept as documents. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { createContextRepository } from './context/repository.js'
import { ApplianceError } from './errors.js'
import { createAudit } from './findings/audit.js'
import { createExceptions } from './findings/exceptions.js'
import { reindexFindings } from './findings/reindex.js'
import { createFindings } from './findings/repository.js'
import { createRuns } from './findings/runs.js'
import { createTokens } from './findings/tokens.js'
import { createVisibility } from './findings/visibility.js'
import { refuseUnfinished } from './store/backup/unfinished.js'
import { createBlockStore } from './store/blocks.js'
import { createDocuments, type Documents } from './store/documents.js'
import { WRITTEN_TO } from './store/holes.js'
import { decodeProgress } from './store/rollup-progress.js'
import { forgetRepair, wasRepaired } from './store/tables.js'

export type DataFolderOptions = {
  /** The folder's path; it is made when it is not there. */
  readonly data: string
  readonly logger: Logger
  /** Takes what is to be closed, in the order of opening. */
  readonly onOpen: (close: () => Promise<void>) => void
}

export type DataFolder = Awaited<ReturnType<typeof openDataFolder>>

/** Throws CONFIG_INVALID when the folder cannot be made, and what the databases throw. */
export async function openDataFolder({ data, logger, onOpen }: DataFolderOptions) {
  await mkdir(data, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new ApplianceError('CONFIG_INVALID', `the data folder ${data} cannot be made`, { cause })
  })
  refuseUnfinished(data)
  const repaired: string[] = []
  const onRepair = (what: string) => (cause: Error) => {
    repaired.push(what)
    logger.error({ what, cause: cause.message }, 'a damaged database was repaired; rows may be lost')
  }
  const documents = createDocuments({ location: join(data, 'documents'), onRepair: onRepair('documents') })
  onOpen(() => documents.close())
  await documents.open()
  if (wasRepaired(join(data, 'documents'))) {
    await reindexFindings(documents)
    await forgetRepair(join(data, 'documents'))
  }
  const rollups = createBlockStore({
    location: join(data, 'rollups'),
    what: 'rollups',
    isFirst: true,
    onRepair: onRepair('rollups'),
  })
  onOpen(() => rollups.close())
  await rollups.open()
  const summedTo = decodeProgress(await rollups.note())?.rawSequence ?? 1
  const blocks = createBlockStore({
    location: join(data, 'blocks'),
    isFirst: true,
    // Rows that were summed must not lend their numbers to others either.
    writtenTo: Math.max((await documents.get<number>(WRITTEN_TO)) ?? 1, summedTo),
    onRepair: onRepair('blocks'),
  })
  // Before the opening, which may fail half way: what is mended then must not be open.
  onOpen(() => blocks.close())
  await blocks.open()
  return { documents, blocks, rollups, repaired: repaired as readonly string[] }
}

export type Repositories = ReturnType<typeof createRepositories>

/** Everything that is kept as documents, by what it is. */
export function createRepositories(documents: Documents, now: () => number) {
  const audit = createAudit({ documents, now })
  const findings = createFindings({ documents, audit, now })
  const exceptions = createExceptions({ documents, audit, now })
  const visibility = createVisibility({ documents, findings, exceptions, now })
  const runs = createRuns({ documents, now })
  const tokens = createTokens({ documents, audit, now })
  const context = createContextRepository({ documents, audit, now })
  return { audit, findings, exceptions, visibility, runs, tokens, context }
}

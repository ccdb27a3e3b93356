/** Keeps context as documents. */
import type { Documents } from '../store/documents.js'
import { type ContextData, emptyContext } from './data.js'

/** The whole, with a version that changes with every change. */
export type VersionedContext = { readonly version: number; readonly data: ContextData }

export type ContextRepository = {
  current(): Promise<VersionedContext>
}

const CURRENT = 'context/current'

export function createContextRepository(documents: Documents): ContextRepository {
  return {
    current: async () =>
      (await documents.get<VersionedContext>(CURRENT)) ?? { version: 0, data: emptyContext },
  }
}

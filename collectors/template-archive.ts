/**
 * Templates over a restart (decision 9): written when their definition changes, batched once a second and synced, and
 * given back before the first socket opens, so that the first data set decodes.
 */
import { parseAddress } from '#core/records/address.js'
import { exporterKey } from '#core/records/exporter.js'
import type { DocumentOperation, Documents } from '#core/store/documents.js'
import type { Domain } from './netflow/context.js'
import {
  MAX_TEMPLATES,
  type StoredTemplate,
  type TemplateDocument,
  type TemplateStore,
  templateDocument,
} from './netflow/template-store.js'

const PREFIX = 'template/'

export type TemplateArchive = {
  /** Notes a template to be written. */
  keep(domain: Domain, stored: StoredTemplate): void
  /** Writes what was noted. */
  write(): Promise<void>
  /** Gives all kept templates to a store; returns how many it took. */
  restore(store: TemplateStore): Promise<number>
}

export function createTemplateArchive(documents: Documents): TemplateArchive {
  const waiting = new Map<string, TemplateDocument>()
  return {
    keep(domain, stored) {
      // The fixed formats are templates too, but need no keeping.
      if (domain.identity.protocol < 9) return
      waiting.set(
        `${PREFIX}${exporterKey(domain.identity)}|${stored.template.id}`,
        templateDocument(domain, stored),
      )
    },
    async write() {
      if (waiting.size === 0) return
      const operations: DocumentOperation[] = [...waiting].map(([key, value]) => ({
        type: 'put',
        key,
        value,
      }))
      waiting.clear()
      await documents.batch(operations)
    },
    async restore(store) {
      let restored = 0
      for await (const [, document] of documents.list<TemplateDocument>(PREFIX, { limit: MAX_TEMPLATES })) {
        const address = parseAddress(document.address)
        if (address !== undefined && store.restore(document, address)) restored++
      }
      return restored
    },
  }
}

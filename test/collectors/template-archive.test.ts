/** What is kept over a restart, while the store cannot be written. */
import t from 'tap'
import { restoreTemplate } from '#collectors/netflow/template.js'
import { TemplateStore } from '#collectors/netflow/template-store.js'
import { createTemplateArchive } from '#collectors/template-archive.js'
import { parseAddress } from '#core/records/address.js'
import type { DocumentOperation, Documents } from '#core/store/documents.js'

t.test('templates and names whose batch failed are in the next one', async (t) => {
  let isFailing = true
  const written: string[] = []
  const documents = {
    async batch(operations: readonly DocumentOperation[]) {
      if (isFailing) throw new Error('no space')
      written.push(...operations.map(({ key }) => key.split('/')[0]!))
    },
  } as unknown as Documents
  let now = 1_700_000_000_000
  const archive = createTemplateArchive(documents, () => now)
  const store = new TemplateStore()
  const domain = store.domain(store.exporter(parseAddress('192.0.2.1')!, 2055, 0)!, 9, 7)!
  const learn = (id: number) => {
    const definition = Uint8Array.of(0, 8, 0, 4)
    const template = restoreTemplate(9, id, 'data', definition)!
    archive.keep(domain, store.learn(domain, template, now).stored)
  }
  learn(300)
  archive.keepOptions(domain)
  await t.rejects(archive.write(), { message: 'no space' })
  isFailing = false
  now += 10_000
  await archive.write()
  t.same(written, ['template', 'options'])
  await archive.write()
  t.equal(written.length, 2, 'once')

  learn(301)
  store.withdraw(domain, 301)
  await archive.write()
  t.equal(written.length, 2, 'one that was dropped meanwhile is not written')
})

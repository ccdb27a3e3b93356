/** What is kept over a restart, while the store cannot be written. */
import t from 'tap'
import { FORGOTTEN_MILLISECONDS } from '#collectors/exporter-table.js'
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

t.test('what is forgotten to make room is kept no longer, unless it comes back before', async (t) => {
  let isFailing = true
  const kept = new Set<string>()
  const documents = {
    async batch(operations: readonly DocumentOperation[]) {
      if (isFailing) throw new Error('no space')
      for (const { type, key } of operations) type === 'put' ? kept.add(key) : kept.delete(key)
    },
  } as unknown as Documents
  let now = 1_700_000_000_000
  const archive = createTemplateArchive(documents, () => now)
  const store = new TemplateStore(undefined, { exporters: 2 }, undefined, archive.forget)
  const hear = (text: string) => {
    const exporter = store.exporter(parseAddress(text)!, 2055, 0, now)
    if (exporter === undefined) return undefined
    const domain = store.domain(exporter, 9, 7)!
    domain.statistics.lastSeenMilliseconds = now
    const template = restoreTemplate(9, 300, 'data', Uint8Array.of(0, 8, 0, 4))!
    archive.keep(domain, store.learn(domain, template, now).stored)
    archive.keepOptions(domain)
    return domain
  }
  const spoofed = hear('192.0.2.1')!
  hear('192.0.2.2')
  isFailing = false
  await archive.write(true)
  t.equal(hear('192.0.2.3'), undefined, 'no room')
  now += FORGOTTEN_MILLISECONDS - 1
  hear('192.0.2.2')
  now += 10_000
  t.ok(hear('192.0.2.3'))
  t.equal(spoofed.templates.size, 0)
  isFailing = true
  await t.rejects(archive.write(true), { message: 'no space' })
  isFailing = false
  await archive.write(true)
  const addresses = () => [...kept].map((key) => key.split('|')[0]).sort()
  const keys = (text: string) => [`options/${text}`, `template/${text}`]
  t.same(addresses(), [...keys('192.0.2.2'), ...keys('192.0.2.3')].sort())

  now += 2 * FORGOTTEN_MILLISECONDS
  t.ok(hear('192.0.2.4'))
  t.ok(hear('192.0.2.3'), 'it was forgotten, and is back before that was written')
  await archive.write(true)
  t.same(addresses(), [...keys('192.0.2.3'), ...keys('192.0.2.4')].sort())
})

/** Files of archives: they appear whole or not at all. */
import { readFileSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { keep } from '#cli/archive.js'

async function* octets(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text)
}

const readAll = async (archive: AsyncIterable<Uint8Array>) => {
  let length = 0
  for await (const part of archive) length += part.length
  return length
}

t.test('what a killed process of the same number left is no obstacle', async (t) => {
  const folder = t.testdir()
  writeFileSync(join(folder, `.backup.tar.${process.pid}`), 'longer than what comes now')
  t.equal(await keep(octets('one ', 'two'), join(folder, 'backup.tar'), readAll), 7)
  t.equal(readFileSync(join(folder, 'backup.tar'), 'utf8'), 'one two')
  t.same(await readdir(folder), ['backup.tar'])
})

t.test('an archive that is not whole gets no name, and leaves nothing', async (t) => {
  const folder = t.testdir()
  const refuse = async (archive: AsyncIterable<Uint8Array>) => {
    await readAll(archive)
    throw new Error('cut off')
  }
  await t.rejects(keep(octets('one'), join(folder, 'backup.tar'), refuse), { message: 'cut off' })
  t.same(await readdir(folder), [])
})

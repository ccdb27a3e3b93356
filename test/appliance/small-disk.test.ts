/** A file system that is small beside what is to be left free on it: an appliance that says so. */
import t from 'tap'
import { smallDiskText } from '#core/store/small-disk.js'
import { freePort, getJson, startAppliance, stopAppliance } from '../support/running.js'

t.test('a start warns and health tells, with the name of the setting', async (t) => {
  const folder = t.testdir()
  const running = await startAppliance({
    folder,
    netflow: await freePort(),
    syslog: await freePort(),
    // More than half of any disk.
    settings: { retention: { minimumFreeOctets: 2 ** 52 } },
  })
  t.teardown(() => stopAppliance(running, 'SIGKILL'))
  t.match(running.log(), /retention\.minimumFreeOctets keeps 4294967296 MiB of it free/)
  const { checks } = await getJson(running, 'health')
  t.match(
    checks.find(({ name }: { name: string }) => name === 'file system'),
    { status: 'degraded', text: /retention\.minimumFreeOctets/ },
  )
  t.equal(await stopAppliance(running), 0)
  t.equal(await smallDiskText(folder, 0), undefined)
  t.equal(await smallDiskText(folder, 1024), undefined)
})

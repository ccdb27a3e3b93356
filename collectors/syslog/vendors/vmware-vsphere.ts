/**
 * VMware vCenter and ESXi by the names of their daemons: events of the virtual machines' hosts, no traffic.
 * Source: VMware vSphere documentation, "System Log Files" of ESXi and of vCenter Server.
 */
import type { SyslogContext } from '../context.js'
import { Field, Kind, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { SyslogProduct } from '../product.js'
import { digitsEnd } from '../scan.js'
import { Shape } from '../shape.js'

const daemons = new KeyTable({
  vpxd: 1,
  'vpxd-main': 1,
  'vpxd-svcs': 1,
  vpxa: 1,
  hostd: 1,
  vobd: 1,
  vmkernel: 1,
  vmkwarning: 1,
  fdm: 1,
  rhttpproxy: 1,
  'vsphere-ui': 1,
  'applmgmt-audit': 1,
  updatemgr: 1,
  eam: 1,
  'vmon-api': 1,
})
const EVENT = 'Event ['

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const { line, messageStart } = event
  event.vendor = 'vmware'
  event.product = 'vsphere'
  event.kind = Kind.other
  if (line.startsWith(EVENT, messageStart)) {
    const start = messageStart + EVENT.length
    event.setSpan(Field.eventId, start, digitsEnd(line, start, line.length))
  }
  return true
}

/** The product for the registry. */
export const vmwareVsphere: SyslogProduct = {
  id: 'vmware-vsphere',
  shapes: [Shape.text, Shape.structured, Shape.pairs],
  claims: (event) => {
    const start = event.start(Field.application)
    return start >= 0 && daemons.findFolded(event.line, start, event.end(Field.application)) !== 0
  },
  parse,
}

/**
 * The products that are recognised, in the order in which they are asked. Adding one: a file in vendors/, a line here,
 * a test and a page in docs/devices/.
 */

import type { SyslogContext } from './context.js'
import type { SyslogEvent } from './event.js'
import type { SyslogProduct } from './product.js'
import { SHAPE_COUNT, settleShape } from './shape.js'
import { amazonVpc } from './vendors/amazon-vpc.js'
import { aristaEos } from './vendors/arista-eos.js'
import { arubaOs } from './vendors/aruba-os.js'
import { barracudaCloudgen } from './vendors/barracuda-cloudgen.js'
import { barracudaWaf } from './vendors/barracuda-waf.js'
import { catoSase } from './vendors/cato-sase.js'
import { checkpoint } from './vendors/checkpoint.js'
import { ciscoAsa } from './vendors/cisco-asa.js'
import { ciscoIos } from './vendors/cisco-ios.js'
import { ciscoMeraki } from './vendors/cisco-meraki.js'
import { ciscoZbf } from './vendors/cisco-zbf.js'
import { citrixAdc } from './vendors/citrix-adc.js'
import { clavisterCos } from './vendors/clavister-cos.js'
import { ekinopsOneos } from './vendors/ekinops-oneos.js'
import { f5Bigip } from './vendors/f5-bigip.js'
import { forcepointNgfw } from './vendors/forcepoint-ngfw.js'
import { fortinetFortigate } from './vendors/fortinet-fortigate.js'
import { genericCef } from './vendors/generic-cef.js'
import { genericLeef } from './vendors/generic-leef.js'
import { hpeProcurve } from './vendors/hpe-procurve.js'
import { huaweiUsg } from './vendors/huawei-usg.js'
import { infobloxNios } from './vendors/infoblox-nios.js'
import { juniperPfe } from './vendors/juniper-pfe.js'
import { juniperScreenos } from './vendors/juniper-screenos.js'
import { juniperSrx } from './vendors/juniper-srx.js'
import { lancomLcos } from './vendors/lancom-lcos.js'
import { linuxNetfilter } from './vendors/linux-netfilter.js'
import { mikrotikRouteros } from './vendors/mikrotik-routeros.js'
import { paloaltoPanos } from './vendors/paloalto-panos.js'
import { pfFilterlog } from './vendors/pf-filterlog.js'
import { pfText } from './vendors/pf-text.js'
import { prismaSdwan } from './vendors/prisma-sdwan.js'
import { pulseSecure } from './vendors/pulse-secure.js'
import { snort } from './vendors/snort.js'
import { sonicwall } from './vendors/sonicwall.js'
import { sophosUtm } from './vendors/sophos-utm.js'
import { sophosXg } from './vendors/sophos-xg.js'
import { stormshieldSns } from './vendors/stormshield-sns.js'
import { suricata } from './vendors/suricata.js'
import { usergateNgfw } from './vendors/usergate-ngfw.js'
import { vmwareNsx } from './vendors/vmware-nsx.js'
import { vmwareSdwan } from './vendors/vmware-sdwan.js'
import { vmwareVsphere } from './vendors/vmware-vsphere.js'
import { watchguardFirebox } from './vendors/watchguard-firebox.js'
import { zeek } from './vendors/zeek.js'
import { zscalerZia } from './vendors/zscaler-zia.js'
import { zscalerZpa } from './vendors/zscaler-zpa.js'

/** Every product; of those that share a shape, unmistakable marks first. */
export const products: readonly SyslogProduct[] = [
  ciscoAsa,
  paloaltoPanos,
  fortinetFortigate,
  sonicwall,
  pfFilterlog,
  ciscoMeraki,
  juniperSrx,
  checkpoint,
  sophosXg,
  stormshieldSns,
  watchguardFirebox,
  juniperScreenos,
  zeek,
  huaweiUsg,
  forcepointNgfw,
  clavisterCos,
  barracudaCloudgen,
  sophosUtm,
  prismaSdwan,
  vmwareSdwan,
  vmwareNsx,
  usergateNgfw,
  lancomLcos,
  hpeProcurve,
  amazonVpc,
  aristaEos,
  ciscoZbf,
  ciscoIos,
  mikrotikRouteros,
  linuxNetfilter,
  pfText,
  snort,
  juniperPfe,
  ekinopsOneos,
  citrixAdc,
  f5Bigip,
  suricata,
  zscalerZia,
  zscalerZpa,
  catoSase,
  barracudaWaf,
  pulseSecure,
  infobloxNios,
  arubaOs,
  vmwareVsphere,
  genericCef,
  genericLeef,
]

/** Per shape, the products that log in it, in the order of the list. */
const byShape: readonly (readonly SyslogProduct[])[] = Array.from({ length: SHAPE_COUNT }, (_, shape) =>
  products.filter(({ shapes }) => shapes.some((one) => one === shape)),
)

/** Finds the product of a line whose header is read and lets it fill the event; false where no product knows it. */
export function parseBody(event: SyslogEvent, context: SyslogContext): boolean {
  settleShape(event)
  const { mapped } = context
  if (mapped !== undefined) {
    for (let index = 0; index < mapped.length; index++) {
      const product = mapped[index]!
      if (product.claims(event) && product.parse(event, context)) return true
    }
  }
  const candidates = byShape[event.shape]!
  // A device sends one product's lines.
  const last = context.product
  if (last !== undefined && candidates.includes(last) && last.claims(event) && last.parse(event, context)) {
    return true
  }
  for (let index = 0; index < candidates.length; index++) {
    const product = candidates[index]!
    if (product === last || !product.claims(event) || !product.parse(event, context)) continue
    if (product.broad === undefined) context.product = product
    return true
  }
  return false
}

/** The ids of all products, for lists in documentation and the API. */
export const productIds: readonly string[] = products.map((product) => product.id)

/**
 * The fields of Zscaler's feeds under the names of the JSON and `key=value` feeds, of LEEF and of CEF, and the order of the
 * CSV feed. Source: Zscaler help, "NSS Feed Output Format: Firewall Logs", "… DNS Logs".
 */
import { Target } from '../assign.js'

/** Fields that need a rule of their own. */
export const Own = {
  time: 100,
  epoch: 101,
  owner: 102,
  login: 103,
  serverPort: 104,
  milliseconds: 105,
  rule: 106,
  translated: 107,
  host: 108,
  service: 109,
  source: 110,
} as const
/** Names without the feed's envelope. */
export const names: Record<string, number> = {
  datetime: Own.time,
  time: Own.time,
  epochtime: Own.epoch,
  rt: Own.epoch,
  user: Own.login,
  login: Own.login,
  usrName: Own.login,
  suser: Own.login,
  deviceowner: Own.owner,
  devicehostname: Own.host,
  csip: Own.source,
  clt_sip: Own.source,
  src: Own.source,
  csport: Target.sourcePort,
  srcPort: Target.sourcePort,
  spt: Target.sourcePort,
  cdip: Target.destination,
  dst: Target.destination,
  srv_dip: Target.destination,
  cdport: Target.destinationPort,
  dstPort: Target.destinationPort,
  dpt: Target.destinationPort,
  srv_dport: Target.destinationPort,
  sdip: Target.postNATDestination,
  dstPostNAT: Target.postNATDestination,
  destinationTranslatedAddress: Target.postNATDestination,
  sdport: Own.serverPort,
  dstPostNATPort: Own.serverPort,
  destinationTranslatedPort: Own.serverPort,
  ssip: Target.postNATSource,
  srcPostNAT: Target.postNATSource,
  deviceTranslatedAddress: Target.postNATSource,
  ssport: Target.postNATSourcePort,
  srcPostNATPort: Target.postNATSourcePort,
  deviceTranslatedPort: Target.postNATSourcePort,
  proto: Target.protocol,
  ipproto: Target.protocol,
  action: Target.action,
  act: Target.action,
  reqaction: Target.action,
  nwsvc: Own.service,
  cs2: Own.service,
  nwapp: Target.applicationName,
  cs3: Target.applicationName,
  inbytes: Target.octetsReceived,
  dstBytes: Target.octetsReceived,
  in: Target.octetsReceived,
  outbytes: Target.octetsSent,
  srcBytes: Target.octetsSent,
  out: Target.octetsSent,
  duration: Target.seconds,
  durationms: Own.milliseconds,
  cn1: Own.milliseconds,
  rulelabel: Own.rule,
  reqrulelabel: Own.rule,
  reason: Own.rule,
  dnat: Own.translated,
}
/** The firewall feed's default order; 0 for columns of no use here. */
export const columnTargets: readonly number[] = [
  'datetime user - - cdport csport sdport ssport csip cdip ssip sdip - - - action dnat - - nwsvc nwapp proto - - - ',
  'rulelabel inbytes outbytes duration durationms - - - - deviceowner devicehostname',
].flatMap((part) =>
  part
    .trim()
    .split(' ')
    .map((name) => names[name] ?? 0),
)

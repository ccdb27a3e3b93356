/**
 * Applications that devices name → the ports where each is expected. One row: our name, the ports by transport, what
 * vendors call it. An application that is not here says nothing, nor do the names in `genericNames`. Registered ports
 * are those of the IANA registry (iana.org/assignments/service-names-port-numbers); others say why they are here.
 * Vendor names: Cisco NBAR2 protocol pack, Palo Alto Networks Applipedia, Fortinet FortiGuard application signatures.
 */

/** A port or an inclusive range. */
export type PortRange = number | readonly [from: number, to: number]

export type Application = {
  readonly name: string
  readonly tcp?: readonly PortRange[]
  readonly udp?: readonly PortRange[]
  /** Other names of it, normalised as `normalisedName` does. */
  readonly aliases?: readonly string[]
  /** Why ports are here that the IANA registry does not give. */
  readonly note?: string
}

export const applications: readonly Application[] = [
  {
    name: 'http',
    tcp: [80, 81, 443, 591, [8000, 8010], 8080, 8081, 8088, 8443, 8888, 3000, 3128, 5000, 5985, 8530, 9000, 9080, 9090],
    aliases: ['webbrowsing', 'httpbrowser', 'httpalt', 'httpproxy', 'proxyhttp', 'webproxy', 'httpaudio'],
    note: 'proxies (3128, 8080), WinRM 5985, WSUS 8530, application servers; 443 and 8443 where a firewall decrypts TLS',
  },
  {
    name: 'tls',
    tcp: [
      443,
      [8443, 8444],
      4443,
      465,
      563,
      587,
      636,
      853,
      [989, 995],
      1443,
      2083,
      2087,
      2376,
      3128,
      3269,
      3389,
      4433,
      5061,
      5223,
      [5228, 5230],
      5349,
      5671,
      5986,
      6443,
      6514,
      6697,
      7443,
      8080,
      8531,
      8883,
      9093,
      9200,
      9443,
      10250,
      10443,
      25,
      143,
      110,
      21,
      389,
      1433,
      5432,
      3306,
      88,
    ],
    aliases: [
      'ssl',
      'https',
      'securehttp',
      'httpsbrowser',
      'ssltls',
      'tls13',
      'sslv3',
      'tlsv1',
      'securesocketlayer',
      'sslvpn',
    ],
    note: 'services over TLS and STARTTLS, Apple push 5223, FCM 5228-5230, proxies, Kubernetes 6443, Elastic 9200',
  },
  {
    name: 'quic',
    udp: [443, 80, 784, 853, 4433, 8443, 8853],
    aliases: ['googlequic', 'gquic', 'ietfquic', 'http3', 'quicbase'],
    note: '784 and 8853 of DNS over QUIC drafts, 4433 and 8443 of test servers',
  },
  {
    name: 'ssh',
    tcp: [22, 2222, 22222, 830, 8022, 2022, 29418],
    aliases: ['openssh', 'sshv2', 'scp', 'sftp', 'ssh2', 'secureshell'],
    note: 'usual second ports; NETCONF 830; Gerrit 29418',
  },
  { name: 'telnet', tcp: [23, 992, 2323], aliases: ['telnets'], note: '2323: usual second port' },
  { name: 'ftp', tcp: [20, 21, 989, 990, 2121], aliases: ['ftpcommand', 'ftpcontrol', 'ftps'] },
  { name: 'tftp', udp: [69] },
  {
    name: 'smtp',
    tcp: [25, 465, 587, 2525],
    aliases: ['smtps', 'securesmtp', 'submission', 'esmtp', 'smtpbase'],
    note: '2525: usual second submission port',
  },
  { name: 'pop3', tcp: [110, 995], aliases: ['pop', 'pop3s', 'securepop3'] },
  { name: 'imap', tcp: [143, 993], aliases: ['imaps', 'secureimap', 'imap4'] },
  {
    name: 'dns',
    tcp: [53, 853, 5353, 5300],
    udp: [53, 853, 5353, 5355, 5300, 137],
    aliases: ['dnsbase', 'domain', 'domainudp', 'domaintcp', 'mdns', 'llmnr', 'dot'],
    note: 'multicast DNS, LLMNR; NetBIOS 137 has the same message form',
  },
  { name: 'dhcp', udp: [67, 68, 546, 547, 4011], aliases: ['bootp', 'bootps', 'bootpc', 'dhcpv6'] },
  { name: 'ntp', udp: [123], aliases: ['ntpbase', 'sntp'] },
  { name: 'snmp', udp: [161, 162, 10161, 10162], tcp: [161, 162], aliases: ['snmptrap', 'snmpbase', 'snmpv3', 'snmpv2', 'snmpv1'] },
  { name: 'syslog', udp: [514, 5514, 1514], tcp: [514, 601, 1514, 5514, 6514], note: 'usual unprivileged ports' },
  { name: 'ldap', tcp: [389, 636, 3268, 3269], udp: [389], aliases: ['ldaps', 'secureldap', 'cldap', 'msldap'] },
  { name: 'kerberos', tcp: [88, 464, 749], udp: [88, 464], aliases: ['krb5', 'kpasswd'] },
  {
    name: 'smb',
    tcp: [445, 139],
    udp: [137, 138],
    aliases: ['cifs', 'microsoftds', 'msds', 'mssmb', 'mssmbbase', 'smbv1', 'smbv2', 'smbv3', 'netbiosss', 'samba'],
  },
  { name: 'netbios', tcp: [[137, 139]], udp: [[137, 139]], aliases: ['netbiosns', 'netbiosdg', 'netbiosdgm'] },
  {
    name: 'rdp',
    tcp: [3389, 3388],
    udp: [3389],
    aliases: ['msrdp', 'mswbt', 'mswbtserver', 'remotedesktop', 'rdpbase', 'microsoftremotedesktop'],
  },
  { name: 'vnc', tcp: [[5800, 5810], [5900, 5910]], aliases: ['rfb', 'vncbase', 'vnchttp'] },
  { name: 'x11', tcp: [[6000, 6063]], aliases: ['xwindows'] },
  {
    name: 'socks',
    tcp: [1080, 9050, 9150],
    aliases: ['socks4', 'socks5', 'sockproxy', 'socksproxy', 'socks4a'],
    note: "Tor's local ports 9050, 9150",
  },
  { name: 'sip', tcp: [5060, 5061], udp: [5060, 5061], aliases: ['sips', 'siptls'] },
  { name: 'rtsp', tcp: [554, 7070, 8554], udp: [554], aliases: ['rtspbase'], note: '8554: usual second port' },
  { name: 'mysql', tcp: [3306, 33060], aliases: ['mariadb'] },
  { name: 'postgresql', tcp: [5432, 5433, 6432], aliases: ['postgres'], note: 'PgBouncer 6432' },
  { name: 'mssql', tcp: [1433], udp: [1434], aliases: ['sqlserver', 'mssqldb', 'tds', 'mssqls'] },
  { name: 'oracle', tcp: [1521, 1522, 1526, 2483, 2484], aliases: ['oraclesqlnet', 'sqlnet', 'tns', 'oracledatabase'] },
  { name: 'mongodb', tcp: [[27017, 27019]] },
  { name: 'redis', tcp: [6379, 6380, 16379, 26379] },
  { name: 'mqtt', tcp: [1883, 8883], aliases: ['mqtts'] },
  { name: 'bgp', tcp: [179] },
  { name: 'irc', tcp: [194, [6660, 6669], 6697, 7000], aliases: ['ircbase', 'ircs'] },
  { name: 'openvpn', tcp: [443, 1194, 943], udp: [1194, 443] },
  { name: 'wireguard', udp: [51820] },
  { name: 'ipsec', udp: [500, 4500], tcp: [10000], aliases: ['ike', 'isakmp', 'ipsecesp', 'ipsecnatt', 'natt', 'ikev2', 'ipsecudp', 'ciscovpn'] },
  { name: 'radius', udp: [1645, 1646, 1812, 1813, 3799], tcp: [2083] },
  { name: 'tacacs', tcp: [49], aliases: ['tacacsplus'] },
  { name: 'rsync', tcp: [873] },
  { name: 'nfs', tcp: [111, 2049], udp: [111, 2049] },
  { name: 'ipp', tcp: [631], udp: [631], aliases: ['cups'] },
]

/**
 * Ports that carry ordinary traffic without an application of the table above: to be seen on one of them is not unusual.
 */
export const otherUsualPorts: { readonly tcp: readonly PortRange[]; readonly udp: readonly PortRange[] } = {
  // Cisco SCCP, MSRPC, WINS, LPD, JetDirect, Splunk and Beats, backup agents, iperf, Steam, TeamViewer and AnyDesk,
  // WhatsApp and XMPP, Jabber, RTMP, Minecraft, git, Zabbix, Check Point, vCenter, Docker, Consul, Kafka, RabbitMQ.
  tcp: [
    7, 43, 70, 79, 113, 119, 135, 427, 515, 540, 543, 544, 548, 593, 623, 902, 903, 1025, 1352, 1494, 1701, 1720, 1723,
    1935, 2000, 2195, 2196, 2375, 2377, 2379, 2380, 2598, 3101, 3260, 3478, 3479, 3690, 4369, 4505, 4506, 5007, 5044,
    5201, 5222, 5269, 5280, 5554, 5672, 5938, 6556, 6568, 6667, 7001, 7680, 8008, 8009, 8014, 8089, 8140, 8300,
    8301, 8500, 8600, 9042, 9092, 9100, 9102, 9103, 9389, 9392, 9418, 9997, 10050, 10051, 11211, 13724, 15672,
    [18190, 18192], 19302, 25565, [27015, 27030],
  ],
  // VXLAN, GTP, NetFlow, sFlow, SSDP, WS-Discovery, HSRP, BFD, RIP, L2TP, STUN and TURN, Teams, Zoom, WebRTC, QUIC
  // tests, NAT-PMP, memcached, Steam, Tailscale, ZeroTier, iperf, CAPWAP, Kerberos password, Teredo, MOSH, Valve.
  udp: [
    7, 19, 111, 135, 427, 520, 521, 623, 646, 1194, 1434, 1701, 1719, 1900, 1985, 2055, 2152, [3478, 3481], 3544, 3702,
    [3784, 3785], 4739, 4789, [5246, 5247], 5350, 5351, 6081, 6343, 8472, 9993, 9995, 9996, [8801, 8810], 11211, 19302,
    [19305, 19309], [27000, 27050], 41641, [60000, 61000],
  ],
}

/** Names that say a device could not tell, or tell no more than the transport: normalised. */
export const genericNames: ReadonlySet<string> = new Set([
  '',
  'tcp',
  'udp',
  'ip',
  'unknown',
  'unknowntcp',
  'unknownudp',
  'unknownp2p',
  'incomplete',
  'insufficientdata',
  'notapplicable',
  'na',
  'none',
  'other',
  'unclassified',
  'unscanned',
  'all',
  'any',
])

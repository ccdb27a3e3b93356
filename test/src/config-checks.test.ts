/** What the schema of the configuration cannot say of hosts and ports. */
import t from 'tap'
import { makeConfig } from '#core/config.js'
import { checkListening } from '#core/config-checks.js'

t.test('a port that two settings name is refused with both, and a host that is no address', async (t) => {
  const tls = { certificate: 'c.pem', key: 'k.pem' }
  const cases: [given: object, message: RegExp | undefined][] = [
    [{}, undefined],
    [
      { listen: { sflowPorts: [2055] } },
      /^listen\.netflowPorts and listen\.sflowPorts both name UDP port 2055$/,
    ],
    [{ listen: { netflowPorts: [2055, 2055] } }, /^listen\.netflowPorts names UDP port 2055 twice$/],
    [
      { listen: { syslogPorts: [4739], netflowPorts: [2055] } },
      /^listen\.ipfixTcpPorts and listen\.syslogPorts both name TCP port 4739$/,
    ],
    [{ listen: { syslogTlsPorts: [4740] } }, undefined],
    [
      { listen: { syslogTlsPorts: [4740], tls } },
      /ipfixTlsPorts and listen\.syslogTlsPorts both name TCP port/,
    ],
    [{ api: { port: 5514 } }, /^listen\.syslogPorts and api\.port both name TCP port 5514$/],
    [{ api: { port: 5514 }, listen: { host: '192.0.2.1' } }, undefined],
    [{ api: { port: 5514 }, listen: { host: '0.0.0.0' } }, /both name TCP port 5514$/],
    [{ api: { port: 5514, host: '::1' }, listen: { host: '0.0.0.0' } }, undefined],
    [{ api: { port: 0 } }, undefined],
    [{ listen: { host: '999.1.1.1' } }, /^listen\.host: 999\.1\.1\.1 is no address$/],
    [{ api: { host: 'fe80::g' } }, /^api\.host: fe80::g is no address$/],
    [{ listen: { host: 'collector.example' } }, undefined],
    [{ listen: { host: '0.0.0.0' } }, undefined],
  ]
  for (const [given, message] of cases) {
    const check = () => checkListening(makeConfig(given))
    if (message === undefined) t.doesNotThrow(check, JSON.stringify(given))
    else t.throws(check, { code: 'CONFIG_INVALID', message }, JSON.stringify(given))
  }
})

t.test(
  'an empty text is no folder and no host: it would be the current folder, and every address',
  async (t) => {
    for (const given of [{ data: '' }, { listen: { host: '' } }, { api: { host: '' } }])
      t.throws(() => makeConfig(given), { code: 'CONFIG_INVALID' }, JSON.stringify(given))
  },
)

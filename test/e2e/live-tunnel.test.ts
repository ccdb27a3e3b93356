/**
 * A real tunnel over a real network: two namespaces, ptunnel-ng carrying a stream of bytes over ICMP, softflowd exporting
 * NetFlow v9 about it to a running appliance. Needs root and Debian's iproute2, ptunnel-ng, softflowd and iputils-ping;
 * what is missing is said, and with CI=true it fails.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { command } from '../support/project.js'

/** The first of RFC 2544's addresses: in namespaces of our own, nothing else has them. */
const INSIDE = '198.18.0.1'
const OUTSIDE = '198.18.0.2'
const id = process.pid
const inside = `culvert-in-${id}`
const outside = `culvert-out-${id}`

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'root is needed for network namespaces'
  for (const program of ['ip', 'ptunnel-ng', 'softflowd', 'ping']) {
    try {
      execFileSync('which', [program], { stdio: 'ignore' })
    } catch {
      return `${program} is not installed`
    }
  }
  return undefined
}

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] })
const children: ChildProcess[] = []

function run(namespace: string, program: string, ...args: string[]): ChildProcess {
  const child = spawn('ip', ['netns', 'exec', namespace, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  // Pipes that nobody reads fill up and stop their writer.
  child.stdout?.resume()
  child.stderr?.resume()
  children.push(child)
  return child
}

/** Runs a piece of JavaScript in a namespace and returns what it prints. */
function ask(namespace: string, script: string): Promise<string> {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.on('exit', (code) => (code === 0 ? resolve(text) : reject(new Error(`ended with ${code}`))))
  })
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

t.test(
  'a tunnel by ptunnel-ng is a finding within a minute, a ping beside it is none',
  { timeout: 180_000 },
  async (t) => {
    const lack = missing()
    if (lack !== undefined) {
      process.stderr.write(`\nLIVE TEST NOT RUN: ${lack}\n\n`)
      t.not(process.env['CI'], 'true', `in CI this must run: ${lack}`)
      t.pass('not run', { skip: lack })
      return
    }
    t.teardown(() => {
      for (const child of children) child.kill('SIGKILL')
      for (const namespace of [inside, outside]) {
        try {
          // What the programs left behind in the namespace ends with it.
          const left = ip('netns', 'pids', namespace)
            .toString()
            .split('\n')
            .filter((pid) => pid !== '')
          for (const pid of left) process.kill(Number(pid), 'SIGKILL')
          ip('netns', 'delete', namespace)
        } catch {
          t.comment(`namespace ${namespace} was gone already`)
        }
      }
    })
    for (const namespace of [inside, outside]) {
      ip('netns', 'add', namespace)
      ip('-n', namespace, 'link', 'set', 'lo', 'up')
    }
    ip(
      'link',
      'add',
      `cv-a-${id}`,
      'netns',
      inside,
      'type',
      'veth',
      'peer',
      'name',
      `cv-b-${id}`,
      'netns',
      outside,
    )
    for (const [namespace, device, address] of [
      [inside, `cv-a-${id}`, INSIDE],
      [outside, `cv-b-${id}`, OUTSIDE],
    ] as const) {
      ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', device)
      ip('-n', namespace, 'link', 'set', device, 'up')
    }
    // The far end of the tunnel answers itself.
    execFileSync('ip', ['netns', 'exec', outside, 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=1'])

    // A control socket's path may have 107 characters, which a fixture folder's easily exceeds.
    const folder = await mkdtemp(join(tmpdir(), 'culvert-live-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const config = join(folder, 'culvert.yaml')
    await writeFile(
      config,
      JSON.stringify({
        data: join(folder, 'data'),
        api: { port: 8080 },
        detection: { intervalSeconds: 5 },
        log: { level: 'warn' },
      }),
    )
    const appliance = run(outside, process.execPath, command, 'start', '--config', config, '--json')
    const listening = await new Promise<string>((resolve) =>
      appliance.stdout!.once('data', (chunk) => resolve(String(chunk))),
    )
    const { sockets } = JSON.parse(listening) as { sockets: { port: number; ok: boolean }[] }
    t.ok(
      sockets.some(({ port, ok }) => port === 2055 && ok),
      'NetFlow is listened for',
    )
    const token = (await readFile(join(folder, 'data', 'token'), 'utf8')).trim()

    run(
      outside,
      'softflowd',
      '-d',
      '-i',
      `cv-b-${id}`,
      '-n',
      '127.0.0.1:2055',
      '-v',
      '9',
      '-t',
      'maxlife=15',
      '-t',
      'expint=5',
      '-p',
      join(folder, 'softflowd.pid'),
      '-c',
      join(folder, 'softflowd.ctl'),
    )
    // libpcap hands packets on by full buffers: without other traffic softflowd would see a quiet link a minute late.
    run(
      inside,
      process.execPath,
      '-e',
      `const s = require('dgram').createSocket('udp4'); setInterval(() => { for (let i = 0; i < 5; i++) s.send(Buffer.alloc(1200), 9, '${OUTSIDE}') }, 10)`,
    )
    run(outside, 'ping', '-i', '1', INSIDE)
    run(
      outside,
      process.execPath,
      '-e',
      `require('net').createServer((s) => { const timer = setInterval(() => s.write(Buffer.alloc(700, 'x')), 150); s.on('close', () => clearInterval(timer)); s.on('error', () => {}) }).listen(9000, '127.0.0.1')`,
    )
    run(outside, 'ptunnel-ng', '-r127.0.0.1', '-R9000')
    await pause(1000)
    run(inside, 'ptunnel-ng', `-p${OUTSIDE}`, '-l8000', '-r127.0.0.1', '-R9000')
    await pause(1000)
    const began = Date.now()
    const client = run(
      inside,
      process.execPath,
      '-e',
      `let n = 0; const s = require('net').connect(8000, '127.0.0.1'); s.on('data', (d) => { n += d.length; console.log(n) }); s.on('error', (e) => { console.error(e); process.exit(1) }); setInterval(() => s.write('hello'), 1000)`,
    )
    let carried = 0
    client.stdout!.on('data', (chunk) => {
      carried = Number(String(chunk).trim().split('\n').at(-1))
    })

    const findings = async () => {
      const script = `fetch('http://127.0.0.1:8080/api/v1/findings?detector=icmp-tunnel&kind=finding', { headers: { authorization: 'Bearer ${token}' } }).then((a) => a.text()).then(console.log)`
      return (
        JSON.parse(await ask(outside, script)) as {
          items: { severity: string; sourceAddresses: string[]; destinationAddresses: string[] }[]
        }
      ).items
    }
    let found = await findings()
    while (found.length === 0 && Date.now() - began < 90_000) {
      await pause(2000)
      found = await findings()
    }
    const seconds = Math.round((Date.now() - began) / 1000)
    t.comment(`finding after ${seconds} s, ${carried} octets carried by the tunnel`)
    t.ok(carried > 10_000, `the tunnel carried ${carried} octets`)
    t.ok(seconds <= 60, `the finding stands after ${seconds} s`)
    t.match(found, [{ severity: 'high', sourceAddresses: [INSIDE], destinationAddresses: [OUTSIDE] }])
    await pause(20_000)
    t.equal((await findings()).length, 1, 'the ping the other way is none')
  },
)

/** Servers, ports and protocols that are told of, with the findings: what is not learned from while people have not settled them. */
import { type AddressFamily, formatAddress, parseAddress } from '../../records/address.js'
import { addressAt } from './settings.js'

/** Places that are remembered; the first that was told of goes first. */
export const MAX_TOLD = 10_000
/** Bits of a filter before the texts: nearly all that is asked about is under no finding. */
const FILTER_BITS = 16

export class Told {
  private readonly findings = new Map<string, string>()
  private readonly filter = new Uint8Array(2 ** FILTER_BITS)

  tell(server: string, port: number, protocolIdentifier: number, finding: string): void {
    this.put(placeText(server, port, protocolIdentifier), finding)
  }

  /** Takes a place as `entries` gave it. */
  put(place: string, finding: string): void {
    const { findings } = this
    if (!findings.has(place)) {
      if (findings.size >= MAX_TOLD) findings.delete(findings.keys().next().value!)
      const [server, port, protocol] = place.split(' ')
      const last = parseAddress(server!)?.words[3]
      if (last !== undefined) this.filter[bitOf(last, Number(port), Number(protocol))] = 1
    }
    findings.set(place, finding)
  }

  /** The finding that a server is under, four words in an array; undefined when it is under none. */
  findingOf(
    keys: Uint32Array,
    serverAt: number,
    family: AddressFamily,
    port: number,
    protocolIdentifier: number,
  ): string | undefined {
    if (this.filter[bitOf(keys[serverAt + 3]!, port, protocolIdentifier)] === 0) return undefined
    const server = formatAddress(addressAt(keys, serverAt, family))
    return this.findings.get(placeText(server, port, protocolIdentifier))
  }

  /** Each place with its finding, the first that was told of first. */
  entries(): [string, string][] {
    return [...this.findings]
  }
}

function placeText(server: string, port: number, protocolIdentifier: number): string {
  return `${server} ${port} ${protocolIdentifier}`
}

function bitOf(lastWord: number, port: number, protocolIdentifier: number): number {
  return Math.imul(lastWord ^ (protocolIdentifier << 16) ^ port, 0x9e3779b1) >>> (32 - FILTER_BITS)
}

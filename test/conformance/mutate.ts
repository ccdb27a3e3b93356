// Export messages that are wrong in the ways that matter: valid ones are taken apart into header and sets, changed by
// what they mean (ids, counts, lengths, fields, order), and put together again, mostly with lengths that are right, so
// that the change is reached; and some are changed octet by octet.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { concatenate, putUint16, putUint32 } from '#simulate/encode/bytes.js'
import { buildSet, ipfixTemplateRecord, type RawSet } from '#simulate/encode/ipfix.js'
import { netflowV9TemplateRecord } from '#simulate/encode/netflow-v9.js'
import type { Random } from '#simulate/random.js'
import {
  data,
  ipfix,
  ipfixOptions,
  ipfixTemplate,
  type Pair,
  record,
  simple,
  v5,
  v9,
  v9Options,
  v9Template,
} from '../collectors/netflow/datagrams.js'

const V9 = 9
const IPFIX = 10
const VARIABLE = 65_535
/** Larger ones do not fit a datagram. */
const MAX_OCTETS = 65_507

/** An Ethernet frame with an IPv4 echo request behind a VLAN tag. */
export const echoFrame = Uint8Array.from([
  ...[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 7, 8, 0],
  ...[0x45, 0, 0, 32, 0, 1, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
  ...[8, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4],
])

/** Valid messages of every kind, from our own encoders. */
export const ownSeeds: readonly Uint8Array[] = [
  v5(3),
  v9([v9Template(256, simple), data(256, record(1), record(2, 1))]),
  v9([
    v9Options(257, [
      [1, 4],
      [48, 1],
      [34, 4],
    ]),
    data(257, [0, 0, 0, 0, 1, 0, 0, 0, 100]),
  ]),
  v9([
    v9Template(258, [
      [27, 16],
      [28, 16],
      [4, 1],
      [1, 8],
      [22, 4],
      [21, 4],
      [48, 1],
    ]),
    data(258, new Uint8Array(50)),
  ]),
  ipfix([
    ipfixTemplate(300, [...simple, [96, VARIABLE], [1, 5, 29_305], [7, 3, 9], [2, VARIABLE]]),
    data(300, record(3), [2, 104, 105], new Uint8Array(8), [3, 0, 0, 7]),
  ]),
  ipfix([
    ipfixOptions(301, [
      [95, 4],
      [96, VARIABLE],
      [160, 8],
    ]),
    data(301, [13, 0, 0, 1, 255, 0, 3, 97, 98, 99], new Uint8Array(8)),
  ]),
  ipfix([
    ipfixTemplate(302, [
      [8, 4],
      [12, 4],
      [27, 16],
      [28, 16],
      [4, 1],
      [160, 8],
      [22, 4],
      [292, VARIABLE],
    ]),
    data(302, new Uint8Array(53), [0]),
  ]),
  // Lists within lists (RFC 6313): of an element, of records of a template, of several templates.
  ipfix([
    ipfixTemplate(303, simple),
    ipfixTemplate(304, [...simple, [291, VARIABLE], [292, VARIABLE], [293, VARIABLE]]),
    data(
      304,
      record(4),
      [13, 3, 0, 96, 255, 255, 2, 97, 98, 3, 99, 100, 101, 0],
      [12, 4, 1, 47, ...record(5)],
      [1 + 4 + 9 + 4, 255, 1, 47, 0, 13, ...record(6), 1, 48, 0, 4],
    ),
  ]),
  // What a device says of its elements (RFC 5610) and of itself.
  ipfix([
    ipfixOptions(
      305,
      [
        [346, 4],
        [303, 2],
        [339, 1],
        [341, VARIABLE],
      ],
      2,
    ),
    data(305, [0, 0, 18, 103, 0, 5, 6, 3, 97, 98, 99]),
    ipfixOptions(306, [
      [149, 4],
      [130, 4],
      [300, VARIABLE],
      [309, 4],
      [310, 4],
    ]),
    data(306, [0, 0, 0, 1, 192, 0, 2, 1, 1, 97, 0, 0, 0, 1, 0, 0, 0, 100]),
    ipfixTemplate(307, [
      [8, 4],
      [12, 4],
      [5, 2, 4711],
      [309, 2],
      [310, 2],
      [403, 4],
    ]),
    data(307, new Uint8Array(36)),
  ]),
  // Packets instead of flows (IE 315, 313).
  ipfix([
    ipfixTemplate(308, [
      [312, 2],
      [315, VARIABLE],
    ]),
    data(308, [0, 64, echoFrame.length], echoFrame),
    ipfixTemplate(309, [[313, 28]]),
    data(309, echoFrame.subarray(18, 46)),
  ]),
]

/** Messages of the corpora, where they are there. */
export function corpusSeeds(corpora: string | undefined): Uint8Array[] {
  if (corpora === undefined) return []
  return ['flows', 'flows-malformed'].flatMap((name) => {
    const folder = join(corpora, name)
    return readdirSync(folder)
      .filter((file) => file.endsWith('.dat'))
      .map((file) => Uint8Array.from(readFileSync(join(folder, file))))
      .filter(({ length }) => length > 0 && length < 3000)
  })
}

const elements = [
  ...[1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 14, 21, 22, 27, 28, 32, 34, 48, 50, 56, 82, 83, 85, 95, 96, 130, 131],
  ...[
    136, 139, 148, 150, 152, 153, 154, 156, 158, 160, 161, 176, 177, 178, 210, 225, 231, 233, 234, 236, 242,
  ],
  ...[
    252, 281, 291, 292, 293, 302, 303, 305, 306, 309, 310, 313, 315, 339, 341, 346, 371, 403, 40_001, 57_591,
  ],
]
const lengths = [0, 1, 1, 2, 2, 3, 4, 4, 4, 4, 5, 8, 8, 9, 16, 16, 17, 32, 254, 255, VARIABLE, VARIABLE]
const words = [
  ...[0, 1, 2, 3, 4, 5, 8, 9, 10, 15, 16, 20, 127, 128, 254, 255, 256, 257, 258, 300, 304, 1023, 1024, 1025],
  ...[0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff],
]
/** Few ids and few domains, so that messages meet each other's state. */
const templateIds = [0, 2, 3, 255, 256, 257, 258, 259, 260, 300, 301, 302, 303, 304, 65_535]
const enterprises = [0, 9, 6871, 29_305, 35_632, 4711, 0xffffffff]
const times = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 1_780_315_200, 1_780_315_260]

type Message = { version: number; header: Uint8Array; sets: RawSet[] }

const u16 = (octets: Uint8Array, at: number) => ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0)

/** Takes a v9 or IPFIX message apart as far as its lengths allow. */
function parse(octets: Uint8Array): Message | undefined {
  const version = u16(octets, 0)
  if (version !== V9 && version !== IPFIX) return undefined
  const headerLength = version === V9 ? 20 : 16
  if (octets.length < headerLength) return undefined
  const sets: RawSet[] = []
  for (let at = headerLength; at + 4 <= octets.length; ) {
    const length = Math.max(4, u16(octets, at + 2))
    sets.push({ setId: u16(octets, at), body: octets.slice(at + 4, Math.min(octets.length, at + length)) })
    at += length
  }
  return { version, header: octets.slice(0, headerLength), sets }
}

function assemble({ version, header, sets }: Message, random: Random): Uint8Array {
  const message = concatenate([header, ...sets.map(buildSet)]).slice(0, MAX_OCTETS)
  if (version === IPFIX) putUint16(message, 2, message.length)
  if (random.integer(0, 15) === 0) {
    // One length that is wrong: the message's or a set's.
    let at = header.length
    const which = random.integer(0, sets.length)
    for (const { body } of sets.slice(0, which)) at += 4 + body.length
    const wrong = random.integer(0, 1) === 0 ? random.choice(words) : random.integer(0, 80)
    if (which === sets.length && version === IPFIX) putUint16(message, 2, wrong)
    else if (at + 4 <= message.length) putUint16(message, at + 2, wrong)
  }
  return message
}

export type Mutator = () => Uint8Array

/** Gives one message after the other, out of the seeds and of what was made of them. */
export function createMutator(random: Random, seeds: readonly Uint8Array[]): Mutator {
  const messages = seeds.map(parse).filter((message) => message !== undefined)

  const octets = (length: number): Uint8Array => {
    const fill = random.integer(0, 3)
    return Uint8Array.from({ length }, () =>
      fill === 0 ? 0 : fill === 1 ? random.integer(0, 3) : random.integer(0, 255),
    )
  }

  /** A template of any fields, and mostly data that fit it. */
  const fresh = (version: number): RawSet[] => {
    const isOptions = random.integer(0, 3) === 0
    const fields: Pair[] = Array.from({ length: random.integer(1, 12) }, () => {
      const length = random.choice(lengths)
      const usual: Pair = [random.choice(elements) & (version === V9 ? 0xffff : 0x7fff), length]
      if (version === V9 || random.integer(0, 4) > 0) return usual
      return [random.integer(0, 500), length, random.choice(enterprises)]
    })
    const templateId = random.choice(templateIds.slice(4))
    const template = {
      templateId,
      fields: fields.map(([elementId, length, enterprise]) =>
        enterprise === undefined ? { elementId, length } : { elementId, length, enterprise },
      ),
      ...(isOptions ? { scopeFieldCount: random.integer(0, fields.length) } : {}),
    }
    const definition =
      version === V9
        ? { setId: isOptions ? 1 : 0, body: netflowV9TemplateRecord(template) }
        : { setId: isOptions ? 3 : 2, body: ipfixTemplateRecord(template) }
    const body = concatenate(
      Array.from({ length: random.integer(0, 6) }, () =>
        concatenate(
          fields.map(([, length]) => {
            if (length !== VARIABLE) return octets(length)
            const size = random.integer(0, 12)
            return concatenate([Uint8Array.of(size), octets(size)])
          }),
        ),
      ),
    )
    const sets = [definition, { setId: templateId, body }]
    return random.integer(0, 9) === 0 ? sets.reverse() : sets
  }

  const changeHeader = ({ version, header }: Message) => {
    const at = version === V9 ? 12 : 8
    switch (random.integer(0, 3)) {
      case 0:
        putUint32(header, at, random.integer(0, 1) === 0 ? random.integer(0, 40) : random.choice(times))
        break
      case 1:
        putUint32(header, at + 4, random.integer(0, 3))
        break
      case 2:
        putUint32(header, version === V9 ? 8 : 4, random.choice(times))
        break
      default:
        if (version === V9) putUint32(header, 4, random.choice(times))
    }
  }

  const changeSet = (sets: RawSet[]) => {
    const index = random.integer(0, sets.length - 1)
    const set = sets[index]!
    const body = Uint8Array.from(set.body)
    const isTemplate = set.setId < 4
    switch (random.integer(0, 7)) {
      case 0:
        sets[index] = { setId: random.choice(templateIds), body }
        return
      case 1:
        sets.splice(index, 1)
        return
      case 2:
        sets.splice(random.integer(0, sets.length), 0, { setId: set.setId, body })
        return
      case 3: {
        const other = random.choice(messages)
        if (other.sets.length > 0) sets.splice(random.integer(0, sets.length), 0, random.choice(other.sets))
        return
      }
      case 4: {
        const at = random.integer(0, body.length)
        const cut = random.integer(0, 1) === 0
        const parts = cut
          ? [body.subarray(0, at)]
          : [body.subarray(0, at), octets(random.integer(1, 20)), body.subarray(at)]
        sets[index] = { setId: set.setId, body: concatenate(parts) }
        return
      }
      case 5:
        // A field of a template: its id, its length, or the count of fields.
        if (body.length >= 4) {
          const at = isTemplate
            ? 2 * random.integer(0, Math.floor(body.length / 2) - 1)
            : random.integer(0, body.length - 2)
          putUint16(body, at, random.choice(isTemplate ? [...lengths, ...elements, ...words] : words))
        }
        break
      case 6:
        // Withdrawals, of one and of all.
        sets.splice(random.integer(0, sets.length), 0, {
          setId: random.choice([2, 3]),
          body: Uint8Array.of(random.choice([0, 0, 1]), random.integer(0, 4), 0, 0),
        })
        return
      default:
        for (let left = random.integer(1, 4); left > 0 && body.length > 0; left--)
          body[random.integer(0, body.length - 1)] = random.choice([0, 1, 254, 255, random.integer(0, 255)])
    }
    sets[index] = { setId: set.setId, body }
  }

  const raw = (octetsIn: Uint8Array): Uint8Array => {
    let changed: Uint8Array = Uint8Array.from(octetsIn)
    for (let left = random.integer(1, 4); left > 0; left--) {
      const at = random.integer(0, Math.max(0, changed.length - 1))
      switch (random.integer(0, 4)) {
        case 0:
          changed[at] = (changed[at] ?? 0) ^ (1 << random.integer(0, 7))
          break
        case 1:
          putUint16(changed, at & ~1, random.choice(words))
          break
        case 2:
          changed = changed.slice(0, at)
          break
        case 3:
          changed = concatenate([changed, random.choice(seeds).subarray(random.integer(0, 20))])
          break
        default:
          changed = concatenate([
            changed.subarray(0, at),
            octets(random.integer(1, 40)),
            changed.subarray(at),
          ])
      }
      if (changed.length === 0) return Uint8Array.of(random.integer(0, 10))
    }
    return changed.slice(0, MAX_OCTETS)
  }

  return () => {
    const kind = random.integer(0, 9)
    if (kind === 0) return random.choice(seeds)
    if (kind <= 2) return raw(random.choice(seeds))
    const of = random.choice(messages)
    const message: Message = { ...of, header: Uint8Array.from(of.header), sets: [...of.sets] }
    if (kind === 3) message.sets = fresh(message.version)
    else if (kind === 4) message.sets.push(...fresh(message.version))
    for (let left = random.integer(0, 3); left > 0; left--) {
      if (random.integer(0, 2) === 0 || message.sets.length === 0) changeHeader(message)
      else changeSet(message.sets)
    }
    const whole = assemble(message, random)
    return random.integer(0, 19) === 0 ? raw(whole) : whole
  }
}

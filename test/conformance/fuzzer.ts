// A fuzzer that knows the structure of its messages (mutate.ts) and the state that they change: episodes of messages to
// decoders of four kinds. After every message: no exception, and no more steps than its octets allow; after every
// episode: bounds of state, the same result in runs and record by record, and a canary that decodes.
import { NetflowDecoder } from '#collectors/netflow/decoder.js'
import { renderElements } from '#collectors/netflow/render.js'
import type { DecoderSink } from '#collectors/netflow/sink.js'
import { type Exporter, TemplateStore } from '#collectors/netflow/template-store.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import type { Address } from '#core/records/address.js'
import { streams } from '#core/records/columns.js'
import { createRandom, type Random } from '#simulate/random.js'
import { data, record, simple, v9, v9Template } from '../collectors/netflow/datagrams.js'
import { createSflowMutator, makeSflowTarget } from './fuzz-sflow.js'
import { createMutator } from './mutate.js'

/** Steps of a decoder that one octet may cost, and those that a message may cost besides. */
export const STEPS_PER_OCTET = 24
export const STEPS_PER_MESSAGE = 256
/** Time that one message may take, with a collection of garbage in it. */
const MOST_MILLISECONDS = 2000
const START = 1_780_315_200_000

const limits = {
  templatesPerDomain: 20,
  templates: 100,
  fields: 2000,
  exporters: 12,
  domainsPerExporter: 20,
  domains: 60,
}
const MAX_HELD_OCTETS = 16 * 1024 * 1024

export type Input = { readonly octets: Uint8Array; readonly source: number; readonly at: number }

/**
 * `runs`: the receive path, for long. `both`: anew, with and without an observer. `sessions`: as over TCP. `sflow`: the
 * other decoder, with and without an observer.
 */
export const targetKinds = ['runs', 'runs', 'both', 'sessions', 'sflow'] as const
export type TargetKind = (typeof targetKinds)[number]

type Target = {
  readonly kind: TargetKind
  /** Throws when something is wrong. */
  feed(input: Input): void
  finish(): void
}

type Decoding = { decoder: NetflowDecoder; rows: number; refused: number }

function makeDecoding(isObserved: boolean): Decoding {
  const builders = streams.map((stream) => new BlockBuilder(stream, isObserved ? 1 : 64))
  const store = new TemplateStore(() => 0, limits)
  const sink: DecoderSink = {
    builder(stream) {
      const builder = builders[stream]!
      if (builder.rows >= builder.capacity) empty(builder)
      return builder
    },
    undecoded() {
      decoding.refused++
    },
    exporterEvent: () => {},
    templateLearnt: () => {},
    ...(isObserved
      ? {
          observer: {
            flow: (context, template, view, fields) =>
              void renderElements(template, view, fields, context.domain),
            options: (context, template, view, fields) =>
              void renderElements(template, view, fields, context.domain),
            template: () => {},
          },
        }
      : {}),
  }
  const decoding: Decoding = {
    decoder: new NetflowDecoder({ sink, store }),
    rows: 0,
    refused: 0,
  }
  const empty = (builder: BlockBuilder) => {
    decoding.rows += builder.rows
    builder.reset()
  }
  const { decoder } = decoding
  const { finish } = decoder
  decoder.finish = () => {
    finish.call(decoder)
    for (const builder of builders) empty(builder)
  }
  return decoding
}

const address = (last: number): Address => ({ family: 4, words: [0, 0, 0, 0xc0000200 + last] })
const sources = [1, 2, 3].map(address)
const canarySource = address(99)
const canary = v9([v9Template(999, simple), data(999, record(7))], { domain: 99 })

function check(decoding: Decoding, octets: number, run: () => void): void {
  const { decoder } = decoding
  const stepsBefore = decoder.steps
  const heldBefore = decoder.held.heldOctets
  const start = performance.now()
  run()
  const milliseconds = performance.now() - start
  const replayed = Math.max(0, heldBefore + octets - decoder.held.heldOctets)
  const most = STEPS_PER_OCTET * (octets + replayed) + STEPS_PER_MESSAGE
  const steps = decoder.steps - stepsBefore
  if (steps > most) throw new Error(`${steps} steps for ${octets} octets, ${replayed} of them replayed`)
  if (milliseconds > MOST_MILLISECONDS) throw new Error(`${Math.round(milliseconds)} ms for ${octets} octets`)
}

function checkBounds({ decoder }: Decoding): void {
  const domains = decoder.store.exporters.flatMap((exporter) => [...exporter.domains.values()])
  const templates = domains.flatMap((domain) => [...domain.templates.values()])
  const fields = templates.reduce((sum, { template }) => sum + template.fields.length, 0)
  const is = (what: string, got: number, most: number) => {
    if (got > most) throw new Error(`${got} ${what}, at most ${most} may be`)
  }
  is('exporters', decoder.store.exporters.length, limits.exporters)
  is('domains', domains.length, limits.domains)
  is('templates', templates.length, limits.templates)
  is('fields of templates', fields, limits.fields)
  is('octets held', decoder.held.heldOctets, MAX_HELD_OCTETS)
}

function feedCanary(decoding: Decoding, at: number): void {
  decoding.decoder.finish()
  const before = decoding.rows
  const view = new DataView(canary.buffer, canary.byteOffset, canary.length)
  decoding.decoder.datagram(view, canary.length, canarySource, 2055, at)
  decoding.decoder.finish()
  if (decoding.rows !== before + 1) throw new Error('the canary does not decode')
}

function viewOf({ octets }: Input): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.length)
}

function makeTarget(kind: TargetKind): Target {
  if (kind === 'sflow') {
    const target = makeSflowTarget(sources, canarySource)
    return {
      kind,
      feed: ({ octets, source, at }) => target.feed(octets, source, at),
      finish: target.finish,
    }
  }
  const main = makeDecoding(false)
  // Its place among the exporters is kept from the start.
  feedCanary(main, START)
  if (kind === 'sessions') {
    const open = new Map<number, Exporter | undefined>()
    return {
      kind,
      feed(input) {
        const { decoder } = main
        // Now and then a connection ends, and another begins.
        if (input.octets.length % 61 === 0) {
          const ended = open.get(input.source)
          if (ended !== undefined) decoder.endSession(ended)
          open.delete(input.source)
        }
        if (!open.has(input.source))
          open.set(input.source, decoder.store.session(sources[input.source]!, 4739, 1))
        const session = open.get(input.source)
        check(main, input.octets.length, () =>
          decoder.message(viewOf(input), input.octets.length, session, input.at),
        )
      },
      finish() {
        checkBounds(main)
        feedCanary(main, START)
      },
    }
  }
  const all = kind === 'both' ? [main, makeDecoding(true)] : [main]
  if (kind === 'both') feedCanary(all[1]!, START)
  return {
    kind,
    feed(input) {
      for (const decoding of all) {
        check(decoding, input.octets.length, () =>
          decoding.decoder.datagram(
            viewOf(input),
            input.octets.length,
            sources[input.source]!,
            2055,
            input.at,
          ),
        )
      }
    },
    finish() {
      for (const decoding of all) {
        checkBounds(decoding)
        feedCanary(decoding, START)
      }
      const [one, other] = all
      if (other !== undefined && (one!.rows !== other.rows || one!.refused !== other.refused))
        throw new Error(
          `in runs ${one!.rows} rows and ${one!.refused} refusals, one by one ${other.rows} and ${other.refused}`,
        )
    },
  }
}

export type Failure = {
  readonly kind: TargetKind | 'lines'
  readonly message: string
  /** The shortest sequence found that fails in the same way on a new decoder; else the episode. */
  readonly inputs: readonly Input[]
  readonly isReproducible: boolean
}

export type FuzzProgress = { readonly packets: number; readonly octets: number; readonly episodes: number }

export type FuzzOptions = {
  readonly packets: number
  readonly seed: number
  readonly seeds: readonly Uint8Array[]
  /** Ends earlier when this says so, asked between episodes. */
  readonly isOver?: () => boolean
  /** Called before each message. */
  readonly onInput?: (input: Input) => void
  readonly onEpisode?: (progress: FuzzProgress) => void
}

/** Runs episodes until so many messages were fed; stops at the first failure. */
export function fuzz(options: FuzzOptions): { progress: FuzzProgress; failure?: Failure } {
  const random = createRandom(options.seed)
  const mutateFlows = createMutator(random, options.seeds)
  const mutateSflow = createSflowMutator(random, options.seeds)
  const lasting = new Map<TargetKind, Target>([['runs', makeTarget('runs')]])
  let progress: FuzzProgress = { packets: 0, octets: 0, episodes: 0 }
  let at = START
  while (progress.packets < options.packets && options.isOver?.() !== true) {
    const kind = random.choice(targetKinds)
    const target = lasting.get(kind) ?? makeTarget(kind)
    const mutate = kind === 'sflow' ? mutateSflow : mutateFlows
    const inputs: Input[] = []
    let octets = 0
    try {
      for (let left = random.integer(20, 400); left > 0; left--) {
        at += nextTime(random)
        const input = { octets: mutate(), source: random.integer(0, sources.length - 1), at }
        inputs.push(input)
        octets += input.octets.length
        options.onInput?.(input)
        target.feed(input)
      }
      target.finish()
    } catch (error) {
      return { progress, failure: minimise(kind, inputs, error as Error) }
    }
    progress = {
      packets: progress.packets + inputs.length,
      octets: progress.octets + octets,
      episodes: progress.episodes + 1,
    }
    options.onEpisode?.(progress)
  }
  return { progress }
}

function nextTime(random: Random): number {
  // Now and then later than sets wait for their template.
  return random.integer(0, 999) === 0 ? 40 * 60_000 : random.integer(0, 2000)
}

/** Feeds inputs to a new target; the message of what goes wrong. */
function run(kind: TargetKind, inputs: readonly Input[]): string | undefined {
  const target = makeTarget(kind)
  try {
    for (const input of inputs) target.feed(input)
    target.finish()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** The kind of a fault, without its figures. */
const kindOf = (message: string) => message.replaceAll(/\d+/g, '#')

/** Finds a short sequence that fails in the same way on a new target. */
function minimise(kind: TargetKind, inputs: readonly Input[], error: Error): Failure {
  const wanted = kindOf(error.message)
  const fails = (candidate: readonly Input[]) => {
    const message = run(kind, candidate)
    return message !== undefined && kindOf(message) === wanted
  }
  const message = error.stack ?? error.message
  if (!fails(inputs)) return { kind, message, inputs, isReproducible: false }
  return { kind, message, inputs: shorten(inputs, fails), isReproducible: true }
}

/** Leaves out messages, and then octets of each, as long as it fails; gives up after some time. */
export function shorten(
  inputs: readonly Input[],
  fails: (candidate: readonly Input[]) => boolean,
): readonly Input[] {
  const until = Date.now() + 20_000
  let best = [...inputs]
  for (let size = Math.ceil(best.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < best.length && Date.now() < until; ) {
      const candidate = [...best.slice(0, from), ...best.slice(from + size)]
      if (candidate.length > 0 && fails(candidate)) best = candidate
      else from += size
    }
  }
  for (let index = 0; index < best.length; index++) {
    for (let size = Math.ceil(best[index]!.octets.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < best[index]!.octets.length && Date.now() < until; ) {
        const { octets, ...rest } = best[index]!
        const shorter = Uint8Array.from([...octets.subarray(0, from), ...octets.subarray(from + size)])
        const candidate = best.with(index, { ...rest, octets: shorter })
        if (fails(candidate)) best = candidate
        else from += size
      }
    }
  }
  return best
}

// `npm run fuzz -- --packets N|--lines N [--seed S] [--seconds T]`: runs the fuzzer of messages or of log lines in a thread,
// watches that it goes on and that its memory stays, and prints what failed as hex. Exit 1 when something failed.
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { corporaFolder } from '../collectors/netflow/probe.js'
import { fuzzLines } from './fuzz-syslog.js'
import { type Failure, type FuzzProgress, fuzz } from './fuzzer.js'
import { corpusSeeds, ownSeeds } from './mutate.js'

type Setup = { packets: number; lines: number; seed: number; seconds: number; shared: SharedArrayBuffer }
type Said =
  | { type: 'done'; progress: FuzzProgress; failure?: Failure; heap: HeapFigures }
  | { type: 'progress'; progress: FuzzProgress; heap: HeapFigures }
type HeapFigures = { firstMiB: number; nowMiB: number; mostMiB: number }

/** Messages before the heap is first looked at. */
const WARM_UP = 100_000
const BETWEEN_LOOKS = 100_000
/** What the heap may hold more than after the warm-up. */
const HEAP_GROWTH_MIB = 24
/** No message may take longer; the thread is then ended and what it was at is printed. */
const HANG_MILLISECONDS = 30_000
/** Two words: messages begun, octets of the one in hand; and its octets. */
const SHARED_HEAD = 8

if (isMainThread) main()
else work(workerData as Setup)

function main(): void {
  const { values } = parseArgs({
    options: {
      packets: { type: 'string', default: '100000' },
      lines: { type: 'string', default: '0' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      seconds: { type: 'string', default: '0' },
    },
  })
  const numbers = [values.packets, values.lines, values.seed, values.seconds].map(Number)
  const [packets, lines, seed, seconds] = numbers
  if (!numbers.every(Number.isSafeInteger)) {
    process.stderr.write('usage: npm run fuzz -- [--packets N | --lines N] [--seed S] [--seconds T]\n')
    process.exit(2)
  }
  const corpora = corporaFolder()
  const say = (line: string) => process.stdout.write(`${line}\n`)
  say(
    `fuzz: ${lines! > 0 ? `${lines} log lines` : `${packets} messages`}, seed ${seed}${seconds! > 0 ? `, at most ${seconds} s` : ''}`,
  )
  if (corpora === undefined) say('fuzz: the corpora are not there; seeds are those of our encoders alone')
  const shared = new SharedArrayBuffer(SHARED_HEAD + 65_536)
  const head = new Int32Array(shared, 0, 2)
  const setup: Setup = { packets: packets!, lines: lines!, seed: seed!, seconds: seconds!, shared }
  const start = performance.now()
  const rate = (fed: number) => Math.round(fed / ((performance.now() - start) / 1000))
  const worker = new Worker(new URL(import.meta.url), {
    workerData: setup,
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  })
  let seen = 0
  let seenAt = performance.now()
  const watch = setInterval(() => {
    const now = Atomics.load(head, 0)
    if (now !== seen) {
      seen = now
      seenAt = performance.now()
      return
    }
    if (performance.now() - seenAt < HANG_MILLISECONDS) return
    say(`fuzz: FAILED: no end of message ${now} within ${HANG_MILLISECONDS / 1000} s (seed ${seed}):`)
    say(Buffer.from(new Uint8Array(shared, SHARED_HEAD, Atomics.load(head, 1))).toString('hex'))
    process.exit(1)
  }, 500)
  worker.on('message', (said: Said) => {
    const { progress, heap } = said
    const figures = `${progress.packets} messages, ${progress.episodes} episodes, ${rate(progress.packets)} messages/s, heap ${heap.nowMiB} MiB (${heap.firstMiB} at first, ${heap.mostMiB} at most)`
    if (said.type === 'progress') {
      say(`fuzz: ${figures}`)
      return
    }
    clearInterval(watch)
    const isFlat = heap.mostMiB - heap.firstMiB <= HEAP_GROWTH_MIB
    if (said.failure !== undefined) tell(said.failure, seed!, say)
    if (!isFlat) say(`fuzz: FAILED: the heap grew by more than ${HEAP_GROWTH_MIB} MiB`)
    const isGood = said.failure === undefined && isFlat
    say(
      `fuzz: ${isGood ? 'ok' : 'FAILED'}: ${figures}, ${Math.round(progress.octets / 1e6)} MB, ${Math.round(performance.now() - start) / 1000} s`,
    )
    process.exitCode = isGood ? 0 : 1
  })
  worker.on('error', (error) => {
    say(`fuzz: FAILED: ${error instanceof Error ? error.stack : String(error)}`)
    process.exit(1)
  })
}

function tell({ kind, message, inputs, isReproducible }: Failure, seed: number, say: (line: string) => void) {
  say(`fuzz: FAILED (seed ${seed}, ${kind}): ${message}`)
  say(isReproducible ? 'the shortest sequence found:' : 'only after all that came before; its last episode:')
  for (const { octets, source, at } of inputs)
    say(`  source ${source} at ${at}: ${Buffer.from(octets).toString('hex')}`)
}

function work({ packets, lines, seed, seconds, shared }: Setup): void {
  const head = new Int32Array(shared, 0, 2)
  const octets = new Uint8Array(shared, SHARED_HEAD)
  const until = seconds > 0 ? Date.now() + seconds * 1000 : Number.POSITIVE_INFINITY
  const heap: HeapFigures = { firstMiB: 0, nowMiB: 0, mostMiB: 0 }
  const look = () => {
    globalThis.gc?.()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    heap.nowMiB = Math.round((heapUsed + arrayBuffers) / 1024 / 1024)
    if (heap.firstMiB === 0) heap.firstMiB = heap.nowMiB
    heap.mostMiB = Math.max(heap.mostMiB, heap.nowMiB)
  }
  let lookAt = Math.min(WARM_UP, (lines > 0 ? lines : packets) / 2)
  let sayAt = Date.now() + 5000
  const begin = (given: Uint8Array) => {
    octets.set(given.subarray(0, octets.length))
    Atomics.store(head, 1, Math.min(given.length, octets.length))
    Atomics.add(head, 0, 1)
  }
  const goOn = (now: FuzzProgress) => {
    if (now.packets >= lookAt) {
      look()
      lookAt = now.packets + BETWEEN_LOOKS
    }
    if (Date.now() < sayAt) return
    sayAt = Date.now() + 5000
    parentPort!.postMessage({ type: 'progress', progress: now, heap } satisfies Said)
  }
  const isOver = () => Date.now() > until
  const { progress, failure } =
    lines > 0
      ? lineFuzzer(lines, seed, isOver, begin, goOn)
      : fuzz({
          packets,
          seed,
          seeds: [...ownSeeds, ...corpusSeeds(corporaFolder())],
          isOver,
          onInput: (input) => begin(input.octets),
          onEpisode: goOn,
        })
  look()
  parentPort!.postMessage({
    type: 'done',
    progress,
    heap,
    ...(failure === undefined ? {} : { failure }),
  } satisfies Said)
}

/** The fuzzer of lines, its figures and failures in the words of the other. */
function lineFuzzer(
  lines: number,
  seed: number,
  isOver: () => boolean,
  begin: (octets: Uint8Array) => void,
  goOn: (progress: FuzzProgress) => void,
): { progress: FuzzProgress; failure?: Failure } {
  const words = (now: { lines: number; octets: number; connections: number }): FuzzProgress => ({
    packets: now.lines,
    octets: now.octets,
    episodes: now.connections,
  })
  const { progress, failure } = fuzzLines({
    lines,
    seed,
    corpora: corporaFolder(),
    isOver,
    onLine: (line) => begin(Buffer.from(line, 'latin1')),
    onProgress: (now) => goOn(words(now)),
  })
  if (failure === undefined) return { progress: words(progress) }
  const input = { octets: Buffer.from(failure.line, 'latin1'), source: 0, at: 0 }
  return {
    progress: words(progress),
    failure: { kind: 'lines', message: failure.message, inputs: [input], isReproducible: true },
  }
}

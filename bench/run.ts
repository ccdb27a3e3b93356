/**
 * `npm run bench`: what decoding, encoding and scanning cost on this machine, with a fixed seed and traffic of the
 * simulated company. Each figure is the best of several rounds in one process; compare within one run only.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFlowIntake } from '#collectors/flow-intake.js'
import type { BlockBuilder } from '#core/blocks/builder.js'
import { encodeBlock } from '#core/blocks/encode.js'
import { type Address, parseAddress } from '#core/records/address.js'
import { FlowColumnIndex } from '#core/records/columns.js'
import { createBlockStore } from '#core/store/blocks.js'
import { emptyScanCounts, scan } from '#core/store/scan.js'
import { createBlockWriter } from '#core/store/writer.js'
import { smallCompany } from '#simulate/small-company.js'
import { emptyingWriter } from './emptying-writer.js'
import { best, print, ROUNDS } from './figures.js'
import { benchQuery } from './query.js'
import { benchSyslog } from './syslog.js'

const SEED = 1

type Prepared = { view: DataView; length: number; address: Address; port: number; time: number }

const flows: Prepared[] = []
for (const { payload, exporterAddress, listenerPort, timeMilliseconds } of smallCompany(SEED).datagrams) {
  if (listenerPort !== 5514) {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
    flows.push({
      view,
      length: payload.length,
      address: parseAddress(exporterAddress)!,
      port: listenerPort,
      time: timeMilliseconds,
    })
  }
}
process.stdout.write(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node.js ${process.version}, seed ${SEED}\n\n`,
)

let rows = 0
const decodeAll = (onFull: (builder: BlockBuilder) => void) => {
  const writer = emptyingWriter(onFull)
  const { decoder } = createFlowIntake({ writer })
  for (const { view, length, address, port, time } of flows)
    decoder.datagram(view, length, address, port, time)
  writer.seal()
}
decodeAll((builder) => {
  rows += builder.rows
})
print(
  'decode to columns (v5, v9, IPFIX; 12 a packet)',
  best(rows, () => decodeAll(() => {})),
  'records/s',
)

let octets = 0
const encoded = best(rows, () => {
  octets = 0
  decodeAll((builder) => {
    octets += encodeBlock(builder, [{ firstSequence: 1, rows: builder.rows }], 0).length
  })
})
print('decode and encode blocks', encoded, 'records/s')
print('size', octets / rows, 'octets/record')

benchSyslog((onOctets) =>
  emptyingWriter((builder) =>
    onOctets(encodeBlock(builder, [{ firstSequence: 1, rows: builder.rows }], 0).length),
  ),
)

const folder = await mkdtemp(join(tmpdir(), 'culvert-bench-'))
const store = createBlockStore({ location: join(folder, 'blocks'), isFirst: true })
await store.open()
const writer = createBlockWriter({
  store,
  now: () => 0,
  onFailure: (error) => {
    throw error
  },
})
const { decoder } = createFlowIntake({ writer })
const REPEATS = 40
for (let repeat = 0; repeat < REPEATS; repeat++) {
  for (const { view, length, address, port, time } of flows)
    decoder.datagram(view, length, address, port, time)
  await writer.drained()
}
await writer.flush()
let fastest = Number.POSITIVE_INFINITY
let read = 0
for (let round = 0; round < ROUNDS; round++) {
  const counts = emptyScanCounts()
  let sum = 0
  const began = performance.now()
  const window = { stream: 'flow4' as const, fromMilliseconds: 0, toMilliseconds: Number.MAX_SAFE_INTEGER }
  for await (const { block, rows: selected } of scan(store, window, counts)) {
    const [low] = block.column(FlowColumnIndex.octets)!
    for (const row of selected) sum += low![row]!
  }
  fastest = Math.min(fastest, performance.now() - began)
  read = sum > 0 ? counts.rowsRead : 0
}
print('scan and sum one column from LevelDB', (read * 1000) / fastest, 'rows/s')
await store.close()
await rm(folder, { recursive: true, force: true })

await benchQuery()

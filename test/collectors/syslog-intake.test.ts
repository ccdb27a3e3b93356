/** The way of log lines into the store, where there are too many senders. */
import t from 'tap'
import { createSyslogIntake } from '#collectors/syslog-intake.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { streams } from '#core/records/columns.js'
import type { BlockWriter } from '#core/store/writer.js'

t.test('each line of a sender that is one too many is told of', async (t) => {
  const builders = streams.map((stream) => new BlockBuilder(stream, 64))
  const builder = (stream: number) => {
    if (builders[stream]!.isFull) builders[stream]!.reset()
    return builders[stream]!
  }
  let refused = 0
  const intake = createSyslogIntake({
    writer: { builder } as BlockWriter,
    zoneOf: () => undefined,
    onRefused: () => refused++,
  })
  for (let sender = 0; sender < 16_387; sender++)
    intake.line('<13>hello', { family: 4, words: [0, 0, 0, sender] }, 5514, 0, 1_700_000_000_000)
  t.equal(intake.exporters.size, 16_384)
  t.equal(refused, 3)
})

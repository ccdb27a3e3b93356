/** The way of log lines into the store, where there are too many senders. */
import t from 'tap'
import { FORGOTTEN_MILLISECONDS } from '#collectors/exporter-table.js'
import { createSyslogIntake } from '#collectors/syslog-intake.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { streams } from '#core/records/columns.js'
import type { BlockWriter } from '#core/store/writer.js'

t.test('each line of a sender that is one too many is told of, until others have been silent', async (t) => {
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
  const NOW = 1_700_000_000_000
  const hear = (sender: number, atMilliseconds: number) =>
    intake.line('<13>hello', { family: 4, words: [0, 0, 0, sender] }, 5514, 0, atMilliseconds)
  for (let sender = 0; sender < 16_387; sender++) hear(sender, NOW)
  t.equal(intake.exporters().length, 16_384)
  t.equal(refused, 3)
  hear(7, NOW + FORGOTTEN_MILLISECONDS - 1)
  hear(20_000, NOW + FORGOTTEN_MILLISECONDS)
  t.same(
    intake.exporters().map(({ identity, lines }) => [identity.address.words[3], lines]),
    [
      [7, 2],
      [20_000, 1],
    ],
    'who has been silent has made room',
  )
  t.equal(refused, 3)
})

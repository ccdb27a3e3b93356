/** `culvert coverage`: what each detector can see at each exporter of a running appliance, and what mends it. */
import type { Command } from 'commander'
import type { CoverageEntry } from '#core/coverage/matrix.js'
import { printable } from '#core/printable.js'
import { type ApiOptions, addApplianceOptions, askAppliance } from '../appliance-api.js'
import { openOutput } from '../output.js'

type CoverageOptions = ApiOptions & { detector?: string; state?: string; json?: boolean }

export function registerCoverage(program: Command): void {
  const command = program
    .command('coverage')
    .description(
      'what each detector can see at each exporter: full, degraded or blind, why, and what mends it',
    )
  addApplianceOptions(command, 'viewer')
    .option('--detector <id>', 'only this detector')
    .option('--state <state>', 'only full, degraded or blind')
    .option('--json', 'JSON Lines')
    .action(runCoverage)
}

async function runCoverage(options: CoverageOptions): Promise<void> {
  const output = openOutput()
  const filters = new URLSearchParams({ limit: '1000' })
  if (options.detector !== undefined) filters.set('detector', options.detector)
  if (options.state !== undefined) filters.set('state', options.state)
  let entries = 0
  for (;;) {
    const answer = await askAppliance(options, `coverage?${filters}`)
    const page = (await answer.json()) as { items: CoverageEntry[]; nextCursor?: string }
    for (const entry of page.items) {
      entries++
      if (options.json === true) output.line(entry)
      else output.text(describe(entry))
      await output.drained()
    }
    if (page.nextCursor === undefined) break
    filters.set('cursor', page.nextCursor)
  }
  if (entries === 0 && options.json !== true) output.text('No exporter, or none of that kind.\n')
}

function describe({ address, listenerPort, kind, detector, state, reasons }: CoverageEntry): string {
  const lines = [`${state.padEnd(8)} ${detector} at ${address} (port ${listenerPort}, ${kind})`]
  for (const { text, remedy, state: makes } of reasons) {
    lines.push(`  - ${makes === 'note' ? 'note: ' : ''}${text}`)
    if (remedy === undefined) continue
    lines.push(`    ${remedy.text}`)
    for (const { platform, lines: commands } of remedy.commands)
      lines.push(`    ${platform}:`, ...commands.map((command) => `      ${command}`))
  }
  return `${lines.map(printable).join('\n')}\n`
}

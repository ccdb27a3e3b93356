/** Rows of a store that match a filter, printed page by page. */
import type { BlockStore } from '#core/store/block-store.js'
import { findHoles } from '#core/store/holes.js'
import type { PartialReason } from '#core/store/query/effort.js'
import type { Filter } from '#core/store/query/filter.js'
import { markLostOfPage } from '#core/store/query/lost.js'
import { queryRows, type RowQuery } from '#core/store/query/rows.js'
import { openOutput } from './output.js'
import { type QueryOptions, warnOfDamage, windowOf } from './query-options.js'
import { type Format, openTable } from './table.js'

/** Rows asked for at a time. */
const PAGE = 10_000

/** What a line about a row shows. */
const rowColumns = [
  'receivedMilliseconds',
  'exporterAddress',
  'protocolIdentifier',
  'sourceAddress',
  'sourceTransportPort',
  'destinationAddress',
  'destinationTransportPort',
  'icmpType',
  'icmpCode',
  'octets',
  'packets',
  'reverseOctets',
  'reversePackets',
  'startMilliseconds',
  'endMilliseconds',
  'applicationName',
  'action',
  'outcome',
  'ruleName',
  'userName',
] as const
/** Of these a table shows fewer, to fit a terminal. */
const tableColumns = rowColumns.slice(0, 11)

/** Reads in this thread: another one takes longer to start than most pages to read. */
export async function printRows(
  store: BlockStore,
  filter: Filter,
  options: QueryOptions,
  format: Format,
): Promise<void> {
  const damage = await findHoles(store, store.sequence.next())
  const columns = format === 'csv' ? rowColumns : tableColumns
  const output = openTable(format, columns, openOutput())
  let left = options.limit
  let blocksFailed = 0
  const reasons = new Set<PartialReason>()
  let cursor: string | undefined
  do {
    const query: RowQuery = {
      ...windowOf(options),
      filter,
      // JSON has everything that a row has.
      ...(format === 'json' ? {} : { columns }),
      limit: Math.min(PAGE, left),
      ...(cursor === undefined ? {} : { cursor }),
    }
    const page = markLostOfPage(await queryRows(store, query), query, damage)
    for (const row of page.rows) output.row(row as Record<string, unknown>)
    await output.drained()
    left -= page.rows.length
    blocksFailed += page.blocksFailed
    for (const reason of page.partialReasons) reasons.add(reason)
    cursor = page.nextCursor
  } while (cursor !== undefined && left > 0)
  output.end()
  warnOfDamage(blocksFailed, reasons.has('lost'))
}

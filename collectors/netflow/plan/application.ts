/** What application a flow is of, by its name. */
import { FlowColumnIndex } from '#core/records/columns.js'
import type { Kernel } from '../kernels.js'
import * as kernels from '../kernels.js'
import { applicationKey } from '../names.js'
import type { RowDraft } from './draft.js'

const Column = FlowColumnIndex

/** PAN-OS, "NetFlow Templates". */
const PALO_ALTO_APP_ID = 56701
/** Names of applications that vendors send in elements of their own: nProbe (also in v9), Ixia, Procera, Sophos. */
const vendorApplicationNames = ['35632/119', 57591, PALO_ALTO_APP_ID, '3054/111', '15397/1', '9789/2']

/** IE 96 of the record itself, else the name that options data give for its IE 95, else a vendor's own element. */
export function addApplicationName(draft: RowDraft): void {
  const { find } = draft
  for (const element of [96, ...vendorApplicationNames])
    if (draft.add(Column.applicationName, find(element), kernels.text)) break
  const field = find(95)
  if (field < 0 || find(96) >= 0) return
  const kernel: Kernel = (context, builder, column, row, view, offset, length, stride, count) => {
    const to = builder.planes[column]![0] as Uint32Array
    const { applications } = context.domain
    if (applications.size === 0) return
    for (let index = 0, at = offset; index < count; index++, at += stride) {
      const application = applications.get(applicationKey(view, at, length))
      if (application !== undefined) to[row + index] = builder.textIndex(column, application.name)
    }
  }
  draft.add(Column.applicationName, field, kernel)
}

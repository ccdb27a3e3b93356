/** What a sender can be ordered to send. */
import type { FlowLoadOptions } from './flow-load.js'
import type { FlowProtocol } from './layouts.js'
import type { SyslogLoadOptions } from './syslog-load.js'

export type Traffic =
  | (Omit<FlowLoadOptions, 'protocol' | 'epochMilliseconds'> & { readonly kind: FlowProtocol })
  | (Omit<SyslogLoadOptions, 'epochMilliseconds'> & { readonly kind: 'syslog' })
  | { readonly kind: 'blank'; readonly octets: number }

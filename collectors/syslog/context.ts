/** What a parser must be told about the exporter of a line. */
import type { Directions } from './directions.js'
import type { SyslogProduct } from './product.js'

/** Settings of one exporter; one object per exporter, kept between lines. */
export type SyslogContext = {
  /** When the line arrived, epoch ms: decides the year that RFC 3164 leaves out. NaN: no year is guessed. */
  receivedMilliseconds: number
  /** IANA zone of the device's clock, used where the line names none. */
  zone?: string
  /** Who opened which connection (Cisco ASA); without it closing lines keep the order that they are written in. */
  directions?: Directions
  /** Products that the configuration describes; they are asked before those that are known. */
  mapped?: readonly SyslogProduct[]
  /** The product of the exporter's last line, asked first for the next; kept by the registry. */
  product?: SyslogProduct
}

/** Text from devices as a terminal or a page may show it: no control characters, no escape sequences, no direction overrides. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\u00b7')
}

// Texts by their octets: found again whatever way they came, never taken for each other, on disk as the format says.
import fc from 'fast-check'
import t from 'tap'
import { decodeStrings } from '#core/blocks/codecs.js'
import { TextDictionary, type TextOctets } from '#core/blocks/text-dictionary.js'

/** The octets of a text at an offset, with something else around them. */
function octetsOf(text: Uint8Array, at: number): TextOctets {
  const octets = new Uint8Array(at + text.length + 8).fill(0x2a)
  octets.set(text, at)
  return { octets, view: new DataView(octets.buffer) }
}

t.test('a text has one number, as a string and as octets, and goes to disk as the format says', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.boolean(), fc.nat(7)), {
        maxLength: 900,
      }),
      (texts) => {
        const dictionary = new TextDictionary()
        for (let round = 0; round < 2; round++) {
          const numbers = new Map<string, number>()
          for (const [text, isString, at] of texts) {
            const utf8 = Buffer.from(text)
            const index = isString
              ? dictionary.indexOf(text)
              : dictionary.indexOfOctets(octetsOf(utf8, at), at, at + utf8.length)
            const number = numbers.get(utf8.toString()) ?? numbers.size + 1
            if (index !== number) throw new Error(`${JSON.stringify(text)} is ${index}, not ${number}`)
            numbers.set(utf8.toString(), number)
          }
          const expected = ['', ...numbers.keys()]
          t.strictSame(dictionary.strings(), expected)
          t.strictSame(decodeStrings(dictionary.encoded()), expected)
          t.equal(dictionary.count, numbers.size)
          dictionary.clear()
        }
      },
    ),
    { numRuns: 30 },
  )
})

t.test('a plain text is ASCII without NUL and without the mark of what is escaped', async (t) => {
  const dictionary = new TextDictionary()
  const plain = (text: string, mark: number) => {
    const octets = Buffer.from(text, 'latin1')
    return dictionary.indexOfPlain(octetsOf(octets, 3), 3, 3 + octets.length, mark)
  }
  for (const length of [1, 2, 3, 4, 5, 7, 8, 9, 16, 17]) {
    const text = 'abcdefghijklmnopq'.slice(0, length)
    const known = plain(text, 0x5c)
    t.ok(known > 0)
    t.equal(dictionary.indexOf(text), known)
    for (let at = 0; at < length; at++) {
      const put = (character: string) => text.slice(0, at) + character + text.slice(at + 1)
      t.equal(plain(put('\\'), 0x5c), 0, `a backslash at ${at} of ${length}`)
      t.equal(plain(put('\u00e4'), 0), 0, `an octet above 0x7f at ${at} of ${length}`)
      t.equal(plain(put('\u0000'), 0), 0, `a NUL at ${at} of ${length}`)
      t.not(plain(put('Z'), 0x5c), known, `another octet at ${at} of ${length} is another text`)
    }
  }
  t.ok(plain('a\\b', 0) > 0, 'without a mark anything in ASCII is plain')
})

t.test('octets that are appended stand for characters, and are not looked for', async (t) => {
  const dictionary = new TextDictionary()
  const texts = ['line', 'line', 'B\u00fcro \u00ff\u0000', 'x'.repeat(70_000), '\u00fc'.repeat(300)]
  for (const [index, text] of texts.entries()) {
    const octets = Buffer.from(text, 'latin1')
    t.equal(dictionary.appendLatin1(octetsOf(octets, 1), 1, 1 + octets.length), index + 1)
  }
  t.strictSame(decodeStrings(dictionary.encoded()), ['', ...texts])
  t.strictSame(dictionary.strings(), ['', ...texts])
})

t.test('the highest bit of an octet is seen wherever it stands', async (t) => {
  for (let length = 1; length < 12; length++) {
    const dictionary = new TextDictionary()
    const put = (text: string) => {
      // What stands before and behind is no part of it.
      const octets = Buffer.from(`\u00ff${text}\u00ff\u00ff\u00ff`, 'latin1')
      return dictionary.appendLatin1(octetsOf(octets, 2), 3, 3 + length)
    }
    const texts = ['a'.repeat(length)]
    for (let at = 0; at < length; at++) texts.push(`${'a'.repeat(at)}\u0080${'a'.repeat(length - at - 1)}`)
    texts.push('b'.repeat(length))
    for (const [index, text] of texts.entries()) t.equal(put(text), index + 1)
    t.strictSame(decodeStrings(dictionary.encoded()), ['', ...texts], `${length} octets`)
    t.strictSame(dictionary.strings(), ['', ...texts])
  }
})

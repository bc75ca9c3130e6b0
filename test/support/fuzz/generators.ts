import fc, { type Arbitrary } from 'fast-check'

/** Looks like a key, and may be in no sentence of ours. */
export const SECRET = 'sk-fuzz-M4RKERM4RKER0123456789'

const ODD_TEXTS = [
  '',
  ' ',
  '\0',
  '\n',
  '\r',
  '\r\n',
  '\t',
  '\u0085',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\ufffd',
  '\u200b',
  '\u202e',
  '\u2066',
  '\ud800',
  '\udc00',
  '\u{1f468}\u200d\u{1f469}',
  '\u{e0041}',
  'e\u0301',
  '\u001b[31m',
  '\u001b]0;x\u0007',
  '“',
  '”',
  '"',
  "'",
  '`',
  '\\',
  '\\u0000',
  '%00',
  '%',
  '%ff',
  '+',
  '&',
  '=',
  '#',
  '?',
  '..',
  '../',
  '/',
  '//',
  ':',
  '-',
  '--',
  '{}',
  '[]',
  'null',
  'true',
  '0',
  '-1',
  '1e999',
  'NaN',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '<script>',
  '![x](https://evil.example/x)',
  '```',
  '<<<0123456789abcdef end',
  'data: x',
  '\n\n',
  'https://evil.example/',
  'Bearer eyJhbGciOiJub25lIn0.eyJhIjoxfQ.x',
  SECRET,
]

const oddText: Arbitrary<string> = fc.constantFrom(...ODD_TEXTS)

/** Texts that others might have written, or might have written to do harm; seldom a long one. */
export const text: Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: oddText },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 3, arbitrary: fc.array(oddText, { maxLength: 5 }).map((parts) => parts.join('')) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.oneof(oddText, fc.string({ maxLength: 3 })), fc.nat(3000))
      .map(([unit, n]) => unit.repeat(n)),
  },
)

/** Without halves of characters, as a text is once it has been UTF-8. */
export function whole(said: string): string {
  return Buffer.from(said).toString()
}

/** Letters, digits and what stands between them in names and tokens. */
export function word(maxLength = 20): Arbitrary<string> {
  const units = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~']
  return fc.string({ unit: fc.constantFrom(...units), minLength: 1, maxLength })
}

export const number: Arbitrary<number> = fc.oneof(
  fc.constantFrom(
    0,
    1,
    -1,
    0.5,
    2,
    60,
    99.9,
    100,
    101,
    1000,
    1e-7,
    2 ** 31,
    2 ** 53,
    1e15,
    1e21,
    1e300,
    -1e300,
    5e-324,
  ),
  fc.integer(),
  // JSON has no zero below zero.
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
)

/** Any JSON, with keys that mean something to JavaScript. */
export const json: Arbitrary<unknown> = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    { weight: 3, arbitrary: text },
    { weight: 2, arbitrary: number },
    { weight: 1, arbitrary: fc.constantFrom(null, true, false) },
    { weight: 1, arbitrary: fc.array(tie('json'), { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.array(fc.tuple(text, tie('json')), { maxLength: 4 }).map(objectOf) },
  ),
})).json

/** With own keys, also where one is `__proto__`. */
function objectOf(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries)
}

interface Edit {
  at: number
  how: 'drop' | 'replace' | 'wrap' | 'double' | 'rename'
  by: unknown
  name: string
}

const edit: Arbitrary<Edit> = fc.record({
  at: fc.nat(1000),
  how: fc.constantFrom('drop', 'replace', 'replace', 'wrap', 'double', 'rename'),
  by: json,
  name: fc.oneof(oddText, word(8)),
})

/** What `valid` gives, as it is or with a few parts changed: the kind of wrong that gets past the first look. */
export function damaged(valid: Arbitrary<unknown>): Arbitrary<unknown> {
  return fc.tuple(valid, fc.array(edit, { maxLength: 3 })).map(([value, edits]) => edits.reduce<unknown>(edited, value))
}

function edited(value: unknown, { at, how, by, name }: Edit): unknown {
  const count = sizeOf(value)
  let left = at % count
  const walk = (part: unknown): unknown => {
    if (left-- === 0) return how === 'wrap' ? [part] : how === 'double' ? [part, part] : by
    if (Array.isArray(part)) return part.flatMap((item) => (drops(item) ? [] : [walk(item)]))
    if (!isObject(part)) return part
    return objectOf(
      Object.entries(part).flatMap(([key, item]) => {
        if (drops(item)) return []
        return [[left === 0 && how === 'rename' ? name : key, walk(item)] as const]
      }),
    )
  }
  const drops = (item: unknown) => {
    if (left !== 0 || how !== 'drop') return false
    left -= sizeOf(item)
    return true
  }
  return walk(value)
}

function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + sizeOf(item), 1)
  return isObject(value) ? Object.values(value).reduce((sum: number, item) => sum + sizeOf(item), 1) : 1
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

interface TextEdit {
  at: number
  length: number
  how: 'insert' | 'cut' | 'end' | 'repeat'
  by: string
}

const textEdit: Arbitrary<TextEdit> = fc.record({
  at: fc.nat(100_000),
  length: fc.nat(30),
  how: fc.constantFrom('insert', 'insert', 'cut', 'end', 'repeat'),
  by: text,
})

/** A text of `valid`, as it is or with a few places changed. */
export function damagedText(valid: Arbitrary<string>): Arbitrary<string> {
  return fc.tuple(valid, fc.array(textEdit, { maxLength: 3 })).map(([said, edits]) => edits.reduce(textEdited, said))
}

function textEdited(whole: string, { at, length, how, by }: TextEdit): string {
  const from = at % (whole.length + 1)
  const part = whole.slice(from, from + length)
  const rest = whole.slice(from + length)
  if (how === 'end') return whole.slice(0, from)
  if (how === 'insert') return whole.slice(0, from) + by + whole.slice(from)
  return whole.slice(0, from) + (how === 'cut' ? '' : part + part) + rest
}

/** The text of JSON, whole, broken, with keys that occur twice, or nested deeper than a program likes. */
export function jsonText(valid: Arbitrary<unknown>): Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: damaged(valid).map((value) => JSON.stringify(value)) },
    { weight: 3, arbitrary: damagedText(valid.map((value) => JSON.stringify(value))) },
    { weight: 1, arbitrary: fc.nat(3).map((n) => nested(10 ** n * 20)) },
  )
}

export function nested(depth: number, inner = '0'): string {
  return '{"a":['.repeat(depth) + inner + ']}'.repeat(depth)
}

/** Bytes, kept as text in which each character is one. */
const bytes: Arbitrary<string> = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array).toString('latin1'))

/** The UTF-8 of a text, with a few bytes changed. */
export function damagedBytes(valid: Arbitrary<string>): Arbitrary<string> {
  return damagedLatin(valid.map((whole) => Buffer.from(whole).toString('latin1')))
}

/** The same of bytes that are no text, one character for each. */
export function damagedLatin(latin: Arbitrary<string>): Arbitrary<string> {
  const byteEdit = fc.record({
    at: fc.nat(100_000),
    length: fc.nat(8),
    how: fc.constantFrom('insert' as const, 'cut' as const, 'end' as const, 'repeat' as const),
    by: bytes,
  })
  return fc.tuple(latin, fc.array(byteEdit, { maxLength: 3 })).map(([whole, edits]) => edits.reduce(textEdited, whole))
}

export function bytesOf(latin: string): Buffer {
  return Buffer.from(latin, 'latin1')
}

/** Where a text or bytes are cut into pieces, as parts of the whole. */
export const cuts: Arbitrary<readonly number[]> = fc.array(fc.nat(100_000), { maxLength: 6 })

/** The bytes in pieces, empty ones too. */
export function piecesOf(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length]
  return at.slice(1).map((end, index) => whole.subarray(at[index], end))
}

/** Headers as they may come: a name that is none is left out. */
export function headersOf(entries: readonly (readonly [string, string])[]): Headers {
  const headers = new Headers()
  for (const [name, value] of entries) {
    try {
      headers.append(name, value)
    } catch {
      // No HTTP client would hand it on.
    }
  }
  return headers
}

/** What a header may hold, about right or not at all. */
export const headerValue: Arbitrary<string> = fc.oneof(number.map(String), text, word())

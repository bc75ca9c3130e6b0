import type { InputItem } from '../codex/input-item.ts'
import { fieldOf, listField, textField } from '../codex/remote-text.ts'

/**
 * Tokens of one piece of text, by its kind. Bytes alone would not do: a token holds four bytes of English, three of Chinese
 * and one and a half of base64. Measured against o200k_base, the newest encoding that is public
 * (`test/fixtures/token-counts.json`): English, code and diffs come out 1.3 to 1.8 times too high, figures as they are,
 * other scripts up to 3.3 times too high, none too low.
 */
const KINDS: readonly (readonly [pattern: string, tokens: (length: number) => number])[] = [
  // Too long for a word: hexadecimal, base64, an id. Random letters have two to a token, and digits among them fewer.
  ['[A-Za-z0-9+/=_-]{24,}', (length) => 0.8 * length],
  ['[A-Za-z]+', (length) => Math.max(1, length / 3.2)],
  ['[0-9]+', (length) => Math.ceil(length / 3)],
  // A space goes with the word behind it, but not with a number.
  [' (?![ 0-9])', () => 0],
  ['[ \\t\\r\\n]+', (length) => 1 + (length - 1) / 6],
  ['[^A-Za-z0-9 \\t\\r\\n\\u0080-\\uffff]+', (length) => 1 + 0.75 * (length - 1)],
  // Latin with accents, Greek, Cyrillic, Hebrew, Arabic.
  ['[\\u0080-\\u074f]+', (length) => Math.max(1, 0.7 * length)],
  // From Devanagari to Thai and Lao; Georgian.
  ['[\\u0900-\\u0eff\\u10a0-\\u10ff]+', (length) => length],
  ['[\\u3000-\\u30ff\\u4e00-\\u9fff\\uac00-\\ud7a3\\uff00-\\uffef]+', (length) => 1.25 * length],
  // Signs, rare scripts; an emoji is two of these units.
  ['[^]', () => 2],
]
const PIECES = new RegExp(KINDS.map(([pattern]) => `(${pattern})`).join('|'), 'g')

/** A picture, however large: the service scales it down (2 500 patches at most), and its bytes are not text. */
const IMAGE_TOKENS = 4000
/** Role and separators around an item. */
const ITEM_TOKENS = 8
/** Sealed reasoning counts as what it seals: three bytes of four characters, and no more than a token in three bytes. */
const SEALED_TOKENS_PER_CHARACTER = 0.25

/** How many tokens a text has at most. Nonsense can have more, by half: characters or white space picked at random. */
export function estimateTokens(text: string): number {
  let tokens = 0
  for (const piece of text.matchAll(PIECES)) {
    const kind = KINDS[piece.findIndex((group, n) => n > 0 && group !== undefined) - 1]
    tokens += kind?.[1](piece[0].length) ?? 0
  }
  return Math.ceil(tokens)
}

/** The same for items of `input`. */
export function estimateItemTokens(items: readonly InputItem[]): number {
  return items.reduce((sum, item) => sum + ITEM_TOKENS + (item.type === 'reasoning' ? sealed(item) : spoken(item)), 0)
}

function sealed(item: InputItem): number {
  const length = textField(item, 'encrypted_content')?.length ?? 0
  return Math.ceil(SEALED_TOKENS_PER_CHARACTER * length) + sumOf(listField(item, 'summary'))
}

function spoken(item: InputItem): number {
  const content = fieldOf(item, 'content')
  return typeof content === 'string' ? estimateTokens(content) : sumOf(listField(item, 'content'))
}

function sumOf(parts: readonly unknown[]): number {
  return parts.reduce<number>((sum, part) => {
    if (textField(part, 'type') === 'input_image') return sum + IMAGE_TOKENS
    return sum + estimateTokens(textField(part, 'text') ?? textField(part, 'refusal') ?? '')
  }, 0)
}

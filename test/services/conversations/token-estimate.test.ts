import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { InputItem } from '../../../src/services/codex/input-item.ts'
import { estimateItemTokens, estimateTokens } from '../../../src/services/conversations/token-estimate.ts'

interface Sample {
  kind: string
  tokens: number
  text: string
}

const file = new URL('../../fixtures/token-counts.json', import.meta.url)
const { samples } = JSON.parse(readFileSync(file, 'utf8')) as { samples: Sample[] }

describe('an estimate is never too low, and at most 3.3 times too high:', () => {
  test.each(samples.map((sample) => [sample.kind, sample] as const))('%s', (_kind, { text, tokens }) => {
    const ratio = estimateTokens(text) / tokens
    expect(ratio).toBeGreaterThanOrEqual(1)
    expect(ratio).toBeLessThanOrEqual(3.3)
  })
})

test.each(['English', 'Markdown', 'TypeScript', 'numbered lines', 'minified JavaScript', 'a diff'])(
  'of what questions are made of it is at most 1.8 times too high: %s',
  (kind) => {
    const { text, tokens } = samples.find((sample) => sample.kind === kind) as Sample
    expect(estimateTokens(text) / tokens).toBeLessThanOrEqual(1.8)
  },
)

test('nothing costs nothing, and whatever there is costs something', () => {
  expect(estimateTokens('')).toBe(0)
  for (const text of ['a', '1', '.', '\n', 'ä', '漢', '😀', '\ud800', '\u0000', '\u0700', 'ꙮ']) {
    expect(estimateTokens(text)).toBeGreaterThanOrEqual(1)
  }
})

test('a text costs as much as its lines, or a little less', () => {
  for (const { text } of samples) {
    const lines = text.split('\n').reduce((sum, line) => sum + estimateTokens(`${line}\n`), 0)
    expect(estimateTokens(text)).toBeLessThanOrEqual(lines)
  }
})

test('five megabytes are estimated in the time of a blink', () => {
  const text = samples
    .map((sample) => sample.text)
    .join('\n')
    .repeat(400)
  const startedAt = performance.now()
  expect(estimateTokens(text)).toBeGreaterThan(1_000_000)
  expect(performance.now() - startedAt).toBeLessThan(2000)
})

describe('an item', () => {
  const message = (...content: object[]): InputItem => ({ type: 'message', role: 'user', content })
  const text = (words: string) => ({ type: 'input_text', text: words })

  test('costs its texts, and a little around them', () => {
    const words = 'Why is the sky blue?'
    expect(estimateItemTokens([message(text(words))])).toBe(estimateTokens(words) + 8)
    expect(estimateItemTokens([message(text(words)), message(text(words))])).toBe(2 * estimateTokens(words) + 16)
    expect(estimateItemTokens([{ type: 'message', role: 'user', content: words }])).toBe(estimateTokens(words) + 8)
    expect(estimateItemTokens([message({ type: 'refusal', refusal: words })])).toBe(estimateTokens(words) + 8)
  })

  test('with a picture costs the same however large that is', () => {
    const picture = (bytes: number) => ({
      type: 'input_image',
      image_url: `data:image/png;base64,${'A'.repeat(bytes)}`,
    })
    expect(estimateItemTokens([message(picture(10))])).toBe(4008)
    expect(estimateItemTokens([message(picture(1_000_000), picture(10), text(''))])).toBe(8008)
  })

  test('of sealed reasoning costs what it seals, and its summary', () => {
    const reasoning = { type: 'reasoning', summary: [], content: null, encrypted_content: 'A'.repeat(4000) }
    expect(estimateItemTokens([reasoning])).toBe(1008)
    const summary = [{ type: 'summary_text', text: '**Thinking**' }]
    expect(estimateItemTokens([{ ...reasoning, summary }])).toBe(1008 + estimateTokens('**Thinking**'))
  })

  test.each([{}, { content: null }, { content: 5 }, { content: [null, 5, {}] }])(
    'of an odd form costs little: %j',
    (odd) => {
      expect(estimateItemTokens([{ type: 'message', ...odd }])).toBe(8)
    },
  )
})

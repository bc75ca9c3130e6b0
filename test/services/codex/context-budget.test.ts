import { describe, expect, test } from 'vitest'
import { fitQuestion } from '../../../src/services/codex/context-budget.ts'
import { inputRoom } from '../../../src/services/conversations/history-fit.ts'
import type { SentPart } from '../../../src/services/files/sent-words.ts'
import type { Model } from '../../../src/services/models/builtin-models.ts'
import { aTurn } from '../../support/a-turn.ts'
import { question } from '../../support/client-bench.ts'

const OWNER = 'FAKE-owner'
const IMAGE = { type: 'input_image', image_url: 'data:image/png;base64,AAAA' } as const
const words = (count: number) => 'word '.repeat(count)

function aModel(changes: Partial<Model> = {}): Model {
  return {
    ...{ id: 'gpt-x', name: 'X', priority: 1, hidden: false, lite: false, defaultEffort: undefined, efforts: [] },
    ...{ verbosity: undefined, contextWindow: 10_000, inputs: ['text', 'image'], minVersion: undefined, ...changes },
  } as Model
}

function fitIn(changes: Parameters<typeof question>[0], model: Model | 'unlisted' = aModel()) {
  const listed = model === 'unlisted' ? undefined : model
  return fitQuestion({ question: question(changes), modelId: 'gpt-x', model: listed, owner: OWNER })
}

const refused = (action: () => unknown) => {
  try {
    action()
  } catch (error) {
    return error as { code: string; message: string; hint: string }
  }
  throw new Error('it was taken')
}

/** A file of this many words. */
function file(name: string, count: number): { part: { type: 'input_text'; text: string }; sent: SentPart } {
  return { part: { type: 'input_text', text: words(count) }, sent: { name, kind: 'text', bytes: count * 5 } }
}

function attach(...files: ReturnType<typeof file>[]) {
  return { parts: files.map(({ part }) => part), sent: files.map(({ sent }) => sent) }
}

test('a question that fits is asked, without a note', () => {
  expect(fitIn({ prompt: words(1000) })).toEqual({ turns: [], notes: [] })
})

test.each<[string, Parameters<typeof question>[0]]>([
  ['the prompt', { prompt: words(8000) }],
  ['the instructions', { systemPrompt: words(8000) }],
  ['the files', { attached: attach(file('a', 8000)) }],
  [
    'the schema',
    { schema: { schema: { description: words(8000) }, strict: false, check: () => ({ ok: true, json: '' }) } },
  ],
  ['an image too many', { attached: { parts: [IMAGE, IMAGE, IMAGE], sent: [] } }],
])('%s counts', (_, changes) => {
  expect(refused(() => fitIn(changes)).code).toBe('CONTEXT_TOO_LONG')
  expect(fitIn(changes, aModel({ contextWindow: 100_000 })).turns).toEqual([])
})

test('of a model whose window nobody knows only the service can say what is too long', () => {
  expect(fitIn({ prompt: words(500_000) }, aModel({ contextWindow: undefined })).notes).toEqual([])
  expect(fitIn({ prompt: words(500_000) }, 'unlisted').notes).toEqual([])
})

describe('what is too long is told by its largest parts:', () => {
  test('of files the three that cost most, which are no images', () => {
    const files = attach(file('a.txt', 3000), file('b.txt', 9000), file('c c.txt', 4000), file('d.txt', 100))
    const image = { parts: [IMAGE], sent: [{ name: 'shot.png', kind: 'image', bytes: 900_000 } as const] }
    const { message, hint } = refused(() =>
      fitIn({ attached: { parts: [...files.parts, ...image.parts], sent: [...files.sent, ...image.sent] } }),
    )
    expect(message).toBe(
      `The question has about 25,000 tokens, and gpt-x can read about ${(9000).toLocaleString('en')} at once. Nothing was sent.`,
    )
    expect(hint).toContain('The largest parts are b.txt (45 kB), “c c.txt” (20 kB), a.txt (15 kB):')
  })

  test('images where there is nothing else', () => {
    const sent = [{ name: 'shot.png', kind: 'image', bytes: 900_000 } as const]
    expect(refused(() => fitIn({ attached: { parts: [IMAGE, IMAGE, IMAGE], sent } })).hint).toContain(
      'shot.png (900 kB)',
    )
  })

  test('a diff as one, a long prompt beside it, and no short one', () => {
    const sent = [{ name: 'main..HEAD', kind: 'diff', bytes: 40_000 } as const]
    const attached = { parts: [{ type: 'input_text', text: words(8000) } as const], sent }
    expect(refused(() => fitIn({ attached, prompt: words(12_000) })).hint).toContain(
      'are the prompt (60 kB), the diff main..HEAD (40 kB):',
    )
    expect(refused(() => fitIn({ attached, prompt: 'Why?' })).hint).toContain('are the diff main..HEAD (40 kB):')
  })

  test('the prompt where there is nothing else', () => {
    expect(refused(() => fitIn({ prompt: words(8000) })).hint).toBe('Shorten the prompt, or split it.')
  })
})

describe('of a conversation', () => {
  const turns = [aTurn(words(3000)), aTurn(words(3000)), aTurn('short')]

  test('the oldest turns are left out beside a question that needs their place', () => {
    expect(fitIn({ talk: { turns } }).notes).toEqual([
      'the oldest turn of 3 in this conversation did not fit into what gpt-x can read at once and was not sent',
    ])
    const fitted = fitIn({ talk: { turns }, prompt: words(5000) })
    expect(fitted.turns).toEqual(turns.slice(2))
    expect(fitted.notes).toEqual([expect.stringMatching(/^the oldest 2 turns of 3 .* were not sent$/)])
  })

  test('a question that means nothing without the newest is refused where there is no place for it', () => {
    const last = [aTurn(words(2500))]
    const prompt = words(1500)
    expect(fitIn({ talk: { turns: last }, prompt }).turns).toEqual([])
    expect(refused(() => fitIn({ talk: { turns: last, needsLast: true }, prompt })).code).toBe('CONTEXT_TOO_LONG')
    expect(fitIn({ talk: { turns, needsLast: true }, prompt: words(5000) }).turns).toEqual(turns.slice(2))
    expect(inputRoom(10_000)).toBe(8500)
  })

  const seen = aTurn('Look.', {
    input: [{ type: 'message', role: 'user', content: [IMAGE, { type: 'input_text', text: words(1000) }] }],
  })
  const note = 'gpt-x takes no images, so those of earlier turns in this conversation were not sent'

  test('images are left out for a model that takes none, and that is said if any of them would have been sent', () => {
    const blind = aModel({ inputs: ['text'] })
    const fitted = fitIn({ talk: { turns: [seen, aTurn('And?')] } }, blind)
    expect(JSON.stringify(fitted.turns)).not.toContain('input_image')
    expect(fitted.notes).toEqual([note])
    expect(fitIn({ talk: { turns: [aTurn('And?')] } }, blind).notes).toEqual([])
    const large = aTurn(words(2500))
    expect(fitIn({ talk: { turns: [seen, large] } }, blind).notes).toEqual([note])
    expect(fitIn({ talk: { turns: [seen, large] }, prompt: words(400) }, blind).notes).toEqual([
      expect.stringContaining('the oldest'),
    ])
  })

  test.each([[['text', 'image']], [undefined]])('images go again to a model that takes %s', (inputs) => {
    const fitted = fitIn({ talk: { turns: [seen] } }, aModel({ inputs: inputs as Model['inputs'] }))
    expect(fitted).toEqual({ turns: [seen], notes: [] })
  })
})

test('an image of the question is refused for a model that takes none', () => {
  const attached = { parts: [IMAGE], sent: [] }
  expect(refused(() => fitIn({ attached }, aModel({ inputs: ['text'] })))).toMatchObject({
    code: 'INPUT_INVALID',
    message: 'gpt-x takes no images.',
  })
  expect(fitIn({ attached }, aModel({ inputs: undefined })).notes).toEqual([])
})

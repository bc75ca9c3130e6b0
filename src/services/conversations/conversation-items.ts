import type { InputItem } from '../codex/input-item.ts'
import { fieldOf, listField, textField } from '../codex/remote-text.ts'
import type { Turn } from './conversation-turn.ts'

/**
 * What of an answer's finished items (`response.output_item.done`) a later turn sends again, as the official client does
 * (facts: wire-protocol 10.2): reasoning in its sealed form and what the assistant said. The ids go, because nothing
 * was stored under them (facts: users-and-peers W5); other kinds of items go, because only their tools could go on
 * with them.
 */
export function outputItems(items: readonly unknown[]): InputItem[] {
  return items.flatMap((item) => {
    const type = textField(item, 'type')
    if (type === 'reasoning') return reasoningOf(item) ?? []
    return type === 'message' ? (messageOf(item) ?? []) : []
  })
}

/** Earlier turns as the beginning of `input`. */
export function historyOf(turns: readonly Turn[], owner: string): InputItem[] {
  return turns.flatMap((turn) => [...turn.input, ...sentAgain(turn, owner)])
}

/**
 * What of a turn's answer is sent again. Reasoning can be read only by the account and route that made it, so that of
 * another owner is left out; so is reasoning at the end of an answer that broke off, which no words followed.
 */
export function sentAgain(turn: Turn, owner: string): readonly InputItem[] {
  const isMessage = ({ type }: InputItem) => type === 'message'
  if (turn.owner !== owner) return turn.output.filter(isMessage)
  return turn.output.slice(0, turn.output.findLastIndex(isMessage) + 1)
}

/** The turn for a model that takes no images: words stand where they were. The same turn when there were none. */
export function withoutImages(turn: Turn): Turn {
  const isImage = (part: unknown) => textField(part, 'type') === 'input_image'
  if (!turn.input.some((item) => listField(item, 'content').some(isImage))) return turn
  const input = turn.input.map((item) => {
    const content = fieldOf(item, 'content')
    return Array.isArray(content)
      ? { ...item, content: content.map((part) => (isImage(part) ? NO_IMAGE : part)) }
      : item
  })
  return { ...turn, input }
}

const NO_IMAGE = { type: 'input_text', text: '(The image is left out here, because this model takes none.)' }

function reasoningOf(item: unknown): InputItem | undefined {
  const sealed = textField(item, 'encrypted_content')
  if (sealed === undefined) return undefined
  const summary = listField(item, 'summary').flatMap<Text>((part) => textPart(part, 'summary_text', 'text') ?? [])
  return { type: 'reasoning', summary, content: null, encrypted_content: sealed }
}

function messageOf(item: unknown): InputItem | undefined {
  const content = listField(item, 'content').flatMap<Text>(
    (part) => textPart(part, 'output_text', 'text') ?? textPart(part, 'refusal', 'refusal') ?? [],
  )
  if (content.length === 0) return undefined
  const phase = textField(item, 'phase')
  // It tells the model which of its words were the answer, and which only on the way to it.
  const spoken = phase === 'commentary' || phase === 'final_answer' ? { phase } : {}
  return { type: 'message', role: 'assistant', content, ...spoken }
}

type Text = Readonly<Record<string, string>>

/** A part of this type, reduced to its text. */
function textPart(part: unknown, type: string, field: string): Text | undefined {
  const text = textField(part, field)
  return textField(part, 'type') === type && text !== undefined ? { type, [field]: text } : undefined
}

import type { QueryResult } from '../codex/codex-client.ts'
import type { InputItem } from '../codex/input-item.ts'
import { fieldOf, numberField, textField } from '../codex/remote-text.ts'

/** A question of a conversation and what came of it. */
export interface Turn {
  /** When it was answered, in ms since 1970. */
  at: number
  model: string
  /** `ownerOf` the credential that was answered: no other can read its reasoning. */
  owner: string
  /** What the user asked, for lists; the store keeps the beginning. */
  prompt: string
  /** What was sent: the user's message. */
  input: readonly InputItem[]
  /** What was answered, as `outputItems` gives it. */
  output: readonly InputItem[]
  /** What the service counted: all that was sent, history too; and what was answered, reasoning too. */
  inputTokens?: number
  outputTokens?: number
  /** True when the answer broke off. */
  incomplete?: boolean
}

/** The turn that a question and its answer make. */
export function turnOf(
  prompt: string,
  { model, owner, message, output, usage, incomplete }: AnsweredQuestion,
  at: number,
): Turn {
  return {
    at,
    model,
    owner,
    prompt,
    input: [message],
    output,
    ...(usage === undefined ? {} : { inputTokens: usage.inputTokens, outputTokens: usage.outputTokens }),
    ...(incomplete === undefined ? {} : { incomplete: true }),
  }
}

type AnsweredQuestion = Pick<QueryResult, 'model' | 'owner' | 'message' | 'output' | 'usage' | 'incomplete'>

/** A turn that was written down, or undefined for what is none; fields we do not know are left out. */
export function readTurn(value: unknown): Turn | undefined {
  const at = numberField(value, 'at')
  const [model, owner, prompt] = ['model', 'owner', 'prompt'].map((name) => fieldOf(value, name))
  const [input, output] = [fieldOf(value, 'input'), fieldOf(value, 'output')]
  if (at === undefined || typeof model !== 'string' || typeof owner !== 'string' || typeof prompt !== 'string')
    return undefined
  if (!areItems(input) || !areItems(output)) return undefined
  return { at, model, owner, prompt, input, output, ...tokensOf(value), ...incompleteOf(value) }
}

function areItems(value: unknown): value is InputItem[] {
  return Array.isArray(value) && value.every((item) => textField(item, 'type') !== undefined)
}

function tokensOf(value: unknown): Pick<Turn, 'inputTokens' | 'outputTokens'> {
  const [inputTokens, outputTokens] = [numberField(value, 'inputTokens'), numberField(value, 'outputTokens')]
  return {
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
  }
}

function incompleteOf(value: unknown): Pick<Turn, 'incomplete'> {
  return fieldOf(value, 'incomplete') === true ? { incomplete: true } : {}
}

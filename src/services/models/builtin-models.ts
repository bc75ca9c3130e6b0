/** One model as the service's catalogue describes it, reduced to what a query needs. */
export interface Model {
  id: string
  name: string
  /** 1 comes first; the visible model with the lowest number is the default. */
  priority: number
  hidden: boolean
  defaultEffort: string | undefined
  efforts: readonly string[]
  /** Whether requests take the "lite" shape (facts: wire-protocol 10). */
  lite: boolean
  /** The verbosity the official client sends, where the model takes one. */
  verbosity: string | undefined
  /** How much it takes at once, in tokens. */
  contextWindow: number | undefined
  /** What a message to it may hold. */
  inputs: readonly InputKind[] | undefined
  /** The first compatibility level of a client that may ask it. */
  minVersion: string | undefined
}

export type InputKind = 'text' | 'image'

const UP_TO_XHIGH = ['low', 'medium', 'high', 'xhigh']
const UP_TO_MAX = [...UP_TO_XHIGH, 'max']
const UP_TO_ULTRA = [...UP_TO_MAX, 'ultra']

/**
 * The catalogue of Codex 0.169.0 (facts: wire-protocol 16), for when the live one cannot be had. It ages: the live
 * list always wins.
 */
export const BUILTIN_MODELS: readonly Model[] = [
  lite('gpt-6.1-sol', 'GPT-6.1-Sol', 1, 'low', UP_TO_ULTRA),
  lite('gpt-6-astra', 'GPT-6-Astra', 2, 'low', UP_TO_ULTRA),
  lite('gpt-6-sol', 'GPT-6-Sol', 3, 'medium', UP_TO_ULTRA),
  lite('gpt-6-luna', 'GPT-6-Luna', 4, 'medium', UP_TO_MAX),
  lite('gpt-5.6-sol', 'GPT-5.6-Sol', 5, 'low', UP_TO_ULTRA),
  { ...lite('gpt-6.1-terra', 'GPT-6.1 Terra', 7, 'low', UP_TO_ULTRA), contextWindow: 500_000 },
  lite('gpt-5.6-terra', 'GPT-5.6-Terra', 8, 'medium', UP_TO_ULTRA),
  lite('gpt-5.6-luna', 'GPT-5.6-Luna', 9, 'medium', UP_TO_MAX),
  { ...lite('gpt-5.5', 'GPT-5.5', 13, 'medium', UP_TO_XHIGH), lite: false },
]

function lite(id: string, name: string, priority: number, defaultEffort: string, efforts: readonly string[]): Model {
  const common = { hidden: false, lite: true, verbosity: 'low', minVersion: undefined } as const
  return { id, name, priority, defaultEffort, efforts, ...common, contextWindow: 272_000, inputs: ['text', 'image'] }
}

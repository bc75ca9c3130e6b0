import { fieldOf, numberField, textField } from '../codex/remote-text.ts'
import { BUILTIN_MODELS, type InputKind, type Model } from './builtin-models.ts'

const MAX_MODELS = 200
const INPUT_KINDS: readonly InputKind[] = ['text', 'image']

/**
 * The models in an answer, best first: of the Codex backend (`models`) or of the API (`data`). Empty when there are
 * none in it.
 */
export function readModelList(json: unknown): Model[] {
  const models = fieldOf(json, 'models')
  return Array.isArray(models) ? readModels(models) : readApiModels(fieldOf(json, 'data'))
}

/**
 * The models in an answer of the plan route, in its order. What is listed there is for display: others may be asked too
 * (facts: plan-usage 3.1).
 */
export function readPlanModels(json: unknown): Model[] {
  const models = fieldOf(json, 'models')
  if (!Array.isArray(models)) return []
  return models.slice(0, MAX_MODELS).flatMap((entry) => {
    const model = readModel(entry)
    if (model === undefined) return []
    // Only seen, not documented: an entry that does not say counts as one that can be asked.
    return [{ ...model, hidden: model.hidden || fieldOf(entry, 'supported_in_api') === false }]
  })
}

/** The catalogue's entries; what cannot be read as a model is left out. */
function readModels(value: unknown): Model[] {
  if (!Array.isArray(value)) return []
  return value
    .slice(0, MAX_MODELS)
    .flatMap((entry) => readModel(entry) ?? [])
    .sort((a, b) => a.priority - b.priority || a.id.localeCompare(b.id))
}

function readModel(entry: unknown): Model | undefined {
  const id = word(fieldOf(entry, 'slug'))
  if (id === undefined) return undefined
  return {
    id,
    name: label(fieldOf(entry, 'display_name')) ?? id,
    priority: numberField(entry, 'priority') ?? Number.MAX_SAFE_INTEGER,
    hidden: textField(entry, 'visibility') !== 'list',
    defaultEffort: word(fieldOf(entry, 'default_reasoning_level')),
    efforts: readEfforts(fieldOf(entry, 'supported_reasoning_levels')),
    lite: fieldOf(entry, 'use_responses_lite') === true,
    verbosity: fieldOf(entry, 'support_verbosity') === true ? word(fieldOf(entry, 'default_verbosity')) : undefined,
    contextWindow: count(fieldOf(entry, 'context_window')),
    inputs: readInputs(fieldOf(entry, 'input_modalities')),
    minVersion: word(fieldOf(entry, 'minimal_client_version')),
  }
}

/** Levels come as `{effort, description}` or as plain strings. */
function readEfforts(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((level) => word(typeof level === 'string' ? level : fieldOf(level, 'effort')) ?? [])
}

/** The kinds we can send. A list without any of them is none: then nobody knows. */
function readInputs(value: unknown): InputKind[] | undefined {
  const kinds = INPUT_KINDS.filter((kind) => Array.isArray(value) && value.includes(kind))
  return kinds.length > 0 ? kinds : undefined
}

function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : undefined
}

/** A name that may stand unquoted in a sentence of ours, in a header and in a request. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:/+@-]{1,100}$/.test(value) ? value : undefined
}

/** The same with spaces: for people. */
function label(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:/+@ ()-]{1,100}$/.test(value) ? value : undefined
}

/** What of the API's list can be asked through Responses, by the name alone: the list says nothing else. */
const FAMILIES = /^(?:gpt-|o\d|codex|chatgpt)/
/** Names of what takes or gives no text, answers at other addresses only, or only with tools that we do not send. */
const OTHER_TRADES =
  /audio|realtime|image|tts|transcribe|embedding|moderation|search|instruct|dall-e|whisper|sora|deep-research|computer-use/

/**
 * The API's entries: `{id, created, owned_by}`. Those we know come first, as the catalogue has them, then the others, newest
 * first. A gateway may call its models what it likes: where no name is one of OpenAI's, all are taken.
 */
function readApiModels(value: unknown): Model[] {
  if (!Array.isArray(value)) return []
  const entries = value.flatMap((entry) => {
    const id = word(fieldOf(entry, 'id'))
    return id === undefined || OTHER_TRADES.test(id) ? [] : [{ id, created: numberField(entry, 'created') ?? 0 }]
  })
  const families = entries.filter(({ id }) => FAMILIES.test(id))
  return (families.length > 0 ? families : entries)
    .sort((a, b) => b.created - a.created || a.id.localeCompare(b.id))
    .map(({ id }) => BUILTIN_MODELS.find((model) => model.id === id) ?? unknownModel(id))
    .sort((a, b) => a.priority - b.priority)
    .slice(0, MAX_MODELS)
}

/** A model of which only the name is known. */
function unknownModel(id: string): Model {
  const unasked = { defaultEffort: undefined, efforts: [], lite: false, verbosity: undefined }
  const untold = { contextWindow: undefined, inputs: undefined, minVersion: undefined }
  return { id, name: id, priority: Number.MAX_SAFE_INTEGER, hidden: false, ...unasked, ...untold }
}

/** True for a list of ours that was written down; another version, which knew less of a model, or another hand may have done so. */
export function isModelList(value: unknown): value is readonly Model[] {
  return Array.isArray(value) && value.length > 0 && value.length <= MAX_MODELS && value.every(isModel)
}

function isModel(value: unknown): value is Model {
  const efforts = fieldOf(value, 'efforts')
  return (
    word(fieldOf(value, 'id')) !== undefined &&
    label(fieldOf(value, 'name')) !== undefined &&
    numberField(value, 'priority') !== undefined &&
    typeof fieldOf(value, 'hidden') === 'boolean' &&
    typeof fieldOf(value, 'lite') === 'boolean' &&
    Array.isArray(efforts) &&
    efforts.every((effort) => word(effort) !== undefined) &&
    isWordOrAbsent(fieldOf(value, 'defaultEffort')) &&
    isWordOrAbsent(fieldOf(value, 'verbosity')) &&
    areLimits(value)
  )
}

/** What has to do with how much a model takes, as far as it is there. */
function areLimits(value: unknown): boolean {
  const [contextWindow, inputs] = [fieldOf(value, 'contextWindow'), fieldOf(value, 'inputs')]
  return (
    (contextWindow === undefined || count(contextWindow) !== undefined) &&
    (inputs === undefined || (Array.isArray(inputs) && inputs.every((kind) => INPUT_KINDS.includes(kind)))) &&
    isWordOrAbsent(fieldOf(value, 'minVersion'))
  )
}

function isWordOrAbsent(value: unknown): boolean {
  return value === undefined || word(value) !== undefined
}

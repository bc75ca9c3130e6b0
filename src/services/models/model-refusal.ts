import type { Config } from '../../config.ts'
import { type CodexError, reworded } from '../../errors.ts'
import type { Shape } from '../codex/request-shape.ts'
import type { Credential } from '../login/credentials.ts'
import type { Model } from './builtin-models.ts'
import type { ModelCatalogue } from './model-catalogue.ts'

interface RefusedModel {
  credential: Credential
  modelId: string
  model: Model | undefined
  shape: Shape
}

/**
 * The compatibility level that a refused model wants, if it is newer than the one that was stated: the service hides
 * such a model and refuses it with the words for one that is not there (facts: wire-protocol 9). Undefined otherwise.
 *
 * @throws CodexError CANCELLED
 */
export async function newerLevel(
  { credential, modelId, model, shape }: RefusedModel,
  {
    catalogue,
    config,
    signal,
  }: {
    catalogue: Pick<ModelCatalogue, 'everything'>
    config: Pick<Config, 'clientVersion'>
    signal: AbortSignal | undefined
  },
): Promise<{ model: Model; shape: Shape } | undefined> {
  if (!credential.asking.hasLevels || shape.version !== undefined) return undefined
  const found = model?.minVersion === undefined ? undefined : model
  const entry = found ?? (await catalogue.everything(credential, signal)).find(({ id }) => id === modelId)
  const version = entry?.minVersion
  if (entry === undefined || version === undefined || !isNewer(version, config.clientVersion)) return undefined
  return { model: entry, shape: { ...shape, version } }
}

const MAX_NAMES = 8

/** Who has chosen a model: the question, a setting, or the list of models. */
export type ModelChooser = 'question' | 'setting' | 'list'

const WHAT_TO_DO: Readonly<Record<ModelChooser, string>> = {
  question: 'Name one of them, or leave model out.',
  setting: 'Name one of them, or change CODEX_OAUTH_MODEL.',
  list: 'Ask again, which asks another one, or name one of them.',
}

/**
 * The error, with what the account or key has now: the list is fetched anew, because the service has contradicted it.
 * Where that does not come, a list that is known to be wrong is no help.
 *
 * @throws CodexError CANCELLED
 */
export async function withModelsOf(
  error: CodexError,
  { credential, modelId, chosenBy }: { credential: Credential; modelId: string; chosenBy: ModelChooser },
  { catalogue, signal }: { catalogue: Pick<ModelCatalogue, 'renew'>; signal: AbortSignal | undefined },
): Promise<CodexError> {
  const { models, source } = await catalogue.renew(credential, signal)
  // What has just been refused is no choice, whatever the list says.
  const names = models.filter(({ hidden, id }) => !hidden && id !== modelId).map(({ id }) => id)
  if (source !== 'live' || names.length === 0) return error
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more that codex_models lists` : ''
  const hint = `This ${credential.holder} has now: ${names.slice(0, MAX_NAMES).join(', ')}${more}. ${WHAT_TO_DO[chosenBy]}`
  return reworded(error, { hint })
}

/** Whether the first of two versions like 0.169.0 is the newer one. */
function isNewer(one: string, other: string): boolean {
  const [left, right] = [one, other].map((version) => version.split(/[.+-]/, 3).map(Number))
  for (const index of [0, 1, 2]) {
    const difference = (left?.[index] || 0) - (right?.[index] || 0)
    if (difference !== 0) return difference > 0
  }
  return false
}

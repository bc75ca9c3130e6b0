import { CodexError } from '../../errors.ts'
import { quoteRemote } from '../codex/remote-text.ts'
import type { Model } from './builtin-models.ts'

export interface EffortChoice {
  /** As it was asked for; `sentEffort` is how it is sent. */
  effort: string | undefined
  /** Sentences for the answer's footer. */
  notes: readonly string[]
}

/**
 * The effort to ask for: the caller's, the setting's, the model's own. The caller's must be one that the model has, because
 * whoever names it looks at this model. A setting was made for another one, perhaps years ago: where it does not fit it
 * gives way. Of a model that is not listed, or listed without efforts, nothing is known, so all are sent as they are.
 *
 * @throws CodexError INPUT_INVALID naming the efforts of the model
 */
export function chooseEffort(
  asked: string | undefined,
  configured: string | undefined,
  model: Model | undefined,
): EffortChoice {
  if (asked !== undefined) {
    if (model !== undefined && lacks(model, asked)) throw notAmong(asked, model)
    return { effort: asked, notes: [] }
  }
  if (configured === undefined || model === undefined || !lacks(model, configured)) {
    return { effort: configured ?? model?.defaultEffort, notes: [] }
  }
  const note = `CODEX_OAUTH_EFFORT is ${quoteRemote(configured, 40)}, which ${model.id} does not have; it was left out`
  return { effort: model.defaultEffort, notes: [note] }
}

/** Efforts pass through as they are, but for this one, which the official client sends as `xhigh`. */
export function sentEffort(effort: string | undefined): string | undefined {
  return effort === 'ultra' ? 'xhigh' : effort
}

/** How the effort was sent, where that differs from how it was asked for. */
export function effortNotes({ effort }: Pick<EffortChoice, 'effort'>): string[] {
  return effort === 'ultra' ? ['effort ultra was sent as xhigh'] : []
}

function lacks({ efforts }: Model, effort: string): boolean {
  // An API key's list names no efforts: then there is nothing to compare with.
  return efforts.length > 0 && !efforts.includes(effort)
}

function notAmong(asked: string, { id, efforts }: Model): CodexError {
  return new CodexError('INPUT_INVALID', `${id} has no reasoning effort ${quoteRemote(asked, 40)}.`, {
    hint: `It takes ${efforts.join(', ')}. Choose one of these, or name none: then it takes its own.`,
  })
}

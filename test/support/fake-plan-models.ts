/** An entry of the plan's list of models (facts: plan-usage 3.1); unknown fields travel with it. */
export interface PlanModel {
  slug: string
  display_name: string
  visibility: 'list' | 'hide'
  supported_in_api: boolean
  context_window: number
  input_modalities: string[]
  supported_reasoning_levels: { effort: string; description: string }[]
  /** Clients that name an older version, or none, are not shown the model. They may ask it all the same. */
  first_client_version?: string
  [field: string]: unknown
}

/** Four listed models, three that only newer clients are shown, three hidden ones: a list to display, not of rights. */
export function planModels(): PlanModel[] {
  return [
    model('gpt-6.1-sol', { first_client_version: '0.160.0' }),
    model('gpt-6-sol', { first_client_version: '0.160.0' }),
    model('gpt-6-luna', { first_client_version: '0.160.0' }),
    model('gpt-6-astra'),
    model('gpt-5.6-sol', { supported_reasoning_levels: levels('none', 'low', 'medium', 'high', 'xhigh') }),
    model('gpt-5.6-terra'),
    model('gpt-5.6-luna', { input_modalities: ['text'] }),
    model('gpt-5.5', { visibility: 'hide' }),
    model('codex-auto-review', { visibility: 'hide' }),
    model('gpt-6-astra-internal', { visibility: 'hide', supported_in_api: false }),
  ]
}

/** What a client of this version is shown, in the order of the list. */
export function planModelsFor(models: readonly PlanModel[], clientVersion: string | null): PlanModel[] {
  return models.filter(({ first_client_version: first = '0.0.0' }) => isAtLeast(clientVersion ?? '0.0.0', first))
}

function model(slug: string, changes: Partial<PlanModel> = {}): PlanModel {
  return {
    slug,
    display_name: slug.replace('gpt', 'GPT'),
    description: `${slug}, played by the fake.`,
    visibility: 'list',
    supported_in_api: true,
    context_window: 372_000,
    input_modalities: ['text', 'image'],
    default_reasoning_level: 'medium',
    supported_reasoning_levels: levels('low', 'medium', 'high', 'xhigh'),
    ...changes,
  }
}

function levels(...efforts: string[]): PlanModel['supported_reasoning_levels'] {
  return efforts.map((effort) => ({ effort, description: `Effort ${effort}` }))
}

function isAtLeast(version: string, first: string): boolean {
  return version.localeCompare(first, 'en', { numeric: true }) >= 0
}

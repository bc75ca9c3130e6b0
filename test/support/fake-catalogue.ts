import { fixture } from './fake-fixture.ts'

/** An entry of the model list; unknown fields travel with it. */
export interface Model {
  slug: string
  supported_in_api: boolean
  use_responses_lite: boolean
  minimal_client_version?: string
  [field: string]: unknown
}

/**
 * First client versions by the beginning of the slug, the longest counts. The 5.6 and 6 families are reported
 * (wire-protocol 9); 6.1 is an assumption of ours. Other models take any client.
 */
const FIRST_VERSIONS: Record<string, string> = {
  'gpt-5.6': '0.144.0',
  'gpt-6-astra': '0.153.0',
  'gpt-6': '0.155.0',
  'gpt-6.1': '0.160.0',
}

/**
 * The catalogue of `models-catalog.json` as the service sends it, effort levels and tiers as objects. The capture is without
 * prose; what stands for it here is what Codex CLI 0.171.0 misses when it is not there (`npm run test:official`).
 */
export function wireCatalogue(): Model[] {
  const { models } = JSON.parse(fixture('models-catalog.json')) as { models: Model[] }
  return models.map((model) => ({
    ...model,
    description: `${model.display_name}, played by the fake.`,
    supported_reasoning_levels: (model.supported_reasoning_levels as string[]).map((effort) => ({
      effort,
      description: `Effort ${effort}`,
    })),
    service_tiers: (model.service_tiers as string[]).map((id) => ({ id, name: id, description: `Tier ${id}` })),
    minimal_client_version: firstVersionOf(model.slug),
    shell_type: 'unified_exec',
    base_instructions: 'You are played by the fake.',
    truncation_policy: { mode: 'tokens', limit: 10_000 },
    experimental_supported_tools: [],
  }))
}

/** The same catalogue with effort levels as plain strings, the form the official client prints. */
export function plainCatalogue(): Model[] {
  return wireCatalogue().map((model) => ({
    ...model,
    supported_reasoning_levels: (model.supported_reasoning_levels as { effort: string }[]).map(({ effort }) => effort),
  }))
}

/** What a client of this version is shown; 0.0.0 is shown everything. */
export function modelsFor(models: readonly Model[], clientVersion: string): Model[] {
  return models.filter((model) => clientVersion === '0.0.0' || isNewEnough(clientVersion, model))
}

/** True if a client of this version may use the model. No version counts as the oldest. */
export function isNewEnough(clientVersion: string | undefined, { minimal_client_version: first }: Model): boolean {
  return compareVersions(clientVersion ?? '0.0.0', first ?? '0.0.0') >= 0
}

function firstVersionOf(slug: string): string {
  const [longest] = Object.keys(FIRST_VERSIONS)
    .filter((start) => slug.startsWith(start))
    .sort((a, b) => b.length - a.length)
  return (longest && FIRST_VERSIONS[longest]) ?? '0.0.0'
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(/[.+-]/).map(Number))
  for (const index of [0, 1, 2]) {
    const difference = (left?.[index] || 0) - (right?.[index] || 0)
    if (difference !== 0) return difference
  }
  return 0
}

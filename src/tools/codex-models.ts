import * as z from 'zod'
import type { AccountModels, ListModels } from '../services/models/account-models.ts'
import { defineTool, type Tool } from './tool.ts'

const output = () =>
  z.looseObject({
    models: z.array(z.string()),
    default: z.string(),
    source: z.enum(['live', 'cached', 'built-in']),
    credential_source: z.string().optional(),
    cost: z.string().optional(),
    details: z.array(
      z.looseObject({
        id: z.string(),
        name: z.string(),
        default_effort: z.string().optional(),
        efforts: z.array(z.string()),
      }),
    ),
  })

export function codexModels({ listModels }: { listModels: ListModels }): Tool {
  return defineTool({
    name: 'codex_models',
    title: 'List Codex models',
    description:
      'The Codex models this account or key can ask, best first, with their reasoning efforts and the default.',
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    input: () => z.strictObject({}),
    output,
    run: async (_input, { signal }) => ({ structured: present(await listModels(signal)) }),
  })
}

function present({ models, defaultId, source, credential }: AccountModels): z.infer<ReturnType<typeof output>> {
  return {
    models: models.map(({ id }) => id),
    default: defaultId,
    source,
    credential_source: credential?.source,
    cost: credential?.cost,
    usage: credential?.usage,
    details: models.map(({ id, name, defaultEffort, efforts }) => ({
      id,
      name,
      default_effort: defaultEffort,
      efforts: [...efforts],
    })),
  }
}

import type { Config } from '../../config.ts'
import { isCodexError } from '../../errors.ts'
import type { CredentialName } from '../login/credential-name.ts'
import type { Credential, Credentials } from '../login/credentials.ts'
import type { Model } from './builtin-models.ts'
import { type CatalogueSource, defaultModel, type ModelCatalogue } from './model-catalogue.ts'

export interface AccountModels {
  /** Visible models only, best first. */
  models: readonly Model[]
  defaultId: string
  source: CatalogueSource
  /** Whose list it is; nobody's, when there is no credential that could be used. */
  credential: Pick<CredentialName, 'source' | 'cost' | 'usage'> | undefined
}

/** The models to offer, also when nobody is signed in or the service is away. @throws CodexError CANCELLED */
export type ListModels = (signal?: AbortSignal) => Promise<AccountModels>

export interface AccountModelsDeps {
  config: Pick<Config, 'model'>
  credentials: Pick<Credentials, 'current'>
  catalogue: ModelCatalogue
}

export function createModelLister({ config, credentials, catalogue }: AccountModelsDeps): ListModels {
  /** Whose list it is. Whatever keeps the login from working has its say when a question is asked. */
  async function credential(signal: AbortSignal | undefined): Promise<Credential | undefined> {
    try {
      return await credentials.current(signal)
    } catch (error) {
      if (isCodexError(error, 'CANCELLED')) throw error
      return undefined
    }
  }

  return async (signal) => {
    const owner = await credential(signal)
    const list = await catalogue.list(owner, signal)
    return {
      models: list.models.filter((model) => !model.hidden),
      defaultId: defaultModel(list, config.model),
      source: list.source,
      // No more of it: the rest holds the secret.
      credential: owner === undefined ? undefined : publicPart(owner),
    }
  }
}

function publicPart({ source, cost, usage }: Credential): AccountModels['credential'] {
  return { source, cost, ...(usage === undefined ? {} : { usage }) }
}

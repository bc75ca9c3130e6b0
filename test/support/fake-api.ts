import type { Model } from './fake-catalogue.ts'
import { apiError } from './fake-errors.ts'
import { textRefusal } from './fake-format.ts'
import { inputRefusal } from './fake-input.ts'
import { askerOf, type Seals } from './fake-reasoning.ts'
import { bearerOf, isRecord, type SeenRequest } from './fake-request.ts'
import type { Answer, Verdict } from './fake-script.ts'
import { streamed } from './fake-sse.ts'
import { includeRefusal, toolsRefusal } from './fake-tools.ts'

export interface ApiDeps {
  apiKey: string
  models: readonly Model[]
  /** Models that take no `temperature`; the others do. */
  withoutTemperature: readonly string[]
  reply: string
  seals: Seals
}

/** What the API lists beside the models of the catalogue; those with `asks` answer questions, but do not reason. */
const OTHERS = [
  { id: 'gpt-4.1', created: 1_744_316_542, asks: true },
  { id: 'gpt-4o-mini', created: 1_721_172_741, asks: true },
  { id: 'gpt-4o-realtime-preview', created: 1_727_659_998, asks: false },
  { id: 'gpt-image-1', created: 1_745_517_030, asks: false },
  { id: 'text-embedding-3-large', created: 1_705_953_180, asks: false },
  { id: 'whisper-1', created: 1_677_532_384, asks: false },
]

/** There is one key, so there is one account behind it. */
const ACCOUNT = 'api'

/** api.openai.com: what an API key can ask. Its rules are those of the public Responses API, streams only. */
export function createApi({ apiKey, models, withoutTemperature, reply, seals }: ApiDeps) {
  const known = () => models.filter((model) => model.supported_in_api)

  /** The 401 of who has not the key; `scope` is what an account's token would need here. */
  function admit({ headers }: SeenRequest, scope: string): Answer | undefined {
    const key = bearerOf(headers.authorization)
    if (headers['chatgpt-account-id'] !== undefined) {
      // The service does not mind, but an account that shows here has left its own host.
      return apiError(400, { message: 'The fake takes no account header here.' })
    }
    if (key === apiKey) return undefined
    if (key === undefined) return apiError(401, { message: "You didn't provide an API key." })
    if (!key.startsWith('sk-')) {
      // What a ChatGPT token meets here (openai/codex#31506).
      return apiError(401, {
        message: `You have insufficient permissions for this operation. Missing scopes: ${scope}.`,
      })
    }
    const message = `Incorrect API key provided: ${key.slice(0, 8)}***${key.slice(-4)}.`
    return apiError(401, { message, code: 'invalid_api_key' })
  }

  function listModels(request: SeenRequest): Verdict {
    const refusal = admit(request, 'api.model.read') ?? refuseQuery(request)
    if (refusal !== undefined) return { refusal }
    const catalogue = known().map(({ slug }) => ({ id: slug, created: 1_790_000_000 }))
    const data = [...OTHERS, ...catalogue].map(({ id, created }) => {
      return { id, object: 'model', created, owned_by: 'openai' }
    })
    return { usual: () => ({ json: { object: 'list', data } }) }
  }

  function responses(request: SeenRequest): Verdict {
    const refusal = admit(request, 'api.responses.write') ?? refuse(request.body)
    if (refusal !== undefined) return { refusal }
    const { model } = request.body as { model: string }
    return { usual: () => streamed(reply, model), asker: askerOf(ACCOUNT, request.body) }
  }

  function refuseQuery({ query }: SeenRequest): Answer | undefined {
    const [param] = query.keys()
    return param === undefined ? undefined : apiError(400, { message: `Unknown parameter: '${param}'.`, param })
  }

  function refuse(body: unknown): Answer | undefined {
    if (!isRecord(body)) return apiError(400, { message: 'We could not parse the JSON body of your request.' })
    const missing = ['model', 'input'].find((param) => body[param] === undefined)
    if (missing !== undefined) {
      const message = `Missing required parameter: '${missing}'.`
      return apiError(400, { message, param: missing, code: 'missing_required_parameter' })
    }
    const other = OTHERS.find(({ id, asks }) => asks && id === body.model)
    if (other === undefined && !known().some(({ slug }) => slug === body.model)) {
      const message = `The requested model '${body.model}' does not exist.`
      return apiError(400, { message, param: 'model', code: 'model_not_found' })
    }
    if (body.temperature !== undefined && withoutTemperature.includes(`${body.model}`)) {
      const message = "Unsupported parameter: 'temperature' is not supported with this model."
      return apiError(400, { message, param: 'temperature', code: 'unsupported_parameter' })
    }
    if (other !== undefined && body.reasoning !== undefined) {
      const message = "Unsupported parameter: 'reasoning.effort' is not supported with this model."
      return apiError(400, { message, param: 'reasoning.effort', code: 'unsupported_parameter' })
    }
    if (other !== undefined && body.include !== undefined) {
      return apiError(400, { message: 'Encrypted content is not supported with this model.', param: 'include' })
    }
    if (body.stream !== true) return apiError(400, { message: 'The fake answers streams only.', param: 'stream' })
    return toolsRefusal(body) ?? includeRefusal(body) ?? textRefusal(body.text) ?? refuseInput(body)
  }

  /** Here tools may stand on top or in the first item, whatever the model. */
  function refuseInput(body: Record<string, unknown>): Answer | undefined {
    const model = known().find(({ slug }) => slug === body.model)
    const isGiven = (content: unknown) => seals.isGiven(ACCOUNT, content)
    return inputRefusal(body, { model, takesTools: true, isGiven })
  }

  return { listModels, responses }
}

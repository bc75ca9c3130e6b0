import type { Model } from './fake-catalogue.ts'
import { apiError } from './fake-errors.ts'
import { bearerOf, isRecord, type SeenRequest } from './fake-request.ts'
import type { Answer, Verdict } from './fake-script.ts'
import { streamed } from './fake-sse.ts'

export interface ApiDeps {
  apiKey: string
  models: readonly Model[]
  /** Models that take no `temperature`; the others do. */
  withoutTemperature: readonly string[]
  reply: string
}

/** api.openai.com: what an API key can ask. Its rules are those of the public Responses API, streams only. */
export function createApi({ apiKey, models, withoutTemperature, reply }: ApiDeps) {
  const known = models.filter((model) => model.supported_in_api)

  function admit({ headers }: SeenRequest): Answer | undefined {
    const key = bearerOf(headers.authorization)
    if (key === apiKey) return undefined
    if (key === undefined) return apiError(401, { message: "You didn't provide an API key." })
    if (!key.startsWith('sk-')) {
      // What a ChatGPT token meets here (openai/codex#31506).
      return apiError(401, {
        message: 'You have insufficient permissions for this operation. Missing scopes: api.responses.write.',
      })
    }
    const message = `Incorrect API key provided: ${key.slice(0, 8)}***${key.slice(-4)}.`
    return apiError(401, { message, code: 'invalid_api_key' })
  }

  function listModels(request: SeenRequest): Verdict {
    const refusal = admit(request)
    if (refusal !== undefined) return { refusal }
    const data = known.map(({ slug }) => ({ id: slug, object: 'model', created: 1_790_000_000, owned_by: 'openai' }))
    return { usual: () => ({ json: { object: 'list', data } }) }
  }

  function responses(request: SeenRequest): Verdict {
    const refusal = admit(request) ?? refuse(request.body)
    if (refusal !== undefined) return { refusal }
    const { model } = request.body as { model: string }
    return { usual: () => streamed(reply, model) }
  }

  function refuse(body: unknown): Answer | undefined {
    if (!isRecord(body)) return apiError(400, { message: 'We could not parse the JSON body of your request.' })
    const missing = ['model', 'input'].find((param) => body[param] === undefined)
    if (missing !== undefined) {
      const message = `Missing required parameter: '${missing}'.`
      return apiError(400, { message, param: missing, code: 'missing_required_parameter' })
    }
    if (!known.some(({ slug }) => slug === body.model)) {
      const message = `The requested model '${body.model}' does not exist.`
      return apiError(400, { message, param: 'model', code: 'model_not_found' })
    }
    if (body.temperature !== undefined && withoutTemperature.includes(`${body.model}`)) {
      const message = "Unsupported parameter: 'temperature' is not supported with this model."
      return apiError(400, { message, param: 'temperature', code: 'unsupported_parameter' })
    }
    if (body.stream === true) return undefined
    return apiError(400, { message: 'The fake answers streams only.', param: 'stream' })
  }

  return { listModels, responses }
}

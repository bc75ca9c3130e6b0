import type { IncomingHttpHeaders } from 'node:http'
import { planRefusalOf } from './fake-plan-body.ts'
import type { PlanBooks } from './fake-plan-books.ts'
import { planError } from './fake-plan-errors.ts'
import { planModelsFor } from './fake-plan-models.ts'
import { PLAN_SCOPE, type PlanOptions } from './fake-plan-options.ts'
import { planAnswer } from './fake-plan-stream.ts'
import { askerOf, type Seals } from './fake-reasoning.ts'
import { bearerOf, hasType, isRecord, type SeenRequest } from './fake-request.ts'
import type { Answer, Verdict } from './fake-script.ts'

/** What belongs to the Codex route or to an API key. The service may not mind; a client that sends it mixes routes. */
const FOREIGN_HEADER =
  /^(chatgpt-account-id|originator|version|session[-_]id|conversation[-_]id|openai-.*|x-openai-.*|x-codex-.*)$/

export interface PlanApiDeps {
  books: Pick<PlanBooks, 'judge'>
  options: PlanOptions
  seals: Seals
}

/** api.openai.com for whoever shows a token of the plan (facts: plan-usage 3). */
export function createPlanApi({ books, options, seals }: PlanApiDeps) {
  /** Why this bearer may not ask; `undefined` if it may. */
  function turnAway({ headers }: SeenRequest): Answer | undefined {
    const bearer = books.judge(bearerOf(headers.authorization) ?? '')
    if (bearer?.state === 'revoked') return planError('subscription_sharing_invalid_user')
    if (bearer?.state !== 'live') return planError(null, { status: 401 })
    if (!bearer.scope.split(' ').includes(PLAN_SCOPE)) return planError('chatpass_v2_scope_not_authorized')
    const foreign = foreignHeader(headers)
    return foreign === undefined ? undefined : planError(null, { status: 400, message: `No ${foreign} here.` })
  }

  function listModels(request: SeenRequest): Verdict {
    const refusal = turnAway(request) ?? wrongQuery(request)
    if (refusal !== undefined) return { refusal }
    return { usual: () => ({ headers: requestId(), json: { models: shown(request.query.get('client_version')) } }) }
  }

  function shown(clientVersion: string | null) {
    return options.clientVersionGate ? planModelsFor(options.models, clientVersion) : options.models
  }

  function responses(request: SeenRequest): Verdict {
    const refusal = turnAway(request) ?? wrongQuestion(request)
    if (refusal !== undefined) return { refusal }
    const { model } = request.body as { model: string }
    const usual = () => planAnswer(options.reply, { model, commentary: ['I look at the question.'] })
    return { usual, asker: askerOf(accountOf(request), request.body) }
  }

  function wrongQuestion(request: SeenRequest): Answer | undefined {
    const { headers, body } = request
    const isJson = hasType(headers['content-type'], 'application/json') && isRecord(body)
    if (!isJson) return planError(null, { status: 400, message: 'Not a JSON object.' })
    const isGiven = (content: unknown) => seals.isGiven(accountOf(request), content)
    return planRefusalOf(body, { ...options, isGiven })
  }

  function accountOf({ headers }: SeenRequest): string {
    const bearer = books.judge(bearerOf(headers.authorization) ?? '')
    return bearer?.state === 'live' ? `plan ${bearer.person.subject} ${bearer.person.workspace}` : ''
  }

  return { listModels, responses }
}

function wrongQuery({ query }: SeenRequest): Answer | undefined {
  const param = [...query.keys()].find((name) => name !== 'client_version')
  return param === undefined ? undefined : planError('unknown_parameter', { param })
}

function foreignHeader(headers: IncomingHttpHeaders): string | undefined {
  return Object.keys(headers).find((name) => FOREIGN_HEADER.test(name))
}

function requestId(): Record<string, string> {
  return { 'x-request-id': 'req_FAKE_plan_models' }
}

import { createHash, randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './fake-openai.ts'
import { BOOTSTRAP_CLIENT, PLAN_RESOURCE, PLAN_SCOPES } from './fake-plan-options.ts'
import type { PlanTokenSet } from './fake-plan-tokens.ts'

type Changes = Record<string, string | undefined>

const HOST = 'urn:uuid:3f2b8c1e-5d4a-4c7b-9e10-0123456789ab'

const PLAN_CALLBACK = 'http://127.0.0.1:49152/auth/callback'

/** A fake that ends with the test, and somebody to ask it. */
export async function startPlan(options?: FakeOpenAIOptions) {
  const fake = await startFakeOpenAI(options)
  onTestFinished(fake.close)
  return { fake, plan: fake.plan, client: createPlanClient(fake) }
}

/** A login by hand, to test the fake: what a correct client asks, and whatever a test wants else (undefined: left out). */
function createPlanClient(fake: FakeOpenAI) {
  let attempt = newAttempt()

  /** What follows belongs to a new attempt: state, nonce and verifier are made once for each. */
  function begin(): void {
    attempt = newAttempt()
  }

  function parameters(): Changes {
    return {
      client_id: BOOTSTRAP_CLIENT,
      ext_agent_host_id: HOST,
      response_type: 'code',
      redirect_uri: PLAN_CALLBACK,
      scope: PLAN_SCOPES.join(' '),
      resource: PLAN_RESOURCE,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: createHash('sha256').update(attempt.verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }
  }

  function authorizeUrl(changes: Changes = {}): string {
    const isLater = changes.client_id?.startsWith('oaiapp_FAKE')
    const query = given({ ...parameters(), ...(!isLater && { agent_name_hint: 'a test' }), ...changes })
    return `${fake.issuer}/api/accounts/authorize?${query}`
  }

  /** Where the browser is sent. */
  async function authorize(changes: Changes = {}): Promise<URLSearchParams> {
    const page = await fetch(authorizeUrl(changes), { redirect: 'manual' })
    return new URL(page.headers.get('location') ?? 'http://nowhere').searchParams
  }

  function post(path: string, fields: Changes): Promise<Response> {
    return fetch(`${fake.issuer}${path}`, { method: 'POST', body: given(fields) })
  }

  function exchangeForm(fields: Changes): URLSearchParams {
    const usual = { grant_type: 'authorization_code', code_verifier: attempt.verifier, redirect_uri: PLAN_CALLBACK }
    return given({ ...usual, resource: PLAN_RESOURCE, ...fields })
  }

  function exchange(fields: Changes, headers: Record<string, string> = {}): Promise<Response> {
    const body = exchangeForm(fields)
    return fetch(`${fake.issuer}/api/accounts/oauth/token`, { method: 'POST', body, headers })
  }

  function refresh(refreshToken: string, clientId: string, changes: Changes = {}): Promise<Response> {
    const usual = { grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken }
    return post('/api/accounts/oauth/token', { ...usual, resource: PLAN_RESOURCE, ...changes })
  }

  function revoke(token: string, clientId: string, changes: Changes = {}): Promise<Response> {
    const usual = { token, token_type_hint: 'refresh_token', client_id: clientId }
    return post('/api/accounts/oauth/revoke', { ...usual, ...changes })
  }

  /** From the authorize page to the tokens; of a registration of its own unless an issued id is given. */
  async function login(issued?: string): Promise<{ tokens: PlanTokenSet; clientId: string }> {
    begin()
    const callback = await authorize({ client_id: issued ?? BOOTSTRAP_CLIENT })
    const clientId = callback.get('client_id') ?? issued ?? ''
    const answer = await exchange({ code: callback.get('code') ?? '', client_id: clientId })
    return { tokens: (await answer.json()) as PlanTokenSet, clientId }
  }

  function models(token: string, query = ''): Promise<Response> {
    return fetch(`${fake.plan.baseUrl}/models${query}`, { headers: { authorization: `Bearer ${token}` } })
  }

  function ask(token: string, changes: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
    const input = [{ role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }]
    return fetch(`${fake.plan.baseUrl}/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'gpt-6-astra', input, store: false, stream: true, ...changes }),
    })
  }

  return {
    attempt: () => attempt,
    begin,
    parameters,
    authorizeUrl,
    authorize,
    exchangeForm,
    exchange,
    refresh,
    revoke,
    post,
    login,
    models,
    ask,
  }
}

function given(fields: Changes): URLSearchParams {
  return new URLSearchParams(Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined))
}

function newAttempt() {
  const random = () => randomBytes(32).toString('base64url')
  return { verifier: random(), state: random(), nonce: random() }
}

/** The header (0) or the claims (1) of a JWT. */
export function partOf(jwt: string, index: 0 | 1): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[index] ?? '', 'base64url').toString())
}

import { CODEX_LOGIN, type LoginRoute, type RouteName } from '../../src/services/login/login-route.ts'
import { PLAN_LOGIN } from '../../src/services/plan/plan-login.ts'
import type { FakeOpenAI } from './fake-openai.ts'
import type { SeenRequest } from './fake-request.ts'
import type { Script } from './fake-script.ts'

/** What a login comes with, whatever else is said of it. */
export interface LoginTokens {
  access_token: string
  refresh_token: string
  id_token: string
}

export interface IssuedLogin {
  tokens: LoginTokens
  /** The fields it is stored with, but for its times. */
  fields: Record<string, unknown>
}

/** The fake as one of the logins sees it. */
export interface FakeRoute {
  login: LoginRoute
  /** What its record is called in the credentials file. */
  key: string
  tokenPath: string
  revokePath: string
  script: Record<'token' | 'revoke', Script>
  /** Tokens as from a login. */
  issue(options?: { accountId?: string; expiresInSeconds?: number }): IssuedLogin
  isRefresh(request: SeenRequest): boolean
  /** Grant types of the token requests, in order. */
  grants(): readonly string[]
  /** Refresh tokens presented again. */
  reuses(): number
  revoked(): readonly string[]
  expireAccessTokens(): void
  expireRefreshTokens(): void
}

export function fakeRoute(fake: FakeOpenAI, name: RouteName): FakeRoute {
  return name === 'codex' ? codexRoute(fake) : planRoute(fake)
}

/** What a program of a race is started to say with every request. */
export const SENDER_HEADER = 'x-race-sender'

/** Who has sent it. A request without a name would let every count of a race come out right. */
export function senderOf({ headers }: SeenRequest): string {
  const sender = headers[SENDER_HEADER]
  if (typeof sender !== 'string') throw new Error('a request of a race does not say who has sent it')
  return sender
}

function codexRoute(fake: FakeOpenAI): FakeRoute {
  return {
    login: CODEX_LOGIN,
    key: 'codex',
    tokenPath: '/oauth/token',
    revokePath: '/oauth/revoke',
    script: fake.script,
    issue({ accountId = 'acct-fake-0001', expiresInSeconds = 3600 } = {}) {
      const tokens = fake.issueTokens({ accountId, expiresInSeconds })
      return { tokens, fields: { ...storedTokens(tokens), token_type: 'bearer', account_id: accountId } }
    },
    isRefresh: ({ text }) => text.includes('"refresh_token"'),
    grants: () => fake.seen.grants,
    reuses: () => fake.seen.reuses,
    revoked: () => fake.seen.revocations.map(({ token }) => token),
    expireAccessTokens: fake.expireAccessTokens,
    expireRefreshTokens: fake.expireRefreshTokens,
  }
}

function planRoute({ plan }: FakeOpenAI): FakeRoute {
  /** One person has one registration here. */
  const clients = new Map<string, string>()
  return {
    login: PLAN_LOGIN,
    key: 'codex_plan',
    tokenPath: '/api/accounts/oauth/token',
    revokePath: '/api/accounts/oauth/revoke',
    script: plan.script,
    issue({ accountId: subject = 'user-FAKE-0001', expiresInSeconds = 3600 } = {}) {
      const known = clients.get(subject)
      const { tokens, clientId } = plan.issueTokens({
        subject,
        expiresInSeconds,
        ...(known === undefined ? {} : { clientId: known }),
      })
      clients.set(subject, clientId)
      const { token_type, scope: granted_scope } = tokens
      const owner = { account_id: subject, issued_client_id: clientId }
      return { tokens, fields: { ...storedTokens(tokens), ...owner, token_type, granted_scope } }
    },
    isRefresh: ({ body }) => (body as { grant_type?: string }).grant_type === 'refresh_token',
    grants: () => plan.seen.grants,
    reuses: () => plan.seen.reuses,
    revoked: () => plan.seen.revocations.map(({ token }) => token),
    expireAccessTokens: plan.expireAccessTokens,
    expireRefreshTokens: plan.expireRefreshTokens,
  }
}

function storedTokens({ access_token, refresh_token, id_token }: LoginTokens) {
  return { access_token, refresh_token, id_token, saved_at: 1_790_000_000, method: 'chatgpt' }
}

import { describe, expect, test } from 'vitest'
import { CODEX_LOGIN } from '../../../src/services/login/login-route.ts'
import { PLAN_LOGIN } from '../../../src/services/plan/plan-login.ts'
import { SCOPES } from '../../../src/services/plan/plan-scope.ts'
import { aRecord } from '../../support/token-records.ts'

const CONFIG = { baseUrl: 'https://codex.example', planBaseUrl: 'https://plan.example' }
const PORTS = { ports: [1455, 1457], redirectHost: 'localhost' as const }
const IDENTITY = { originator: 'codex_oauth', userAgent: 'codex_oauth/1', clientVersion: '1.0' }
const RECORD = aRecord({ clientId: 'oaiapp_FAKE-1', scope: SCOPES, expiresAt: 1 })

describe('the login for plan usage', () => {
  test('is sent back to the literal address, on any port unless one is fixed', () => {
    expect(PLAN_LOGIN.redirect({ ...PORTS, planPort: undefined })).toMatchObject({
      host: '127.0.0.1',
      isLiteral: true,
      ports: [0, 0, 0],
      portToPaste: 1455,
    })
    expect(PLAN_LOGIN.redirect({ ...PORTS, planPort: 4000 })).toMatchObject({ ports: [4000], portToPaste: 4000 })
  })

  test('tells the service a name, a credential and nothing else', () => {
    expect(PLAN_LOGIN.headers(RECORD, IDENTITY, 'Bearer FAKE')).toEqual({
      'user-agent': 'codex_oauth/1',
      authorization: 'Bearer FAKE',
    })
  })

  test('loses its tokens when it is dead, and keeps whose it was', () => {
    const dead = PLAN_LOGIN.buried(RECORD, 'hash')
    expect(dead).toMatchObject({
      accessToken: '',
      clientId: 'oaiapp_FAKE-1',
      accountId: 'account-1',
      refreshFailed: 'hash',
    })
    expect([dead.refreshToken, dead.idToken, dead.expiresAt]).toEqual([undefined, undefined, undefined])
  })

  test('lacks something without the scope, unless it is over anyway', () => {
    expect(PLAN_LOGIN.lack(RECORD)).toBeUndefined()
    expect(PLAN_LOGIN.lack({ ...RECORD, scope: 'openid' })).toMatchObject({ code: 'PLAN_REQUIRED' })
    expect(PLAN_LOGIN.lack({ ...RECORD, scope: 'openid', accessToken: '' })).toBeUndefined()
  })

  test('is never replaced by what the environment holds', () => {
    const api = { key: 'sk-FAKE', baseUrl: 'https://api.example', source: 'OPENAI_API_KEY' }
    expect(PLAN_LOGIN.outside({ api, accessToken: undefined } as never, 0)).toBeUndefined()
  })
})

test('the logins share no place, no address and no words', () => {
  const facts = [CODEX_LOGIN, PLAN_LOGIN].map((route) => [
    route.name,
    route.place.key,
    route.claimSuffix,
    route.baseUrl(CONFIG),
    route.invitation,
    route.call,
    route.callBeside,
    route.nobodyCame,
  ])
  for (const [index, fact] of (facts[0] ?? []).entries()) expect(facts[1]?.[index]).not.toBe(fact)
})

test('only the Codex login knows a code for another device', () => {
  expect([CODEX_LOGIN, PLAN_LOGIN].map(({ ladders }) => ladders.device.length > 0)).toEqual([true, false])
  expect(PLAN_LOGIN.nobodyCame).not.toContain('device')
})

import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { challengeOf } from '../../../src/infrastructure/pkce.ts'
import type { OAuthFlow } from '../../../src/services/oauth/oauth-flow.ts'
import type { AuthorizeRequest, CodeProof } from '../../../src/services/oauth/oauth-route.ts'
import { createAuthorize } from '../../../src/services/sign-in/authorization.ts'

const REDIRECT = 'http://localhost:1455/auth/callback'
const ISSUER = 'https://auth.example'

function setUp() {
  const requests: AuthorizeRequest[] = []
  const proofs: CodeProof[] = []
  const oauth = {
    authorizeUrl(request: AuthorizeRequest) {
      requests.push(request)
      return 'https://auth.example/authorize'
    },
    async exchangeCode(proof: CodeProof) {
      proofs.push(proof)
      return {}
    },
  } as unknown as OAuthFlow
  return { requests, proofs, authorize: createAuthorize({ config: { issuer: ISSUER }, oauth, randomBytes }) }
}

test('each request has a state and a challenge of its own, and no client or nonce', () => {
  const { authorize, requests } = setUp()
  authorize(REDIRECT, false)
  authorize(REDIRECT, true)
  expect(Object.keys(requests[0] ?? {}).sort()).toEqual(['challenge', 'redirectUri', 'state'])
  expect(requests[0]?.state).not.toBe(requests[1]?.state)
  expect(requests[0]?.challenge).not.toBe(requests[1]?.challenge)
})

test('only an answer with its own state counts', () => {
  const { authorize, requests } = setUp()
  const [first, second] = [authorize(REDIRECT, false), authorize(REDIRECT, false)]
  const query = `code=ac_1&state=${requests[0]?.state}`
  expect(first.judge(query)).toEqual({ kind: 'code', code: 'ac_1' })
  expect(second.judge(query)).toEqual({ kind: 'ignore' })
})

test('its code is redeemed with its own verifier, for the same address', async () => {
  const { authorize, requests, proofs } = setUp()
  await authorize(REDIRECT, false).redeem({ kind: 'code', code: 'ac_1' }, () => {})
  expect(proofs).toEqual([{ code: 'ac_1', redirectUri: REDIRECT, verifier: expect.any(String) }])
  expect(challengeOf(proofs[0]?.verifier ?? '')).toBe(requests[0]?.challenge)
})

import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { CodexError } from '../../../src/errors.ts'
import { challengeOf } from '../../../src/infrastructure/pkce.ts'
import type { TokenRecord } from '../../../src/infrastructure/token-storage.ts'
import type { OAuthFlow } from '../../../src/services/oauth/oauth-flow.ts'
import type { AuthorizeRequest, CodeProof } from '../../../src/services/oauth/oauth-route.ts'
import { createPlanAuthorize } from '../../../src/services/plan/plan-authorize.ts'
import type { Registered } from '../../../src/services/plan/plan-registration.ts'
import { SCOPES } from '../../../src/services/plan/plan-scope.ts'
import { errorOf } from '../../support/error-of.ts'
import { aRecord } from '../../support/token-records.ts'

const REDIRECT = 'http://127.0.0.1:4000/auth/callback'
const KNOWN: Registered = { clientId: 'oaiapp_FAKE-1', subject: 'user-FAKE-1' }
const TOKENS = {
  accessToken: 'FAKE-access',
  refreshToken: 'FAKE-refresh',
  idToken: 'FAKE-id',
  tokenType: 'Bearer',
  expiresAt: 1,
}

interface Situation {
  known?: Registered | undefined
  stored?: TokenRecord
  refusal?: CodexError
  verdict?: CodexError
  /** Why no registration can be kept. */
  unkept?: CodexError
}

function setUp({ known, stored, refusal, verdict, unkept }: Situation = {}) {
  const deeds: string[] = []
  const requests: AuthorizeRequest[] = []
  const proofs: CodeProof[] = []
  const expected: unknown[] = []
  const abandoned: unknown[] = []
  const oauth = {
    authorizeUrl(request: AuthorizeRequest) {
      requests.push(request)
      return 'https://auth.example/authorize'
    },
    async exchangeCode(proof: CodeProof) {
      deeds.push('exchange')
      proofs.push(proof)
      if (refusal !== undefined) throw refusal
      return TOKENS
    },
  } as unknown as OAuthFlow
  const authorize = createPlanAuthorize({
    config: { issuer: 'https://auth.example' },
    oauth,
    randomBytes,
    stored: () => stored,
    registration: {
      clientFor: (anew) => (anew ? undefined : known),
      keepPending: async (clientId) => void deeds.push(`keep ${clientId}`),
      rehearse() {
        if (unkept !== undefined) throw unkept
        deeds.push('rehearse')
      },
      drop: async (clientId) => void deeds.push(`drop ${clientId}`),
    },
    verifier: {
      async verify(_, identity) {
        deeds.push('verify')
        expected.push(identity)
        if (verdict !== undefined) throw verdict
        return { subject: 'user-FAKE-1', email: undefined, issuedAt: 0 }
      },
    },
  })
  const redeem = (clientId: string | undefined, anew = false) =>
    authorize(REDIRECT, anew).redeem(
      { kind: 'code', code: 'ac_FAKE', clientId },
      (tokens) => void abandoned.push(tokens),
    )
  return { authorize, deeds, requests, proofs, expected, abandoned, redeem }
}

describe('a request', () => {
  test('is fresh each time in all that is random', () => {
    const { authorize, requests } = setUp()
    for (let round = 0; round < 3; round += 1) authorize(REDIRECT, false)
    for (const name of ['state', 'nonce', 'challenge'] as const) {
      expect(new Set(requests.map((request) => request[name])).size).toBe(3)
    }
    expect(new Set(requests.flatMap(({ state, nonce }) => [state, nonce])).size).toBe(6)
  })

  test('is made as the issued client, or to be issued one, also where somebody wants another', () => {
    const { authorize, requests } = setUp({ known: KNOWN })
    authorize(REDIRECT, false)
    authorize(REDIRECT, true)
    expect(requests.map(({ clientId }) => clientId)).toEqual(['oaiapp_FAKE-1', undefined])
  })

  const off = aRecord({ scope: 'openid' })
  test.each<[string, Situation, boolean, boolean]>([
    ['of somebody with the plan off', { known: KNOWN, stored: off }, false, true],
    ['of somebody with the plan on', { known: KNOWN, stored: aRecord({ scope: SCOPES }) }, false, false],
    ['of a login that is over', { known: KNOWN, stored: { ...off, accessToken: '' } }, false, false],
    ['of nobody', { known: KNOWN }, false, false],
    ['of somebody who registers', { stored: off }, false, false],
    ['of somebody who wants to be another', { known: KNOWN, stored: off }, true, false],
  ])('%s asks for consent or not', (_, situation, anew, consent) => {
    const { authorize, requests } = setUp(situation)
    authorize(REDIRECT, anew)
    expect(requests[0]?.asksConsent).toBe(consent)
  })
})

describe('a code', () => {
  test('is redeemed with the verifier of its challenge, after its client has been kept', async () => {
    const { redeem, deeds, proofs, requests, expected } = setUp()
    expect(await redeem('oaiapp_FAKE-2')).toEqual({ ...TOKENS, clientId: 'oaiapp_FAKE-2', accountId: 'user-FAKE-1' })
    expect(deeds).toEqual(['rehearse', 'keep oaiapp_FAKE-2', 'exchange', 'verify'])
    expect(proofs[0]).toMatchObject({ code: 'ac_FAKE', redirectUri: REDIRECT, clientId: 'oaiapp_FAKE-2' })
    expect(challengeOf(proofs[0]?.verifier ?? '')).toBe(requests[0]?.challenge)
    expect(expected).toEqual([{ clientId: 'oaiapp_FAKE-2', nonce: requests[0]?.nonce, subject: undefined }])
  })

  test('of a later sign-in has to be of whom the registration is', async () => {
    const { redeem, deeds, expected } = setUp({ known: KNOWN })
    await redeem(KNOWN.clientId)
    expect(deeds).toEqual(['exchange', 'verify'])
    expect(expected).toEqual([expect.objectContaining({ subject: 'user-FAKE-1' })])
  })

  test('that is refused leaves the client kept, unless that is what is unknown', async () => {
    const refused = (oauthError: string) => new CodexError('TOKEN_REQUEST_FAILED', 'No.', { cause: { oauthError } })
    const stale = setUp({ refusal: refused('invalid_grant') })
    expect((await errorOf(stale.redeem('oaiapp_FAKE-2'))).message).toBe('No.')
    expect(stale.deeds).toEqual(['rehearse', 'keep oaiapp_FAKE-2', 'exchange'])
    const unknown = setUp({ refusal: refused('invalid_client') })
    expect((await errorOf(unknown.redeem('oaiapp_FAKE-2'))).hint).toContain('force: true')
    expect(unknown.deeds).toEqual(['rehearse', 'keep oaiapp_FAKE-2', 'exchange', 'drop oaiapp_FAKE-2'])
  })

  test.each(['TOKEN_REQUEST_FAILED', 'ACCOUNT_CHANGED', 'NETWORK'] as const)(
    'whose ID token is not believed (%s) gives no tokens, and those there are go back',
    async (code) => {
      const verdict = new CodexError(code, 'No.')
      const { redeem, abandoned } = setUp({ known: KNOWN, verdict })
      expect(await errorOf(redeem(KNOWN.clientId))).toBe(verdict)
      expect(abandoned).toEqual([
        expect.objectContaining({ refreshToken: 'FAKE-refresh', clientId: KNOWN.clientId, accountId: undefined }),
      ])
    },
  )

  test('cannot come where its client could not be kept: there is no address', async () => {
    const { authorize, requests } = setUp({ unkept: new CodexError('STORAGE_FAILED', 'No.') })
    expect(await errorOf(async () => authorize(REDIRECT, false))).toMatchObject({ code: 'STORAGE_FAILED' })
    expect(requests).toEqual([])
  })

  test('that could be redeemed gives nothing back', async () => {
    const { redeem, abandoned } = setUp({ known: KNOWN })
    await redeem(KNOWN.clientId)
    expect(abandoned).toEqual([])
  })
})

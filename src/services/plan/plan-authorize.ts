import { createPkce, createState } from '../../infrastructure/pkce.ts'
import type { TokenRecord } from '../../infrastructure/token-storage.ts'
import type { IdTokenVerifier } from '../oauth/id-token.ts'
import { refusalCodeOf } from '../oauth/oauth-flow.ts'
import type { TokenResponse } from '../oauth/token-response.ts'
import type { Authorize, AuthorizeDeps } from '../sign-in/authorization.ts'
import { judgePlanCallback } from './plan-callback.ts'
import { unknownClient } from './plan-oauth.ts'
import type { PlanRegistration, Registered } from './plan-registration.ts'
import { hasPlanScope } from './plan-scope.ts'

export interface PlanAuthorizeDeps extends AuthorizeDeps {
  registration: Pick<PlanRegistration, 'clientFor' | 'keepPending' | 'drop' | 'rehearse'>
  verifier: Pick<IdTokenVerifier, 'verify'>
}

/**
 * Under the client that was issued to this installation, or to be issued one; with `nonce`, for the ID token that has to
 * hold before anything is believed (facts: plan-usage 2.3 to 2.6).
 */
export function createPlanAuthorize(deps: PlanAuthorizeDeps): Authorize {
  const { config, oauth, randomBytes, registration, verifier, stored } = deps

  return (redirectUri, anew) => {
    const pkce = createPkce(randomBytes)
    // How long they have to be is not said; 32 bytes each are usual (facts: plan-usage 2.3).
    const [state, nonce] = [createState(randomBytes), createState(randomBytes)]
    const record = anew ? undefined : stored()
    const known = clientOf(record) ?? registration.clientFor(anew)
    // Only when somebody who is signed in without it asks for plan usage (facts: plan-usage 4.2). Never
    // `force_reconsent`, which OpenAI has to confirm for a program first (facts: plan-usage 2.3).
    const asksConsent =
      known !== undefined && record !== undefined && record.accessToken !== '' && !hasPlanScope(record)
    const { challenge } = pkce
    if (known?.subject === undefined) registration.rehearse()
    // A registration nobody finishes is taken up once: whoever asks anew again gets rid of it.
    if (anew && known !== undefined) void registration.drop(known.clientId).catch(() => {})

    /** First on disk: nobody gets an issued id back. @throws CodexError STORAGE_CORRUPT, STORAGE_FAILED, STORAGE_LOCKED */
    async function exchange(code: string, clientId: string): Promise<TokenResponse> {
      if (known?.subject === undefined) await registration.keepPending(clientId)
      try {
        return await oauth.exchangeCode({ code, redirectUri, verifier: pkce.verifier, clientId })
      } catch (error) {
        if (refusalCodeOf(error) !== 'invalid_client') throw error
        await registration.drop(clientId)
        throw unknownClient()
      }
    }

    return {
      url: oauth.authorizeUrl({ redirectUri, challenge, state, nonce, clientId: known?.clientId, asksConsent }),
      judge: (query) => judgePlanCallback(query, { state, issuer: config.issuer, clientId: known?.clientId }),
      async redeem({ code, clientId = '' }, abandon) {
        const tokens = await exchange(code, clientId)
        const expected = { clientId, nonce, subject: known?.subject }
        try {
          const { subject } = await verifier.verify(tokens.idToken ?? '', expected)
          return { ...tokens, clientId, accountId: subject }
        } catch (error) {
          abandon({ ...tokens, clientId, accountId: undefined })
          throw error
        }
      },
    }
  }
}

/** What a login that is stored was made with: it knows best, also when the file of the registration is lost. */
function clientOf(record: TokenRecord | undefined): Registered | undefined {
  return record?.clientId === undefined ? undefined : { clientId: record.clientId, subject: record.accountId }
}

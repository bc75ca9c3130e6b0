import { CodexError } from '../../errors.ts'
import type { HttpClient } from '../../infrastructure/http-client.ts'
import { isSameSecret } from '../../infrastructure/pkce.ts'
import { createRemembered } from '../../infrastructure/remembered.ts'
import { type KeySet, type OpenedJwt, openSignedJwt, readKeySet } from '../../infrastructure/signed-jwt.ts'
import { fieldOf, numberField, textField } from '../codex/remote-text.ts'
import type { Discovery } from './discovery.ts'
import { readIssuerDocument, unavailable } from './issuer-document.ts'

/** Who has signed in. Only together with the client id does the subject name somebody (facts: plan-usage 2.6). */
export interface VerifiedIdentity {
  subject: string
  /** A label: two registrations may have the same. */
  email: string | undefined
  /** Milliseconds since the epoch. */
  issuedAt: number
}

export interface ExpectedIdentity {
  clientId: string
  /** Of this sign-in; undefined for a refresh, which has none. */
  nonce: string | undefined
  /** Of the registration; undefined when nobody has signed in with it yet. */
  subject: string | undefined
}

export interface IdTokenVerifier {
  /**
   * Checks an ID token (OpenID Connect Core 1.0, sections 3.1.3.7 and 12.2; facts: plan-usage 2.6).
   *
   * @throws CodexError TOKEN_REQUEST_FAILED it does not hold; ACCOUNT_CHANGED it is somebody else's. Every other one, and
   * TOKEN_REQUEST_FAILED that is retryable, says only that it could not be checked.
   */
  verify(idToken: string, expected: ExpectedIdentity): Promise<VerifiedIdentity>
  /** Gets the keys, so that `verify` need not wait for them. Never rejects. */
  prepare(): Promise<void>
}

export interface IdTokenVerifierDeps {
  issuer: string
  discovery: Discovery
  http: HttpClient
  now: () => number
}

const KEYS_LIFE_MS = 600_000
const KEYS = 'its keys'

export function createIdTokenVerifier({ issuer, discovery, http, now }: IdTokenVerifierDeps): IdTokenVerifier {
  async function load(): Promise<KeySet> {
    const { jwksUri } = await discovery.read()
    const keys = await readKeySet(await readIssuerDocument(http, { url: jwksUri, field: 'keys', what: KEYS }))
    if (keys === undefined) throw unavailable(KEYS)
    return keys
  }

  const keySets = createRemembered({ load, lifeMs: KEYS_LIFE_MS, now })

  async function open(idToken: string, clientId: string): Promise<OpenedJwt> {
    // RS256 alone and 5 s between the clocks are what others take; the page names neither (facts: plan-usage 2.6).
    const rules = { issuer, audience: clientId, now: now() }
    const keys = await keySets.get()
    const opened = await openSignedJwt(idToken, keys, rules)
    if (opened.kind === 'claims' || opened.kind === 'wrong') return opened
    // The issuer may have changed its keys since.
    return openSignedJwt(idToken, await keySets.renew(keys), rules)
  }

  return {
    prepare: () =>
      keySets.get().then(
        () => {},
        () => {},
      ),

    async verify(idToken, { clientId, nonce, subject }) {
      const claims = claimsOf(await open(idToken, clientId))
      if (!isForThisClient(claims, clientId)) throw doesNotHold('aud')
      if (nonce !== undefined && !isSameSecret(textField(claims, 'nonce') ?? '', nonce)) throw doesNotHold('nonce')
      const identity = identityIn(claims)
      if (subject !== undefined && identity.subject !== subject) throw anotherAccount()
      return identity
    },
  }
}

function claimsOf(opened: OpenedJwt): object {
  if (opened.kind === 'claims') return opened.claims
  throw opened.kind === 'unusable key' ? unavailable(KEYS) : doesNotHold(opened.kind === 'wrong' ? opened.part : 'key')
}

/**
 * The audience comes as a string or as an array of one (facts: plan-usage 2.6). One that is for several programs says
 * which of them asked for it; one that says so has to mean this one.
 */
function isForThisClient(claims: object, clientId: string): boolean {
  const audience = fieldOf(claims, 'aud')
  const asker = fieldOf(claims, 'azp')
  return asker === clientId || (asker === undefined && !(Array.isArray(audience) && audience.length > 1))
}

function identityIn(claims: object): VerifiedIdentity {
  const subject = textField(claims, 'sub')
  const issuedAt = numberField(claims, 'iat')
  // It is kept, and what is kept of a login has no blanks in it.
  if (subject === undefined || !/^[!-~]{1,255}$/.test(subject)) throw doesNotHold('sub')
  if (issuedAt === undefined) throw doesNotHold('iat')
  const email = textField(claims, 'email')
  // What could not stand on one line of a status is no label.
  return { subject, email: /^[\x20-\x7e]{1,320}$/.test(email ?? '') ? email : undefined, issuedAt: issuedAt * 1000 }
}

const CLOCK = 'Check the date and the time of this machine, then start the sign-in again.'

const FAULTS: Readonly<Record<string, readonly [what: string, hint?: string]>> = {
  form: ['it is not a signed token'],
  algorithm: ['it is not signed in the agreed way'],
  key: ['it names none of the keys that the service publishes'],
  signature: ['its signature is wrong'],
  expiry: ['it has expired', CLOCK],
  nbf: ['it does not hold yet', CLOCK],
  iss: ['another service has made it'],
  aud: ['it is for another program'],
  nonce: ['it belongs to another sign-in'],
}

function doesNotHold(fault: string): CodexError {
  const [what, hint = 'Start the sign-in again.'] = FAULTS[fault] ?? ['a claim in it is missing or makes no sense']
  return new CodexError('TOKEN_REQUEST_FAILED', `The sign-in service sent an ID token that does not hold: ${what}.`, {
    hint,
    cause: { fault },
  })
}

function anotherAccount(): CodexError {
  return new CodexError(
    'ACCOUNT_CHANGED',
    'The sign-in was for another account or workspace than the one this registration belongs to.',
    { hint: 'To use another account: codex_login with route "plan" and force: true.' },
  )
}

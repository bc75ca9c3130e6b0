import { CodexError } from '../../errors.ts'
import type { HttpClient } from '../../infrastructure/http-client.ts'
import { createRemembered } from '../../infrastructure/remembered.ts'
import { fieldOf, quoteRemote, textField } from '../codex/remote-text.ts'
import { readIssuerDocument } from './issuer-document.ts'

/** What the issuer says about itself, as far as it is needed: the other addresses are documented constants. */
export interface Discovered {
  jwksUri: string
  /** Where tokens are given back (RFC 7009); undefined when it names no such place. */
  revocationEndpoint: string | undefined
}

export interface Discovery {
  /**
   * From memory when it is less than an hour old. The scopes it lists leave out those of the plan, so they are not
   * looked at (facts: plan-usage 2.1).
   *
   * @throws CodexError TOKEN_REQUEST_FAILED (retryable); NETWORK, TIMEOUT, RESPONSE_INVALID when it cannot be reached
   */
  read(): Promise<Discovered>
}

export interface DiscoveryDeps {
  /** Without a slash at its end. */
  issuer: string
  http: HttpClient
  now: () => number
}

const HOUR_MS = 3_600_000

/** OpenID Connect Discovery 1.0, section 4. */
export function createDiscovery({ issuer, http, now }: DiscoveryDeps): Discovery {
  async function load(): Promise<Discovered> {
    const document = await readIssuerDocument(http, {
      url: `${issuer}/.well-known/openid-configuration`,
      field: 'issuer',
      what: 'its description',
    })
    const stray = strayIn(document, issuer)
    if (stray !== undefined) throw pointsElsewhere(stray)
    return {
      // Documented for another flow only, so the document comes first (facts: plan-usage 2.1).
      jwksUri: textField(document, 'jwks_uri') ?? `${issuer}/.well-known/jwks.json`,
      revocationEndpoint: textField(document, 'revocation_endpoint'),
    }
  }

  const document = createRemembered({ load, lifeMs: HOUR_MS, now })
  return { read: () => document.get() }
}

/** The first entry that leads away from the issuer. Whoever wrote that may have written the rest (facts: plan-usage 2.1). */
function strayIn(document: object, issuer: string): string | undefined {
  // Section 4.3: exactly the one asked, or the keys of another service would vouch for its tokens.
  if (fieldOf(document, 'issuer') !== issuer) return 'issuer'
  return Object.keys(document).find((name) => isAddress(name) && !isAt(fieldOf(document, name), issuer))
}

function isAddress(name: string): boolean {
  return name === 'jwks_uri' || /_endpoint$/i.test(name)
}

/** Null is how some say that there is none. */
function isAt(address: unknown, issuer: string): boolean {
  if (address === null) return true
  if (typeof address !== 'string' || !URL.canParse(address)) return false
  const { origin, username, password } = new URL(address)
  return origin === new URL(issuer).origin && username === '' && password === ''
}

function pointsElsewhere(entry: string): CodexError {
  return new CodexError(
    'TOKEN_REQUEST_FAILED',
    `The description that the sign-in service gives of itself points elsewhere (${quoteRemote(entry, 60)}), so it was not followed.`,
    {
      hint: 'Try another network: somebody may stand in between. Check CODEX_OAUTH_ISSUER if you have set it.',
      // Like a service that is away, it says nothing against a sign-in that is stored.
      retryable: true,
    },
  )
}

import { CodexError } from '../../errors.ts'
import type { HttpAnswer } from '../../infrastructure/http-client.ts'

/**
 * The error for an answer that the service did not write: a web page or a redirect where it sends data. A proxy, the
 * sign-in page of a network or Cloudflare in front of the service did, so it says nothing about the login. Undefined
 * for an answer that may be the service's own, and where the status says all there is to say (429, 5xx).
 *
 * `what` should have come, as in "A web page came back instead of …".
 */
export function notTheService(
  { status, headers }: Pick<HttpAnswer, 'status' | 'headers'>,
  what: string,
): CodexError | undefined {
  const cameInstead = (thing: string, why: string, hint: string) =>
    new CodexError('RESPONSE_INVALID', `${thing} came back instead of ${what} (${status}): ${why}.`, { hint })

  if (isBlock(status, headers)) {
    return cameInstead('A page of Cloudflare', 'it blocked the request before it reached OpenAI', CLOUDFLARE)
  }
  // RFC 6585, section 6.
  if (status === 511) return cameInstead('A refusal of your network', 'it wants you to sign in to it first', PORTAL)
  if (status === 429 || status >= 500) return undefined
  if (status >= 300 && status < 400 && status !== 304) {
    return cameInstead('A redirect', 'it is not followed with a login', `${PORTAL} ${ADDRESSES}`)
  }
  if (!isPage(headers)) return undefined
  const why = 'a proxy, or the sign-in page of your network (captive portal), stands in between'
  return cameInstead('A web page', why, `${PORTAL} ${ADDRESSES}`)
}

const PORTAL = 'Open any web page in a browser and see whether the network asks for something, then try again.'
const ADDRESSES =
  'Check CODEX_OAUTH_ISSUER, CODEX_OAUTH_BASE_URL, OPENAI_BASE_URL and HTTPS_PROXY if you have set them.'
const CLOUDFLARE = 'Try without VPN or proxy, from another network, or later.'

/** Cloudflare is in front of the real service too, so its `cf-ray` alone says nothing. */
function isBlock(status: number, headers: Headers): boolean {
  if (headers.has('cf-mitigated')) return true
  const isRefusal = status >= 400 && status < 500 && status !== 429
  // To programs it says no in a line of plain text.
  return headers.has('cf-ray') && isRefusal && (isPage(headers) || (status === 403 && !isJson(headers)))
}

function isJson(headers: Headers): boolean {
  return /json/.test(headers.get('content-type') ?? '')
}

function isPage(headers: Headers): boolean {
  return /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(headers.get('content-type') ?? '')
}

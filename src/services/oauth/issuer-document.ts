import { CodexError, isCodexError } from '../../errors.ts'
import { type HttpClient, readText } from '../../infrastructure/http-client.ts'
import { notTheService } from '../codex/not-the-service.ts'
import { fieldOf, parseJson } from '../codex/remote-text.ts'

const TIMEOUT_MS = 10_000
const BODY_LIMIT_MS = 5_000
const MAX_BYTES = 262_144

/**
 * An object that the issuer publishes at `url`, with something at `field`. `what` it is, as in "instead of …".
 *
 * @throws CodexError NETWORK, TIMEOUT; RESPONSE_INVALID a web page or a redirect, which is not followed;
 * TOKEN_REQUEST_FAILED (retryable) anything else that is not it
 */
export async function readIssuerDocument(
  http: HttpClient,
  { url, field, what }: { url: string; field: string; what: string },
): Promise<object> {
  const answer = await http.send({
    method: 'GET',
    url,
    headers: { accept: 'application/json' },
    headerTimeoutMs: TIMEOUT_MS,
  })
  const strange = notTheService(answer, what)
  if (strange !== undefined || answer.status !== 200) {
    void answer.body?.cancel().catch(() => {})
    throw strange ?? unavailable(what, answer.status)
  }
  const json = parseJson(await readWhole(answer.body, what))
  if (typeof json !== 'object' || json === null || fieldOf(json, field) === undefined) throw unavailable(what)
  return json
}

/**
 * The service does not give now what it publishes. That says nothing against a sign-in, so nothing that is stored may
 * go because of it (facts: plan-usage 2.6).
 */
export function unavailable(what: string, status?: number): CodexError {
  const came = status === undefined ? 'what came makes no sense' : `it answered ${status}`
  return new CodexError('TOKEN_REQUEST_FAILED', `The sign-in service was asked for ${what}, and ${came}.`, {
    hint: 'Without that no sign-in can be verified just now; nothing is lost. Try again in a minute.',
    retryable: true,
  })
}

async function readWhole(body: ReadableStream<Uint8Array> | undefined, what: string): Promise<string> {
  try {
    return await readText(body, { maxBytes: MAX_BYTES, limitMs: BODY_LIMIT_MS })
  } catch (error) {
    throw isCodexError(error, 'RESPONSE_INVALID') ? unavailable(what) : error
  }
}

import { createHash, randomBytes } from 'node:crypto'
import type { Account } from './fake-jwt.ts'
import { hasType, isRecord, type SeenRequest } from './fake-request.ts'
import type { Answer, Verdict } from './fake-script.ts'
import type { TokenLedger } from './fake-tokens.ts'

export interface DeviceDeps {
  issuer: () => string
  clientId: string
  ledger: TokenLedger
  /** Whoever types the code in. */
  account: () => Account
  now: () => number
  /** False: the account or the service does not allow it. */
  allowed: boolean
  /** What the service tells clients to wait, as it writes it: a string of seconds. */
  interval: unknown
}

interface Device {
  id: string
  userCode: string
  expiresAt: number
  state: 'pending' | 'denied' | { code: string; challenge: string; verifier: string }
}

const LIFE_MS = 15 * 60_000
const SCOPE = 'openid profile email offline_access'

/** Device sign-in at auth.openai.com (wire-protocol 3): the code, and the polls for what became of it. */
export function createDevice({ issuer, clientId, ledger, account, now, allowed, interval }: DeviceDeps) {
  const devices: Device[] = []

  function usercode(request: SeenRequest): Verdict {
    const wrong = wrongRequest(request, ['client_id'])
    if (wrong !== undefined) return { refusal: invalid(wrong) }
    if ((request.body as { client_id: string }).client_id !== clientId) return { refusal: invalid('client_id') }
    return { usual: () => (allowed ? create() : { status: 404, json: { detail: 'Not Found' } }) }
  }

  function create(): Answer {
    const number = devices.length + 1
    const id = `deviceauth_FAKE_${number}`
    const userCode = `FAKE-${String(number).padStart(5, '0')}`
    const expiresAt = now() + LIFE_MS
    devices.push({ id, userCode, expiresAt, state: 'pending' })
    ledger.secrets.add(id)
    return {
      json: { device_auth_id: id, user_code: userCode, interval, expires_at: new Date(expiresAt).toISOString() },
    }
  }

  function token(request: SeenRequest): Verdict {
    const wrong = wrongRequest(request, ['device_auth_id', 'user_code'])
    if (wrong !== undefined) return { refusal: invalid(wrong) }
    const { device_auth_id: id, user_code: userCode } = request.body as Record<string, string>
    const device = devices.find((known) => known.id === id && known.userCode === userCode)
    // The service makes no difference between a code it does not know and one that nobody has entered yet.
    if (device === undefined) return { refusal: failure(403, 'deviceauth_authorization_unknown') }
    return { usual: () => answerOf(device, now()) }
  }

  /** The last device, or the one with this code, while somebody may still decide about it. */
  function undecided(userCode: string | undefined): Device {
    const device = userCode === undefined ? devices.at(-1) : devices.find((known) => known.userCode === userCode)
    if (device?.state !== 'pending') throw new Error(`no device waits with the code ${userCode}`)
    return device
  }

  return {
    usercode,
    token,

    approve(userCode?: string): void {
      const device = undecided(userCode)
      const verifier = `FAKE_verifier_${randomBytes(48).toString('base64url')}`
      const challenge = createHash('sha256').update(verifier).digest('base64url')
      const redirectUri = `${issuer()}/deviceauth/callback`
      device.state = {
        code: ledger.createCode({ account: account(), scope: SCOPE, redirectUri, challenge }),
        challenge,
        verifier,
      }
      ledger.secrets.add(verifier)
    },

    deny(userCode?: string): void {
      undecided(userCode).state = 'denied'
    },
  }
}

function answerOf({ state, expiresAt }: Device, nowMs: number): Answer {
  if (expiresAt <= nowMs) return failure(400, 'expired_token')
  if (state === 'pending') return pending()
  if (state === 'denied') return failure(400, 'access_denied')
  return { json: { authorization_code: state.code, code_challenge: state.challenge, code_verifier: state.verifier } }
}

/** A poll's answer while nobody has entered the code: the service says 403 or 404. */
export function pending(status = 403, code = 'deviceauth_authorization_pending'): Answer {
  return failure(status, code)
}

/** An error of a poll, with its code where the issuer puts one. */
export function failure(status: number, code: string, place: 'error.code' | 'error' | 'code' = 'error.code'): Answer {
  const message = 'Device authorization is pending. Please try again.'
  const json = {
    'error.code': { error: { message, type: 'invalid_request_error', param: null, code } },
    error: { error: code, error_description: message },
    code: { code, message },
  }[place]
  return { status, json }
}

/** Too many polls. */
export function tooMany(retryAfter?: string): Answer {
  return {
    status: 429,
    ...(retryAfter !== undefined && { headers: { 'retry-after': retryAfter } }),
    json: { error: { message: 'Too many requests.', code: 'rate_limit_exceeded' } },
  }
}

/** What is not as the official client sends it. */
function wrongRequest({ headers, body, rawHeaders }: SeenRequest, fields: readonly string[]): string | undefined {
  if (!hasType(headers['content-type'], 'application/json') || !isRecord(body)) return 'the body is not a JSON object'
  if (headers.authorization !== undefined) return 'a public client has no authorization'
  if (headers.originator !== undefined) return 'originator'
  if (rawHeaders.some((value) => value.startsWith('codex-oauth'))) return 'user-agent'
  const other = Object.keys(body).find((name) => !fields.includes(name))
  if (other !== undefined) return `${other} is not known`
  return fields.find((name) => typeof body[name] !== 'string' || body[name] === '')
}

function invalid(message: string): Answer {
  return {
    status: 400,
    json: { error: { message, type: 'invalid_request_error', param: null, code: 'invalid_request' } },
  }
}

import type { Config } from '../../config.ts'
import { CodexError, type ErrorCode, isCodexError } from '../../errors.ts'
import { cancelled } from '../../infrastructure/abort.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import { type HttpAnswer, type HttpClient, readText } from '../../infrastructure/http-client.ts'
import { notTheService } from '../codex/not-the-service.ts'
import { parseJson } from '../codex/remote-text.ts'
import { expired, type PollVerdict, readDeviceCode, readPoll, unreadable } from './device-answer.ts'
import type { CodeProof } from './oauth-route.ts'

/** What the user types in, and where. */
export interface DeviceCode {
  userCode: string
  verificationUrl: string
  /** A secret: whoever has it beside the user's code can fetch the login. */
  deviceAuthId: string
  intervalMs: number
  /** Milliseconds since the epoch. */
  expiresAt: number
}

/** Sign-in with a code that is typed in on another device, as OpenAI's issuer speaks it (facts: wire-protocol 3). */
export interface DeviceFlow {
  /**
   * A new code (RFC 8628, section 3.1).
   *
   * @throws CodexError LOGIN_DENIED device sign-in is switched off; TOKEN_REQUEST_FAILED, NETWORK, TIMEOUT,
   * RESPONSE_INVALID; CANCELLED by `signal`
   */
  begin(signal?: AbortSignal): Promise<DeviceCode>
  /**
   * Asks until the user has said yes (RFC 8628, section 3.5). Trouble of the network or the service never ends it,
   * nor does a page of somebody in between.
   *
   * @throws CodexError LOGIN_DENIED the user said no; LOGIN_TIMEOUT the code has expired; TOKEN_REQUEST_FAILED,
   * RESPONSE_INVALID; CANCELLED by `signal`
   */
  wait(device: DeviceCode, signal: AbortSignal): Promise<CodeProof>
}

export interface DeviceFlowDeps {
  config: Pick<Config, 'issuer' | 'clientId'>
  http: HttpClient
  clock: Clock
}

const LIFE_MS = 15 * 60_000
const ANSWER_TIMEOUT_MS = 20_000
const BODY_LIMIT_MS = 5_000
/** Added for good by each `slow_down` (RFC 8628, section 3.5). */
const SLOW_DOWN_MS = 5_000
const LONGEST_BACKOFF_MS = 60_000
const TROUBLE: readonly ErrorCode[] = ['NETWORK', 'TIMEOUT', 'RESPONSE_INVALID']

export function createDeviceFlow({ config, http, clock }: DeviceFlowDeps): DeviceFlow {
  const { issuer, clientId } = config

  /** No originator or User-Agent of ours on these requests, as in the official client. */
  async function post(step: 'usercode' | 'token', body: Record<string, string>, signal: AbortSignal | undefined) {
    // A signal of its own for each request: a client keeps listening to the one it gets, and there are many polls.
    const abort = new AbortController()
    const cancel = () => abort.abort()
    if (signal?.aborted) throw cancelled()
    signal?.addEventListener('abort', cancel)
    try {
      const answer = await http.send({
        method: 'POST',
        url: `${issuer}/api/accounts/deviceauth/${step}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        headerTimeoutMs: ANSWER_TIMEOUT_MS,
        signal: abort.signal,
      })
      const text = await readText(answer.body, { limitMs: BODY_LIMIT_MS, signal: abort.signal })
      return { answer, json: parseJson(text) }
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** What one poll brought; trouble on the way is an outcome like others. */
  async function poll({ deviceAuthId, userCode }: DeviceCode, signal: AbortSignal): Promise<PollVerdict> {
    try {
      const { answer, json } = await post('token', { device_auth_id: deviceAuthId, user_code: userCode }, signal)
      // Somebody else's page goes away. 403 and 404 are pending, whatever they look like (facts: wire-protocol 3).
      const isPending = answer.status === 403 || answer.status === 404
      if (!isPending && notTheService(answer, 'a sign-in code') !== undefined) return { kind: 'trouble' }
      return readPoll(answer, json, clock.now())
    } catch (error) {
      // The last is a page larger than any answer of the service.
      if (TROUBLE.some((code) => isCodexError(error, code))) return { kind: 'trouble' }
      throw error
    }
  }

  /** Sleeps, but not beyond the life of the code. */
  async function sleep(ms: number, device: DeviceCode, signal: AbortSignal): Promise<void> {
    const leftMs = device.expiresAt - clock.now()
    await clock.sleep(Math.max(Math.min(ms, leftMs), 0), signal).catch((error: unknown) => {
      throw signal.aborted ? cancelled() : error
    })
    if (clock.now() >= device.expiresAt) throw expired()
  }

  return {
    async begin(signal) {
      const { answer, json } = await post('usercode', { client_id: clientId }, signal)
      // 404 is the switch, whatever it looks like.
      const stranger = answer.status === 404 ? undefined : notTheService(answer, 'a sign-in code')
      if (stranger !== undefined) throw stranger
      if (answer.status !== 200) throw beginRefused(answer, json)
      const { deviceAuthId, userCode, intervalMs } = readDeviceCode(json)
      const expiresAt = clock.now() + LIFE_MS
      return { userCode, verificationUrl: `${issuer}/codex/device`, deviceAuthId, intervalMs, expiresAt }
    },

    async wait(device, signal) {
      let intervalMs = device.intervalMs
      let backoffMs = 0
      while (true) {
        const verdict = await poll(device, signal)
        if (verdict.kind === 'proof') {
          const { code, verifier } = verdict
          return { code, redirectUri: `${issuer}/deviceauth/callback`, verifier }
        }
        if (verdict.kind === 'ended') throw verdict.error
        if (verdict.kind === 'slow_down') intervalMs += SLOW_DOWN_MS
        backoffMs = verdict.kind === 'trouble' ? Math.min((backoffMs || intervalMs) * 2, LONGEST_BACKOFF_MS) : 0
        await sleep(Math.max(intervalMs, backoffMs, askedMs(verdict, intervalMs)), device, signal)
      }
    },
  }
}

/** The pause the service asks for. A 429 that names none means one interval more. */
function askedMs(verdict: PollVerdict, intervalMs: number): number {
  if ('retryAfterMs' in verdict && verdict.retryAfterMs !== undefined) return verdict.retryAfterMs
  return verdict.kind === 'busy' ? 2 * intervalMs : 0
}

/** Own sentences only: what the issuer writes here may repeat what it was sent. */
function beginRefused({ status }: HttpAnswer, json: unknown): CodexError {
  if (status === 404) {
    return new CodexError('LOGIN_DENIED', 'Device sign-in is switched off for this account or service.', {
      hint: [
        'Turn it on in the security settings of ChatGPT,',
        'or sign in in a browser: codex_login with method "browser" (then paste the address of the page that did not load),',
        'or use an API key.',
      ].join(' '),
    })
  }
  if (status === 429 || status >= 500) {
    return new CodexError('TOKEN_REQUEST_FAILED', `The sign-in service gives out no code just now (${status}).`, {
      hint: 'Try again in a minute.',
      retryable: true,
    })
  }
  if (json === undefined || status < 400) return unreadable()
  return new CodexError('TOKEN_REQUEST_FAILED', `The sign-in service refused to give out a code (${status}).`, {
    hint: 'Sign in in a browser instead: codex_login with method "browser".',
  })
}

import { CodexError, isCodexError } from '../../errors.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import type { TokenRecord, TokenStorage } from '../../infrastructure/token-storage.ts'
import { forgetLogin } from '../login/forget-login.ts'
import type { LoginRoute } from '../login/login-route.ts'
import { namingLogin } from '../login/named-login.ts'
import { type IdClaims, ownerOf, readIdClaims } from '../oauth/id-claims.ts'
import type { OAuthFlow } from '../oauth/oauth-flow.ts'
import type { TokenResponse } from '../oauth/token-response.ts'

/** One attempt to sign in, whichever way its code comes: it ends once, and only success changes what is stored. */
export interface SignInSession {
  state(): 'pending' | 'succeeded' | 'failed' | 'cancelled'
  /** Why it did not succeed. */
  error(): CodexError | undefined
  /** Milliseconds since the epoch, both. */
  openedAt: number
  expiresAt(): number
  /** When it ended, however it did. */
  endedAt(): number | undefined
  /** Lets it end no earlier than this: each way has a life of its own. */
  prolong(untilMs: number): void
  /** The account that is signed in, or a rejection with `error`. */
  outcome: Promise<IdClaims>
  /** Aborted when the session has ended. */
  ended: AbortSignal
  /**
   * Has the code exchanged and stores the login. Resolves to why that failed; it never rejects. `onLost` is told instead of
   * the session failing: another way may still be open.
   */
  redeem(exchange: Exchange, onLost: (error: CodexError) => void): Promise<CodexError | undefined>
  isRedeeming(): boolean
  /** Resolves when no code is being redeemed and nothing is being revoked any more. */
  settled(): Promise<void>
  /** Ends the session well: somebody has signed in in another window. */
  adopt(account: IdClaims): void
  /** Ends the session without a login. */
  fail(error: CodexError): void
}

/**
 * Gives the tokens of a code. Those it has got and does not give go to `abandon`: nobody else would ever sign them out.
 *
 * @throws CodexError as `OAuthFlow.exchangeCode`
 */
export type Exchange = (abandon: Abandon) => Promise<TokenResponse>

/** Has the issuer forget tokens, best effort; whoever redeems does not wait for it. */
export type Abandon = (tokens: Pick<TokenRecord, 'refreshToken' | 'clientId' | 'accountId'>) => void

export interface SignInSessionDeps {
  storage: TokenStorage
  oauth: OAuthFlow
  clock: Clock
  limitMs: number
  route: Pick<LoginRoute, 'call' | 'nobodyCame'>
  /** Whether a login is stored that this one is to replace. */
  replaces: boolean
  /** Told of a login as soon as it is stored. Never rejects. */
  onStored: (record: TokenRecord) => Promise<void>
}

export function openSession(deps: SignInSessionDeps): SignInSession {
  const { storage, oauth, clock, limitMs, route, replaces, onStored } = deps
  const openedAt = clock.now()
  let lifeMs = limitMs
  let state: ReturnType<SignInSession['state']> = 'pending'
  /** Two ways can bring a code at the same moment: the first to store its login has won. */
  let isStored = false
  let failure: CodexError | undefined
  let endedAt: number | undefined
  const ended = new AbortController()
  const { promise: outcome, resolve, reject } = deferred<IdClaims>()
  // Nobody may be waiting when it fails; `error` keeps the reason for the next call.
  outcome.catch(() => {})

  function succeed(account: IdClaims): void {
    if (state !== 'pending') return
    state = 'succeeded'
    endedAt = clock.now()
    ended.abort()
    resolve(account)
  }

  function fail(error: CodexError): void {
    if (state !== 'pending') return
    state = error.code === 'CANCELLED' ? 'cancelled' : 'failed'
    failure = namingLogin(error, route)
    endedAt = clock.now()
    ended.abort()
    reject(failure)
  }

  /** What a server that ends has to wait for: a code works once, and a login nobody stores has to be revoked. */
  const underWay = new Set<Promise<unknown>>()
  let redeeming = 0

  function track<T>(work: Promise<T>): Promise<T> {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
    return work
  }

  const abandon: Abandon = (tokens) => void track(forgetLogin(oauth, tokens))

  async function redeem(exchange: Exchange, onLost: (error: CodexError) => void): Promise<CodexError | undefined> {
    redeeming += 1
    try {
      const record = newRecord(await exchange(abandon), clock.now())
      await store(record)
      succeed(ownerOf(record))
      void track(onStored(record))
      // Called off between storing and this line: whoever did that also removes what was stored.
      return state === 'succeeded' ? undefined : failure
    } catch (cause) {
      // The other way has won: whoever looks at this one's page is signed in all the same, or not, as it ends there.
      if (isStored || state === 'succeeded') return outcome.then(() => undefined, asCodexError)
      const error = namingLogin(asCodexError(cause), route)
      onLost(error)
      return error
    } finally {
      redeeming -= 1
    }
  }

  /** Replaces the stored login, unless this session has ended meanwhile, and lets the old one be forgotten. */
  async function store(record: TokenRecord): Promise<void> {
    let previous: TokenRecord | undefined
    let stored = false
    try {
      await storage.update((current) => {
        previous = current
        // A login that was there and is not any more has been signed out, in another window too: so is this one.
        const isSignedOut = replaces && current === undefined
        // The storage may ask again, and what this call has won it keeps.
        stored = state === 'pending' && !isSignedOut && (stored || !isStored)
        isStored ||= stored
        return stored ? record : current
      })
    } catch (error) {
      isStored &&= !stored
      // Nobody has these tokens any more, and nobody would ever sign them out.
      abandon(record)
      throw error
    }
    void track(forgetLogin(oauth, stored ? previous : record))
    if (!stored) throw failure ?? signInCancelled('The sign-in was cancelled: somebody has signed out meanwhile.')
  }

  async function runOut(): Promise<void> {
    // Counted by what was slept: a clock that is set back must not keep a port open for a day.
    for (let sleptMs = 0; sleptMs < lifeMs; ) {
      const ms = lifeMs - sleptMs
      await clock.sleep(ms, ended.signal)
      sleptMs += ms
    }
    fail(signInTimeout(lifeMs, route.nobodyCame))
  }
  runOut().catch(() => {})

  return {
    state: () => state,
    error: () => failure,
    openedAt,
    expiresAt: () => openedAt + lifeMs,
    endedAt: () => endedAt,
    prolong(untilMs) {
      lifeMs = Math.max(lifeMs, untilMs - openedAt)
    },
    outcome,
    ended: ended.signal,
    redeem: (exchange, onLost) => track(redeem(exchange, onLost)),
    isRedeeming: () => redeeming > 0,
    async settled() {
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
    adopt: succeed,
    fail,
  }
}

export function signInCancelled(message: string): CodexError {
  return new CodexError('CANCELLED', message, { hint: 'Start again with codex_login.' })
}

function signInTimeout(limitMs: number, hint: string): CodexError {
  return new CodexError('LOGIN_TIMEOUT', `Nobody finished the sign-in within ${Math.round(limitMs / 1000)} s.`, {
    hint,
  })
}

/** @throws CodexError TOKEN_REQUEST_FAILED a login without one of its three tokens (facts: wire-protocol 2.5) */
function newRecord(tokens: TokenResponse, nowMs: number): TokenRecord {
  const { accessToken, refreshToken, idToken, tokenType, expiresAt, clientId, scope, earliestRefreshAt } = tokens
  if (accessToken === undefined || refreshToken === undefined || idToken === undefined) {
    throw new CodexError('TOKEN_REQUEST_FAILED', 'The sign-in service did not send all the tokens of a login.', {
      hint: 'Start again with codex_login.',
    })
  }
  return {
    accessToken,
    refreshToken,
    // For the names in it: it is sent nowhere, also not as a hint (facts: plan-usage 2.3, 2.9).
    idToken,
    tokenType,
    expiresAt,
    accountId: tokens.accountId ?? readIdClaims({ idToken, accessToken }).accountId,
    clientId,
    scope,
    earliestRefreshAt,
    savedAt: nowMs,
    refreshedAt: nowMs,
    method: 'chatgpt',
    refreshFailed: undefined,
  }
}

function asCodexError(error: unknown): CodexError {
  if (isCodexError(error)) return error
  return new CodexError('TOKEN_REQUEST_FAILED', 'The sign-in failed unexpectedly.', {
    hint: 'Start again with codex_login.',
    cause: error,
  })
}

/** Promise.withResolvers, which Node 20 does not have. */
function deferred<T>() {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

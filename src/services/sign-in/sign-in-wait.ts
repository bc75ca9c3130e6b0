import type { Config } from '../../config.ts'
import { CodexError } from '../../errors.ts'
import { raceSignal } from '../../infrastructure/abort.ts'
import type { Clock } from '../../infrastructure/clock.ts'
import type { LoginRoute } from '../login/login-route.ts'
import type { IdClaims } from '../oauth/id-claims.ts'
import type { BrowserWay, DeviceWay, OpenSignIn } from './open-sign-in.ts'
import type { SignInSession } from './sign-in-session.ts'
import type { SignedIn } from './signed-in.ts'

/** What a user answers who is asked to open an address; `failed` when the client could not ask. */
export type OfferAnswer = 'accept' | 'decline' | 'cancel' | 'failed'

/** An address to be offered to the user in a dialog of the client. */
export interface AddressOffer {
  message: string
  url: string
  /** Aborted when nobody waits for the answer any more: the dialog can go. */
  signal: AbortSignal
  /** Aborted when the user is through with it, one way or the other. */
  ended: AbortSignal
}

export interface OfferAddress {
  (offer: AddressOffer): Promise<OfferAnswer>
  /** The user may take their time, and answer when they have signed in: no call of the client runs meanwhile. */
  isPatient?: boolean
}

export interface WaitOptions {
  signal?: AbortSignal | undefined
  onProgress?: ((message: string) => void) | undefined
  offer?: OfferAddress | undefined
  /** Also for a sign-in that is open already and was not shown. */
  offersAgain?: boolean
}

export interface WaitDeps {
  config: Pick<Config, 'loginWaitMs'>
  route: Pick<LoginRoute, 'invitation'>
  clock: Clock
  signedIn: Pick<SignedIn, 'since'>
  /** Whether the other window's sign-in, which is waited for, is still open. */
  isOpenElsewhere: () => boolean
}

/** How often a waiting call looks whether another window has signed in, and how often it says that it waits. */
const LOOK_MS = 1_000
const PROGRESS_MS = 10_000

/**
 * Shows a way that was just opened to the user, then waits for the login as long as one call may. Where the user has to
 * act on words of ours first (no browser, a code, a dialog closed), it does not wait at all. Undefined: not yet.
 *
 * @throws CodexError whatever ended the sign-in; CANCELLED by `signal`
 */
export async function showAndWait(
  signIn: OpenSignIn,
  isNew: boolean,
  options: WaitOptions,
  deps: WaitDeps,
): Promise<IdClaims | undefined> {
  const { config, clock } = deps
  const began = clock.now()
  const over = new AbortController()
  try {
    // A question that finds a dialog declined asks again; whoever calls back after a sign-in does not want another one.
    const asksAgain = options.offersAgain === true && signIn.shown?.opened === false
    if ((isNew || asksAgain) && !(await raceSignal(show(signIn, options, deps, over.signal), options.signal)))
      return undefined
    // Only a call that goes on: clients stumble over progress that comes together with the result.
    options.onProgress?.(whatFor(signIn))
    const endsAt = (options.offer?.isPatient === true ? clock.now() : began) + config.loginWaitMs
    const watching = watch(signIn, endsAt, over.signal, options, deps)
    return await raceSignal(Promise.race([signIn.session.outcome, watching]), options.signal)
  } finally {
    over.abort()
  }
}

/** False: the user has to act before waiting makes sense. */
async function show(signIn: OpenSignIn, options: WaitOptions, deps: WaitDeps, over: AbortSignal): Promise<boolean> {
  const { shown: way, session } = signIn
  if (way === undefined) return true
  const answer = options.offer === undefined ? 'failed' : await ask(way, session, options.offer, deps, over)
  const { opened, reason = way.reason } =
    answer === 'accept' ? OPENED : answer === 'failed' ? await openBrowser(way, session) : NOT_OPENED[answer]
  Object.assign(way, { opened, reason })
  return opened
}

interface Shown {
  opened: boolean
  /** What stood in the way. */
  reason?: string
}

const OPENED: Shown = { opened: true }

async function openBrowser(way: BrowserWay | DeviceWay, session: SignInSession): Promise<Shown> {
  if (way.method !== 'browser' || !way.opensBrowser) return { opened: false }
  // Whoever signs in meanwhile, elsewhere say, need not wait for a launcher that hangs.
  return Promise.race([way.show(), session.outcome.then(() => OPENED)])
}

const NOT_OPENED: Readonly<Record<'decline' | 'cancel' | 'late', Shown>> = {
  decline: { opened: false, reason: 'The dialog with the address was declined.' },
  cancel: { opened: false, reason: 'The dialog with the address was closed.' },
  late: { opened: false, reason: 'The dialog with the address was not answered in time.' },
}

async function ask(
  way: BrowserWay | DeviceWay,
  session: SignInSession,
  offer: OfferAddress,
  { config, route, clock }: WaitDeps,
  over: AbortSignal,
) {
  const { url } = way
  const message =
    way.method === 'device'
      ? `${route.invitation}: open the page and enter the code ${way.userCode}.`
      : `${route.invitation}: open the page in your browser.`
  const dialog = new AbortController()
  const close = () => dialog.abort()
  over.addEventListener('abort', close, { once: true })
  try {
    return await Promise.race([
      offer({ message, url, signal: dialog.signal, ended: session.ended }),
      session.outcome.then(() => 'accept' as const),
      ...(offer.isPatient === true ? [] : [clock.sleep(config.loginWaitMs, dialog.signal).then(() => 'late' as const)]),
    ])
  } finally {
    dialog.abort()
    over.removeEventListener('abort', close)
  }
}

/** Waits as long as one call may. Resolves to who has signed in in another window, if somebody does. */
async function watch(
  signIn: OpenSignIn,
  endsAt: number,
  signal: AbortSignal,
  { onProgress }: WaitOptions,
  { config, clock, signedIn, isOpenElsewhere }: WaitDeps,
): Promise<IdClaims | undefined> {
  // A clock that was set meanwhile must not make it longer.
  const limitMs = Math.min(config.loginWaitMs, Math.max(0, endsAt - clock.now()))
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += LOOK_MS) {
    if (waitedMs % PROGRESS_MS === 0 && waitedMs > 0) onProgress?.(whatFor(signIn))
    await clock.sleep(Math.min(LOOK_MS, limitMs - waitedMs), signal)
    // Before the look: the other window stores first and gives its lease back then.
    const isOver = signIn.isElsewhere && !isOpenElsewhere()
    const account = signIn.session.state() === 'pending' ? await signedIn.since(signIn.savedBefore) : undefined
    if (account !== undefined) {
      signIn.session.adopt(account)
      return account
    }
    if (isOver) signIn.session.fail(endedElsewhere())
  }
  return undefined
}

function whatFor({ shown }: OpenSignIn): string {
  if (shown === undefined) return 'Waiting for the sign-in that is open in another window'
  if (shown.method === 'device') return `Waiting for you to enter ${shown.userCode} at ${shown.url}`
  return `Waiting for you to sign in. If no browser has opened: ${shown.url}`
}

function endedElsewhere(): CodexError {
  return new CodexError('CANCELLED', 'The sign-in that was open in another window has ended without a login.', {
    hint: 'Start one here with codex_login.',
  })
}

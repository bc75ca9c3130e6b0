import type { Config } from '../../config.ts'
import type { CodexError } from '../../errors.ts'
import type { LoginRoute, RouteName } from '../login/login-route.ts'
import type { RouteChoice } from '../login/route-choice.ts'
import { inWords } from './login-sentence.ts'
import type { LoginOptions, SignIn, SignInOfLogin } from './sign-in.ts'
import { signInCancelled } from './sign-in-session.ts'
import type { LoginOutcome } from './sign-in-view.ts'

export interface SignInsOptions extends LoginOptions {
  /** What to sign in to; what makes most sense where nothing is asked for. */
  route?: RouteName | undefined
}

/** The sign-ins of all logins as one: one at a time, and whoever signs in is asked from then on. */
export interface SignIns extends Omit<SignIn, 'login'> {
  /** As `SignIn.login`. @throws as that, and as `RouteChoice.select` */
  login(options: SignInsOptions): Promise<LoginOutcome>
}

export interface SignInsDeps {
  config: Pick<Config, 'route'>
  routes: Readonly<Record<RouteName, Pick<LoginRoute, 'switched'>>>
  signIns: Readonly<Record<RouteName, SignInOfLogin>>
  choice: RouteChoice
  /** What somebody has to know who is signed in; each sentence once where that is asked. */
  welcome: Readonly<Record<RouteName, () => Promise<readonly string[]>>>
}

export function createSignIns({ config, routes, signIns, choice, welcome }: SignInsDeps): SignIns {
  const names = Object.keys(signIns) as RouteName[]
  /** What was signed in to last, or is being signed in to. */
  let last: RouteName | undefined
  /** Counts sign-outs: a call that was still finding out what it is for must not open anything any more. */
  let cancels = 0

  /** Calls begin one after the other: of two at once, the later one has to find the earlier. */
  let beginning: Promise<unknown> = Promise.resolve()
  /** How many calls wait for each. */
  const begun = new Map<RouteName, number>()

  /** One that has only just begun has nothing to show. */
  const isOpen = (name: RouteName) => signIns[name].view()?.state === 'pending' || (begun.get(name) ?? 0) > 0
  const hasFailed = (name: RouteName) => signIns[name].view()?.state === 'failed'

  /**
   * A call that says nothing goes on with what it finds: a sign-in that is open, or has succeeded without a call that
   * said so, or has failed where nothing answers; a login that is over; or else what is configured, or the login that answers. An address belongs
   * to what was opened last.
   *
   * @throws as `RouteChoice.answering`
   */
  async function routeOf({ route, callbackUrl, force }: SignInsOptions): Promise<RouteName> {
    if (route !== undefined) return route
    const goesOn = last !== undefined && (isOpen(last) || signIns[last].hasNews())
    if (last !== undefined && (goesOn || callbackUrl !== undefined)) return last
    const answering = await choice.answering()
    if (last !== undefined && hasFailed(last) && answering === undefined) return last
    // Whoever is told to sign in again, or wants to do it anew, means the login there is.
    const isMeant = answering !== undefined && (force || signIns[answering].isOver())
    return (isMeant ? answering : config.route) ?? choice.asked()
  }

  /** One at a time: two open sign-ins would be two browsers, and nobody could tell which was meant. */
  async function endOthers(name: RouteName): Promise<void> {
    for (const other of names) if (other !== name && (isOpen(other) || hasFailed(other))) await signIns[other].cancel()
  }

  /** Resolves once the sign-in has begun; what comes of it takes its time. */
  async function begin(options: SignInsOptions, asked: number): Promise<Begun> {
    const route = await routeOf(options)
    signIns[route].assertPossible(options)
    const opens = options.callbackUrl === undefined
    const before = signIns[route].view()
    const failure = before?.state === 'failed' ? before.error : undefined
    if (opens) await endOthers(route)
    if (asked !== cancels) throw signInCancelled('The sign-in was cancelled.')
    if (opens) last = route
    begun.set(route, (begun.get(route) ?? 0) + 1)
    const outcome = signIns[route].login({ ...options, whole: options.route !== undefined }).finally(() => {
      begun.set(route, (begun.get(route) ?? 0) - 1)
    })
    outcome.catch(() => {})
    return { route, outcome, failure }
  }

  async function loginTo(options: SignInsOptions) {
    const asked = cancels
    const started = beginning.then(() => begin(options, asked))
    beginning = started.catch(() => {})
    const { route, outcome, failure } = await started
    return { route, outcome: await outcome, failure }
  }

  return {
    async login(options) {
      const { route, outcome, failure } = await loginTo(options)
      // It is the answer to the call before: nobody else has told it.
      const notes = failure === undefined ? [] : [`The last sign-in failed: ${inWords(failure)}`]
      if (outcome.status === 'pending') return { ...outcome, route, notes }
      const before = await choice.answering()
      const isChosen = outcome.fresh || route === (options.route ?? config.route)
      if (isChosen) await choice.select(route)
      // Last: what is told once must not get lost in an error.
      const known = await welcome[route]()
      const isSwitched = isChosen && !outcome.fresh && before !== route
      return { ...outcome, route, notes: isSwitched ? [...known, routes[route].switched] : known }
    },

    view() {
      const shown = last === undefined ? undefined : signIns[last].view()
      return shown === undefined || last === undefined ? undefined : { ...shown, route: last }
    },
    async cancel() {
      cancels += 1
      for (const name of names) await signIns[name].cancel()
    },
    async stop() {
      cancels += 1
      await Promise.all(names.map((name) => signIns[name].stop()))
    },
    async settled() {
      await Promise.all(names.map((name) => signIns[name].settled()))
    },
  }
}

/** How the sign-in to one login stands. */
export function viewOfRoute(signIn: Pick<SignIns, 'view'>, route: RouteName): Pick<SignIns, 'view'> {
  return {
    view() {
      const view = signIn.view()
      return view?.route === route ? view : undefined
    },
  }
}

/** The outcome in an object, because a promise that a promise brings would be waited for. */
interface Begun {
  route: RouteName
  outcome: Promise<LoginOutcome>
  /** How the attempt before it ended, if it failed. */
  failure: CodexError | undefined
}

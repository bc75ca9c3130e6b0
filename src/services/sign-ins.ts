import type { Config } from '../config.ts'
import type { RouteName } from './login-route.ts'
import type { RouteChoice } from './route-choice.ts'
import type { LoginOptions, SignIn } from './sign-in.ts'
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
  signIns: Readonly<Record<RouteName, SignIn>>
  choice: RouteChoice
  /** What somebody has to know who has just signed in; each sentence once where that is asked. */
  welcome: Readonly<Record<RouteName, () => Promise<readonly string[]>>>
}

export function createSignIns({ config, signIns, choice, welcome }: SignInsDeps): SignIns {
  const names = Object.keys(signIns) as RouteName[]
  /** What was signed in to last, or is being signed in to. */
  let last: RouteName | undefined
  /** Counts sign-outs: a call that was still finding out what it is for must not open anything any more. */
  let cancels = 0

  const isUnfinished = (name: RouteName) => {
    const state = signIns[name].view()?.state
    return state === 'pending' || state === 'failed'
  }

  /** A call that says nothing goes on with what it finds: an open sign-in, one that has failed, the login that answers. */
  async function routeOf({ route }: SignInsOptions): Promise<RouteName> {
    if (route !== undefined) return route
    if (last !== undefined && isUnfinished(last)) return last
    return config.route ?? (await choice.answering().catch(() => undefined)) ?? 'codex'
  }

  /** One at a time: two open sign-ins would be two browsers, and nobody could tell which was meant. */
  async function endOthers(name: RouteName): Promise<void> {
    for (const other of names) if (other !== name && isUnfinished(other)) await signIns[other].cancel()
  }

  return {
    async login(options) {
      const asked = cancels
      const route = await routeOf(options)
      await endOthers(route)
      if (asked !== cancels) throw signInCancelled('The sign-in was cancelled.')
      last = route
      const outcome = await signIns[route].login(options)
      if (outcome.status === 'pending') return { ...outcome, route }
      const notes = outcome.fresh ? await welcome[route]() : []
      if (!outcome.fresh && options.route === undefined) return { ...outcome, route, notes }
      const before = await choice.answering()
      await choice.select(route)
      return { ...outcome, route, notes: before === route || outcome.fresh ? notes : [...notes, SWITCHED] }
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

const SWITCHED = 'Questions are answered with this login from now on.'

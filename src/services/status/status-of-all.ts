import type { LoginRoute, RouteName } from '../login/login-route.ts'
import type { RouteChoice } from '../login/route-choice.ts'
import { loginSentence } from '../sign-in/login-sentence.ts'
import type { LoginStatus, ReadStatus } from './account-status.ts'

export interface StatusOfAllDeps {
  routes: Readonly<Record<RouteName, Pick<LoginRoute, 'title'>>>
  readers: Readonly<Record<RouteName, ReadStatus>>
  choice: Pick<RouteChoice, 'stored'>
}

/** How things stand with the login that answers, and with all others. */
export function createStatusOfAll({ routes, readers, choice }: StatusOfAllDeps): ReadStatus {
  const names = Object.keys(readers) as RouteName[]

  function alsoThere({ route, authenticated }: LoginStatus): string {
    const state = authenticated ? 'is signed in too' : 'has a sign-in too, which cannot be used as it is'
    return `The ${routes[route].title} ${state}; to be asked with it: codex_login with route "${route}".`
  }

  return async () => {
    // A file that cannot be read is told by the reader.
    const found = await choice.stored().catch(() => undefined)
    const stored = found ?? []
    const answering = stored[0]
    const all = await Promise.all(
      names.map(async (route) => ({ ...(await readers[route]()), route, answers: route === answering })),
    )
    const logins = all.filter(({ route }) => stored.includes(route))
    const damaged = all.find(({ storageProblem, authenticated }) => storageProblem !== undefined && !authenticated)
    const usual = all.find(({ route }) => route === (answering ?? UNCHOSEN)) ?? all[0]
    // No question is asked with anything else then, whatever the environment has.
    const shown = found === undefined ? (damaged ?? usual) : usual
    const open = all.find(({ login }) => login !== undefined)
    const elsewhere = open === undefined || open === shown ? undefined : loginSentence(open.login, open.createdAt)
    const others = logins.filter(({ answers }) => !answers).map(alsoThere)
    // A record that is damaged is no login, and has to be told all the same.
    const problems = [...new Set(all.map(({ storageProblem }) => storageProblem))].filter((one) => one !== undefined)
    const untold = problems.filter((one) => one !== shown?.storageProblem)
    return {
      ...(shown as LoginStatus),
      route: answering,
      login: open?.login,
      logins,
      storageProblem: problems.length === 0 ? undefined : problems.join(' '),
      message: [shown?.message, elsewhere, ...untold, ...(answering === undefined ? [] : others)]
        .filter((part) => part !== undefined)
        .join(' '),
    }
  }
}

/** Where no login is stored, the one that knows of the keys of the environment. */
const UNCHOSEN: RouteName = 'codex'

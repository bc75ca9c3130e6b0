import type { LoginStatus, ReadStatus } from './account-status.ts'
import type { RouteName } from './login-route.ts'
import type { RouteChoice } from './route-choice.ts'

export interface StatusOfAllDeps {
  readers: Readonly<Record<RouteName, ReadStatus>>
  choice: Pick<RouteChoice, 'stored'>
}

/** How things stand with the login that answers, and with all others. */
export function createStatusOfAll({ readers, choice }: StatusOfAllDeps): ReadStatus {
  const names = Object.keys(readers) as RouteName[]

  return async () => {
    // A file that cannot be read is told by the reader.
    const stored = await choice.stored().catch((): readonly RouteName[] => [])
    const answering = stored[0]
    const all = await Promise.all(
      names.map(async (route) => ({ ...(await readers[route]()), route, answers: route === answering })),
    )
    const logins = all.filter(({ route }) => stored.includes(route))
    const shown = all.find(({ route }) => route === (answering ?? 'codex')) ?? all[0]
    const others = logins.filter(({ answers }) => !answers).map(alsoThere)
    return {
      ...(shown as LoginStatus),
      route: answering,
      logins,
      message: [shown?.message, ...(answering === undefined ? [] : others)].join(' '),
    }
  }
}

const NAMES: Readonly<Record<RouteName, string>> = { codex: 'Codex route', plan: 'plan route' }

function alsoThere({ route, authenticated }: LoginStatus): string {
  const state = authenticated ? 'is signed in too' : 'has a sign-in too, which cannot be used as it is'
  return `The ${NAMES[route]} ${state}; to be asked with it: codex_login with route "${route}".`
}

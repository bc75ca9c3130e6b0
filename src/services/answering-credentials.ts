import type { Credentials } from './credentials.ts'
import type { RouteName } from './login-route.ts'
import type { RouteChoice } from './route-choice.ts'

export interface AnsweringCredentialsDeps {
  credentials: Readonly<Record<RouteName, Credentials>>
  choice: Pick<RouteChoice, 'answering'>
}

/** The credential of the login that answers, and of no other one: each is paid in its own way. */
export function createAnsweringCredentials({
  credentials,
  choice,
}: AnsweringCredentialsDeps): Pick<Credentials, 'current'> {
  return {
    async current(signal) {
      // Where no login is stored, the environment may hold a key, which is the Codex route's to find.
      return credentials[(await choice.answering()) ?? 'codex'].current(signal)
    },
  }
}

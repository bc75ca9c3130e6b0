import type { Credentials } from './credentials.ts'
import type { RouteName } from './login-route.ts'
import type { RouteChoice } from './route-choice.ts'

export interface AnsweringCredentialsDeps {
  credentials: Readonly<Record<RouteName, Credentials>>
  choice: Pick<RouteChoice, 'opened'>
}

/** The credential of the login that answers, and of no other one: each is paid in its own way. */
export function createAnsweringCredentials({
  credentials,
  choice,
}: AnsweringCredentialsDeps): Pick<Credentials, 'current'> {
  return {
    async current(signal) {
      const { name, stored } = await choice.opened()
      return credentials[name].current(signal, stored)
    },
  }
}

import { planName } from '../login/credential-name.ts'
import type { LoginRoute } from '../login/login-route.ts'
import { hasPlanScope, planOff } from './plan-scope.ts'
import { REVOCATION_UNCONFIRMED, SIGN_IN_LABEL } from './plan-words.ts'

/** How often another free port is tried, should one be taken between two steps. */
const ANY_PORT = [0, 0, 0]

/** Sign in with ChatGPT for the usage of a plan (facts: plan-usage 2.4, 2.7, 5). */
export const PLAN_LOGIN: LoginRoute = {
  name: 'plan',
  title: 'plan route',
  // OpenAI's page wants several registrations side by side: here there is one, and a newer one takes its place
  // (facts: plan-usage 2.9).
  place: { key: 'codex_plan' },
  claimSuffix: '.plan',
  // The literal address and no other name for it, and whatever port is free. Another Host or method gets 403, 400 or
  // 405 as on the Codex route, where others answer 404: it is turned away all the same (facts: plan-usage 2.4).
  redirect: ({ planPort }) => ({
    host: '127.0.0.1',
    isLiteral: true,
    ports: planPort === undefined ? ANY_PORT : [planPort],
    portToPaste: planPort ?? 1455,
  }),
  // There is no sign-in with a code on another device.
  ladders: { browser: ['browser', 'paste'], device: [] },
  invitation: SIGN_IN_LABEL,
  signedIn: 'You are signed in to codex-oauth with ChatGPT.',
  call: 'codex_login with route "plan"',
  switched: 'Questions go by the plan route from now on, and count toward the usage of the ChatGPT plan.',
  label: SIGN_IN_LABEL,
  aboutAgain: ' It is one click. OpenAI may not renew such a sign-in, and then it lasts an hour.',
  // With force it would register once more.
  callBeside: 'codex_login with route "plan" and method "browser"',
  // The page of a client that OpenAI does not know any more does not send the browser back.
  nobodyCame:
    'Start again with codex_login; where the last page of the browser does not load, give its address to codex_login as callback_url. ' +
    'Where OpenAI shows an error in place of a sign-in, register again: codex_login with route "plan" and force: true.',
  // Tokens live an hour, and for some time renewing them failed for everybody: early would be sooner over.
  refreshMarginMs: 60_000,
  // Tokens go; under the client they were issued to, signing in again is one click.
  buried: (record, refreshFailed) => ({
    ...record,
    accessToken: '',
    refreshToken: undefined,
    idToken: undefined,
    expiresAt: undefined,
    earliestRefreshAt: undefined,
    refreshFailed,
  }),
  credentialName: () => planName(),
  baseUrl: ({ planBaseUrl }) => planBaseUrl,
  // Nothing but an honest name: the rest of what the Codex backend is told is not documented here.
  headers: (_record, { userAgent }, authorization) => ({ 'user-agent': userAgent, authorization }),
  // A client is issued for one user in one workspace.
  modelOwner: ({ clientId }) => clientId,
  lack: (record) => (record.accessToken === '' || hasPlanScope(record) ? undefined : planOff()),
  // A key of the environment is another billing path.
  outside: () => undefined,
  report: {
    prefix: 'plan ',
    signIn: 'Sign in: codex_login with route "plan".',
    planOf: () => 'on a plan that its tokens do not name',
  },
  unconfirmed: REVOCATION_UNCONFIRMED,
}

import * as z from 'zod'
import { maskEmail } from '../services/oauth/id-claims.ts'
import type { LoginOutcome, PendingLogin } from '../services/sign-in/sign-in-view.ts'
import type { SignIns } from '../services/sign-in/sign-ins.ts'
import { textArgument } from './text-argument.ts'
import { defineTool, type Tool } from './tool.ts'

const output = () =>
  z.looseObject({
    status: z.enum(['authenticated', 'pending']),
    account_id: z.string().optional(),
    email: z.string().optional(),
    plan: z.string().optional(),
    route: z.string().optional(),
    method: z.string().optional(),
    reason: z.string().optional(),
    url: z.string().optional(),
    user_code: z.string().optional(),
    expires_in_seconds: z.number().optional(),
    other_ways: z.array(z.string()).optional(),
    message: z.string(),
  })

export function codexLogin({ signIn, now }: { signIn: Pick<SignIns, 'login'>; now: () => number }): Tool {
  return defineTool({
    name: 'codex_login',
    title: 'Sign in to Codex',
    description:
      'Sign in with ChatGPT: in the browser, or by a code where there is none. Waits up to 45 s; then, with status ' +
      '"pending", show the user url and user_code and call it again (or codex_status) once they have signed in.',
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    input: () =>
      z.strictObject({
        route: z
          .enum(['codex', 'plan'])
          .optional()
          .describe('plan: "Continue with ChatGPT", for Plus and Pro; codex: as the Codex CLI'),
        method: z
          .enum(['browser', 'device'])
          .optional()
          .describe('Leave out to choose by the surroundings; device: a code to enter on any device'),
        callback_url: textArgument(
          16_384,
          'The address of the last page of the browser sign-in, if that page did not load',
        ),
        force: z
          .boolean()
          .default(false)
          .describe('Sign in again even if somebody is signed in, e.g. to change account'),
      }),
    output,
    async run({ route, method, callback_url: callbackUrl, force }, { signal, progress, offerAddress: offer }) {
      const outcome = await signIn.login({ route, force, method, callbackUrl, offer, signal, onProgress: progress })
      return { structured: present(outcome, route === undefined ? ANEW : ANEW_THERE[route], now()) }
    },
  })
}

const ANEW = 'codex_login with force: true'
/** For who has asked for a login by name: without it, another one may be meant. */
const ANEW_THERE = {
  codex: 'codex_login with route "codex" and force: true',
  plan: 'codex_login with route "plan" and force: true',
}

function present(outcome: LoginOutcome, anew: string, nowMs: number): z.infer<ReturnType<typeof output>> {
  if (outcome.status === 'pending') return presentPending(outcome, nowMs)
  const { account, fresh, route, notes = [] } = outcome
  const email = account.email === undefined ? undefined : maskEmail(account.email)
  const who = email ?? account.accountId ?? 'an account without a name'
  return {
    status: 'authenticated',
    account_id: account.accountId,
    email,
    plan: account.plan,
    route,
    message: [
      fresh ? `Signed in as ${who}.` : `Already signed in as ${who}; nothing was opened.`,
      // What there is to say of this login comes first: it may be the way on.
      ...(fresh || notes.length > 0 ? notes : [`To sign in anew: ${anew}.`]),
    ].join(' '),
  }
}

function presentPending(
  login: PendingLogin & Pick<LoginOutcome, 'route' | 'notes'>,
  nowMs: number,
): z.infer<ReturnType<typeof output>> {
  const { method, reason, url, userCode, expiresAt, notes = [] } = login
  const ways = otherWays(login)
  return {
    status: 'pending',
    route: login.route,
    method,
    reason,
    url,
    user_code: userCode,
    expires_in_seconds: Math.max(0, Math.ceil((expiresAt - nowMs) / 1000)),
    other_ways: ways,
    message: [...notes, reason, whatToDo(login), 'Call codex_login again when done.', ...ways].join(' '),
  }
}

function whatToDo({ method, url, userCode, port, opened }: PendingLogin): string {
  if (method === 'other-window') return 'Finish it there; this window notices by itself.'
  if (method === 'device') return `Open ${url} in any browser and enter the code ${userCode}. Give the code to nobody.`
  if (port === undefined) {
    return `Open the address yourself, in a browser. Its last page will not be ours: copy that page's address. ${url}`
  }
  const where = `The answer is expected on port ${port} of this machine: ${url}`
  return opened ? `Waiting for you in the browser. ${where}` : `Open the address yourself, in a browser. ${where}`
}

const PASTE =
  'If the last page does not load (the browser runs on another machine), copy its address and give it to codex_login as callback_url.'
const DEVICE = 'On any other device, with a code to enter there: codex_login with method "device".'
const BROWSER = 'In a browser on this machine, or by copying an address: codex_login with method "browser".'
const API_KEY = 'Without ChatGPT: an API key in the environment of the server (CODEX_API_KEY), billed per token.'

function otherWays({ method, port, closed, callBeside = 'codex_login with force: true' }: PendingLogin): string[] {
  switch (method) {
    case 'browser':
      return [PASTE, ...(closed.includes('device') ? [] : [DEVICE]), API_KEY]
    case 'device':
      if (port !== undefined) return [PASTE, API_KEY]
      return [...(closed.includes('browser') ? [] : [BROWSER]), API_KEY]
    case 'other-window':
      return [`To sign in here all the same: ${callBeside}.`]
  }
}

import { z } from 'zod'
import { maskEmail } from '../services/id-claims.ts'
import type { LoginOutcome, SignIn } from '../services/sign-in.ts'
import { defineTool, type Tool } from './tool.ts'

const output = z.looseObject({
  status: z.enum(['authenticated', 'pending']),
  account_id: z.string().optional(),
  email: z.string().optional(),
  plan: z.string().optional(),
  url: z.string().optional(),
  expires_in_seconds: z.number().optional(),
  message: z.string(),
})

export function codexLogin({ signIn, now }: { signIn: SignIn; now: () => number }): Tool {
  return defineTool({
    name: 'codex_login',
    title: 'Sign in to Codex',
    description:
      'Sign in with ChatGPT in the browser. Waits up to 45 s; then, with status "pending", show the user the url ' +
      'and call codex_login again (or codex_status) once they have signed in.',
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    input: z.strictObject({
      force: z.boolean().default(false).describe('Sign in anew although somebody is signed in, e.g. to change account'),
    }),
    output,
    async run({ force }, { signal, progress }) {
      return { structured: present(await signIn.login({ force, signal, onProgress: progress }), now()) }
    },
  })
}

function present(outcome: LoginOutcome, nowMs: number): z.infer<typeof output> {
  if (outcome.status === 'pending') {
    const { url, port, expiresAt, browser } = outcome
    const opened = browser.opened
      ? 'Waiting for you in the browser.'
      : `${browser.reason} Open the address yourself, in a browser on this machine.`
    return {
      status: 'pending',
      url,
      expires_in_seconds: Math.max(0, Math.ceil((expiresAt - nowMs) / 1000)),
      message: `${opened} The answer is expected on port ${port} of this machine. Call codex_login again when done. ${url}`,
    }
  }
  const { account, fresh } = outcome
  const email = account.email === undefined ? undefined : maskEmail(account.email)
  const who = email ?? account.accountId ?? 'an account without a name'
  return {
    status: 'authenticated',
    account_id: account.accountId,
    email,
    plan: account.plan,
    message: fresh
      ? `Signed in as ${who}.`
      : `Already signed in as ${who}; nothing was opened. Use force: true to sign in anew.`,
  }
}

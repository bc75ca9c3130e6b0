import { z } from 'zod'
import { ACCOUNT } from '../services/credential-name.ts'
import { UNCONFIRMED } from '../services/login-route.ts'
import type { ClearOutcome, EndedLogin, SignOut } from '../services/sign-out.ts'
import { defineTool, type Tool } from './tool.ts'

const output = z.looseObject({
  cleared: z.boolean(),
  revoked: z.boolean(),
  login_cancelled: z.boolean(),
  /** The variable whose API key or access token answers questions all the same; never what it holds. */
  environment_key: z.string().optional(),
  message: z.string(),
})

export function codexClear({ signOut }: { signOut: SignOut }): Tool {
  return defineTool({
    name: 'codex_clear',
    title: 'Sign out of Codex',
    description:
      'Remove the Codex login (or the stored API key) from this machine and revoke the login at OpenAI. ' +
      'Ask the user before calling it.',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    input: z.strictObject({
      route: z.enum(['codex', 'plan']).optional().describe('Only the login of this route; default: all'),
    }),
    output,
    run: async ({ route }) => ({ structured: present(await signOut(route)) }),
  })
}

function present({ cancelled, remaining, others = [], ...first }: ClearOutcome): z.infer<typeof output> {
  const ended = first.removed === undefined ? [] : [first, ...others]
  const parts = [
    ...(ended.length === 0 ? ['Nobody was signed in.'] : ended.flatMap(removal)),
    cancelled ? 'The sign-in that was open is cancelled.' : undefined,
    remaining === undefined ? undefined : `Questions are still answered with the ${remaining.label}.`,
  ]
  return {
    cleared: ended.length > 0,
    revoked: ended.length > 0 && ended.every(({ revoked }) => revoked),
    login_cancelled: cancelled,
    environment_key: remaining?.source === ACCOUNT ? undefined : remaining?.source,
    message: parts.filter((part) => part !== undefined).join(' '),
  }
}

function removal({ removed, revoked, problem, unconfirmed = UNCONFIRMED }: EndedLogin): string[] {
  const why = problem === undefined ? [] : [problem]
  if (removed === 'api_key') {
    return [
      'The stored API key is removed from this machine. It stays valid at OpenAI until it is deleted there.',
      ...why,
    ]
  }
  const gone = 'Signed out; the credentials are removed from this machine.'
  if (revoked) return [gone, 'OpenAI confirmed that they are revoked.', ...why]
  // The problem says itself why they could not be revoked.
  return [gone, ...(problem === undefined ? [unconfirmed] : why)]
}

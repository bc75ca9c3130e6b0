import { z } from 'zod'
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
      'Remove the logins (or the stored API key) from this machine and revoke them at OpenAI. ' +
      'Ask the user before calling it.',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    input: z.strictObject({}),
    output,
    run: async () => ({ structured: present(await signOut()) }),
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
    environment_key: isLogin(remaining) ? undefined : remaining?.source,
    message: parts.filter((part) => part !== undefined).join(' '),
  }
}

function removal({ removed, revoked, problem, unconfirmed = GONE_HERE }: EndedLogin): string[] {
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

const GONE_HERE = 'OpenAI did not confirm the revocation; the tokens are gone here and expire by themselves.'

function isLogin(name: ClearOutcome['remaining']): boolean {
  return name?.kind === 'chatgpt' || name?.kind === 'chatgpt_plan'
}

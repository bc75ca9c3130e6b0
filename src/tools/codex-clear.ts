import { z } from 'zod'
import type { ClearOutcome, SignOut } from '../services/sign-out.ts'
import { clearedWords, endedLogins } from './cleared-words.ts'
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

function present(outcome: ClearOutcome): z.infer<typeof output> {
  const { cancelled, remaining } = outcome
  const ended = endedLogins(outcome)
  return {
    cleared: ended.length > 0,
    revoked: ended.length > 0 && ended.every(({ revoked }) => revoked),
    login_cancelled: cancelled,
    environment_key: isLogin(remaining) ? undefined : remaining?.source,
    message: clearedWords(outcome),
  }
}

function isLogin(name: ClearOutcome['remaining']): boolean {
  return name?.kind === 'chatgpt' || name?.kind === 'chatgpt_plan'
}

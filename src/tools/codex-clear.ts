import { z } from 'zod'
import type { ClearOutcome, SignOut } from '../services/sign-out.ts'
import { defineTool, type Tool } from './tool.ts'

const output = z.looseObject({
  cleared: z.boolean(),
  revoked: z.boolean(),
  login_cancelled: z.boolean(),
  environment_key: z.string().optional(),
  message: z.string(),
})

export function codexClear({ signOut }: { signOut: SignOut }): Tool {
  return defineTool({
    name: 'codex_clear',
    title: 'Sign out of Codex',
    description: 'Remove the Codex login from this machine and revoke it at OpenAI. Ask the user before calling it.',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    input: z.strictObject({}),
    output,
    run: async () => ({ structured: present(await signOut()) }),
  })
}

function present({ removed, revoked, problem, cancelled, environmentKey }: ClearOutcome): z.infer<typeof output> {
  const parts = [
    removed ? 'Signed out; the credentials are removed from this machine.' : 'Nobody was signed in.',
    removed && (revoked || problem === undefined) ? revocation(revoked) : undefined,
    problem,
    cancelled ? 'The sign-in that was open is cancelled.' : undefined,
    environmentKey === undefined ? undefined : `Questions are still answered with the API key in ${environmentKey}.`,
  ]
  return {
    cleared: removed,
    revoked,
    login_cancelled: cancelled,
    environment_key: environmentKey,
    message: parts.filter((part) => part !== undefined).join(' '),
  }
}

function revocation(confirmed: boolean): string {
  return confirmed
    ? 'OpenAI confirmed that they are revoked.'
    : 'OpenAI did not confirm the revocation; the tokens are gone here and expire by themselves.'
}

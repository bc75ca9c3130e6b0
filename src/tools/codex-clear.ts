import { z } from 'zod'
import type { ClearOutcome, SignOut } from '../services/sign-out.ts'
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
    input: z.strictObject({}),
    output,
    run: async () => ({ structured: present(await signOut()) }),
  })
}

function present({ removed, revoked, problem, cancelled, remaining }: ClearOutcome): z.infer<typeof output> {
  const parts = [
    removal(removed, revoked, problem),
    problem,
    cancelled ? 'The sign-in that was open is cancelled.' : undefined,
    remaining === undefined ? undefined : `Questions are still answered with the ${remaining.label}.`,
  ]
  return {
    cleared: removed !== undefined,
    revoked,
    login_cancelled: cancelled,
    environment_key: remaining?.source,
    message: parts.filter((part) => part !== undefined).join(' '),
  }
}

function removal(removed: ClearOutcome['removed'], revoked: boolean, problem: string | undefined): string {
  if (removed === undefined) return 'Nobody was signed in.'
  if (removed === 'api_key') {
    return 'The stored API key is removed from this machine. It stays valid at OpenAI until it is deleted there.'
  }
  const gone = 'Signed out; the credentials are removed from this machine.'
  // It says itself why they could not be revoked.
  if (!revoked && problem !== undefined) return gone
  const revocation = revoked
    ? 'OpenAI confirmed that they are revoked.'
    : 'OpenAI did not confirm the revocation; the tokens are gone here and expire by themselves.'
  return `${gone} ${revocation}`
}

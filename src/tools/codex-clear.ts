import * as z from 'zod'
import { EVERY_CONVERSATION } from '../services/conversations/conversation-name.ts'
import type { ConversationStore } from '../services/conversations/conversation-store.ts'
import type { ClearOutcome, SignOut } from '../services/login/sign-out.ts'
import { clearedWords, endedLogins } from './cleared-words.ts'
import { textArgument } from './text-argument.ts'
import { defineTool, type Tool } from './tool.ts'

const output = () =>
  z.looseObject({
    cleared: z.boolean(),
    revoked: z.boolean(),
    login_cancelled: z.boolean(),
    /** The variable whose API key or access token answers questions all the same; never what it holds. */
    environment_key: z.string().optional(),
    message: z.string(),
  })

export interface CodexClearDeps {
  signOut: SignOut
  conversations: Pick<ConversationStore, 'remove'>
}

export function codexClear({ signOut, conversations }: CodexClearDeps): Tool {
  return defineTool({
    name: 'codex_clear',
    title: 'Sign out of Codex',
    description:
      'Remove the logins (or the stored API key) from this machine and revoke them at OpenAI; or, with conversation, only ' +
      'that conversation. Ask the user before calling it.',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    input: () =>
      z.strictObject({
        conversation: textArgument(
          100,
          `Name of a conversation to remove, or ${EVERY_CONVERSATION} for all; the logins stay`,
        ),
      }),
    output,
    async run({ conversation }) {
      if (conversation === undefined) return { structured: present(await signOut()) }
      return { structured: presentRemoved(conversation, await conversations.remove(conversation)) }
    },
  })
}

function present(outcome: ClearOutcome): z.infer<ReturnType<typeof output>> {
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

function presentRemoved(name: string, removed: number): z.infer<ReturnType<typeof output>> {
  const isAll = name === EVERY_CONVERSATION
  const all = removed === 1 ? '1 conversation is' : `${removed} conversations are`
  const which = isAll ? all : `The conversation “${name}” is`
  const none = isAll ? 'There are no conversations.' : `There is no conversation “${name}”; codex_status lists them.`
  return {
    cleared: removed > 0,
    revoked: false,
    login_cancelled: false,
    message: removed > 0 ? `${which} removed from this machine.` : none,
  }
}

function isLogin(name: ClearOutcome['remaining']): boolean {
  return name?.kind === 'chatgpt' || name?.kind === 'chatgpt_plan'
}

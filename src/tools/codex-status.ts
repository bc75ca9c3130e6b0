import * as z from 'zod'
import type { AnswerStore } from '../services/answers/answer-store.ts'
import type { AnswerSummary } from '../services/answers/answer-view.ts'
import type { ConversationList, ConversationStore } from '../services/conversations/conversation-store.ts'
import { maskEmail } from '../services/oauth/id-claims.ts'
import type { LoginView } from '../services/sign-in/sign-in-view.ts'
import type { AccountStatus, LoginStatus, ReadStatus } from '../services/status/account-status.ts'
import type { LimitStatus, UsageStatus, WindowStatus } from '../services/usage/usage-status.ts'
import { LISTED } from './listed.ts'
import { defineTool, type Tool } from './tool.ts'

const login = () =>
  z.looseObject({
    state: z.enum(['pending', 'succeeded', 'failed', 'cancelled']),
    url: z.string().optional(),
    user_code: z.string().optional(),
    error: z.string().optional(),
  })

const stored = () => z.looseObject({ route: z.string(), answers: z.boolean() })

/** What the schema leaves out is in the message, too: schemas are read with every list of tools. */
const usage = () => z.looseObject({ asked: z.boolean(), age_seconds: z.number().optional(), message: z.string() })

const output = () =>
  z.looseObject({
    status: z.enum(['authenticated', 'needs_refresh', 'expired', 'not_authenticated']),
    authenticated: z.boolean(),
    account_id: z.string().optional(),
    email: z.string().optional(),
    plan: z.string().optional(),
    method: z.string(),
    source: z.string().optional(),
    cost: z.string().optional(),
    created_at: z.string().optional(),
    refreshed_at: z.string().optional(),
    expires_in_seconds: z.number().optional(),
    has_refresh_token: z.boolean(),
    is_expired: z.boolean(),
    needs_refresh: z.boolean(),
    login: login().optional(),
    route: z.string().optional(),
    logins: z.array(stored()).optional(),
    usage: usage().optional(),
    answers: z.array(z.looseObject({ id: z.string(), state: z.string() })).optional(),
    conversations: z.array(z.looseObject({ name: z.string(), turns: z.number() })).optional(),
    storage: z.looseObject({ path: z.string(), form: z.string().optional(), problem: z.string().optional() }),
    message: z.string(),
  })

const input = () =>
  z.strictObject({
    usage: z
      .boolean()
      .optional()
      .describe('true: ask the service how much of the plan is used; otherwise show what it said last'),
  })

export interface CodexStatusDeps {
  readStatus: ReadStatus
  answers: Pick<AnswerStore, 'list'>
  conversations: Pick<ConversationStore, 'list'>
  now: () => number
}

export function codexStatus({ readStatus, answers, conversations, now }: CodexStatusDeps): Tool {
  return defineTool({
    name: 'codex_status',
    title: 'Codex sign-in status',
    description:
      'Who is signed in to Codex or which key is used, what that costs, and the state of an open sign-in; also ids of ' +
      'recent answers, for collect, and conversations. Answers at once and asks nobody, unless usage is set. Not needed before codex_query.',
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    input,
    output,
    local: true,
    async run({ usage: isAsked }, { signal }) {
      const status = present(await readStatus({ usage: isAsked, signal }), now())
      return { structured: { ...status, ...presentKept(answers.list(), conversations.list(), status.message, now()) } }
    },
  })
}

function present(status: AccountStatus, nowMs: number): z.infer<ReturnType<typeof output>> {
  const { account } = status
  return {
    status: status.status,
    authenticated: status.authenticated,
    account_id: account?.accountId,
    email: account?.email === undefined ? undefined : maskEmail(account.email),
    plan: account?.plan,
    method: status.method,
    source: status.source,
    cost: status.cost,
    created_at: isoTime(status.createdAt),
    refreshed_at: isoTime(status.refreshedAt),
    expires_in_seconds: status.expiresInMs === undefined ? undefined : Math.floor(status.expiresInMs / 1000),
    has_refresh_token: status.hasRefreshToken,
    is_expired: status.status === 'expired',
    needs_refresh: status.status === 'needs_refresh' || status.status === 'expired',
    login: status.login === undefined ? undefined : presentLogin(status.login, nowMs),
    route: status.route,
    logins: status.logins?.map(presentStored),
    usage: status.usage === undefined ? undefined : presentUsage(status.usage),
    storage: { path: status.storagePath, form: status.storageForm, problem: status.storageProblem },
    message: status.message,
  }
}

/** What can be had again. Absent where there is nothing. */
function presentKept(
  answers: readonly AnswerSummary[],
  { conversations, problems }: ConversationList,
  message: string,
  nowMs: number,
) {
  const ageOf = (atMs: number) => Math.max(0, Math.floor((nowMs - atMs) / 1000))
  return {
    answers: orAbsent(
      answers.slice(0, LISTED).map(({ id, state, startedAt, model, conversation, prompt, characters }) => ({
        id,
        state,
        age_seconds: ageOf(startedAt),
        model,
        conversation,
        prompt,
        characters,
      })),
    ),
    conversations: orAbsent(
      conversations.slice(0, LISTED).map(({ name, turns, updatedAt, lastPrompt }) => ({
        name,
        turns,
        age_seconds: ageOf(updatedAt),
        last_prompt: lastPrompt,
      })),
    ),
    message: [message, ...problems].join(' '),
  }
}

function orAbsent<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}

function presentStored(one: LoginStatus): z.infer<ReturnType<typeof stored>> {
  const { route, answers, authenticated, method, account, cost, expiresInMs, message } = one
  return {
    route,
    answers,
    authenticated,
    method,
    email: account?.email === undefined ? undefined : maskEmail(account.email),
    cost,
    expires_in_seconds: expiresInMs === undefined ? undefined : Math.floor(expiresInMs / 1000),
    message,
  }
}

function presentUsage(found: UsageStatus): z.infer<ReturnType<typeof usage>> {
  const { asked, ageMs, plan, credits, others, manage, message } = found
  return {
    asked,
    age_seconds: ageMs === undefined ? undefined : Math.floor(ageMs / 1000),
    plan,
    ...presentLimit(found),
    credits:
      credits === undefined
        ? undefined
        : { has_credits: credits.has, unlimited: credits.unlimited, balance: credits.balance },
    others:
      others === undefined
        ? undefined
        : Object.fromEntries(Object.entries(others).map(([name, limit]) => [name, presentLimit(limit)])),
    manage,
    message,
  }
}

function presentLimit({ primary, secondary }: LimitStatus) {
  return { primary: presentWindow(primary), secondary: presentWindow(secondary) }
}

function presentWindow(found: WindowStatus | undefined): Record<string, unknown> | undefined {
  if (found === undefined) return undefined
  const { usedPercent, window, resetsAt, resets } = found
  return { used_percent: usedPercent, window, resets_at: isoTime(resetsAt), resets }
}

function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

function presentLogin(
  { state, method, url, userCode, openedAt, expiresAt, endedAt, error, route }: LoginView,
  nowMs: number,
): z.infer<ReturnType<typeof login>> {
  const pending = state === 'pending'
  return {
    state,
    route,
    method,
    user_code: pending ? userCode : undefined,
    started_at: isoTime(openedAt),
    finished_at: isoTime(endedAt),
    url: pending ? url : undefined,
    expires_in_seconds: pending ? Math.max(0, Math.ceil((expiresAt - nowMs) / 1000)) : undefined,
    error: error === undefined ? undefined : `${error.message} [${error.code}]`,
  }
}

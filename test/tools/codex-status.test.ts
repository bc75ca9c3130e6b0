import { describe, expect, test } from 'vitest'
import { CodexError } from '../../src/errors.ts'
import type { AnswerSummary } from '../../src/services/answers/answer-view.ts'
import type { ConversationList } from '../../src/services/conversations/conversation-store.ts'
import type { LoginView } from '../../src/services/sign-in/sign-in-view.ts'
import type { AccountStatus, ReadStatus } from '../../src/services/status/account-status.ts'
import type { UsageStatus } from '../../src/services/usage/usage-status.ts'
import { codexStatus } from '../../src/tools/codex-status.ts'
import { toolCall } from '../support/tool-call.ts'

const NOW = 1_800_000_000_000

const nobody: AccountStatus = {
  status: 'not_authenticated',
  authenticated: false,
  account: undefined,
  method: 'none',
  source: undefined,
  cost: undefined,
  createdAt: undefined,
  refreshedAt: undefined,
  expiresInMs: 0,
  hasRefreshToken: false,
  login: undefined,
  storagePath: '/home/me/.claude/auth.json',
  storageForm: undefined,
  storageProblem: undefined,
  message: 'Nobody is signed in.',
}

interface Kept {
  answers?: AnswerSummary[]
  conversations?: ConversationList['conversations']
  problems?: string[]
}

function statusTool(readStatus: ReadStatus, { answers = [], conversations = [], problems = [] }: Kept = {}) {
  return codexStatus({
    readStatus,
    answers: { list: () => answers },
    conversations: { list: () => ({ conversations, problems }) },
    now: () => NOW,
  })
}

async function show(status: Partial<AccountStatus>, kept: Kept = {}) {
  const tool = statusTool(async () => ({ ...nobody, ...status }), kept)
  const output = await tool.run({} as never, toolCall())
  const data = JSON.parse(JSON.stringify('structured' in output ? output.structured : {}))
  expect(tool.output?.safeParse(data).success).toBe(true)
  return data
}

const STARTED_AT = new Date(NOW - 1_000).toISOString()

const open: LoginView = {
  state: 'pending',
  method: 'browser',
  url: 'https://auth.example/?a',
  userCode: undefined,
  openedAt: NOW - 1_000,
  expiresAt: NOW + 90_001,
  endedAt: undefined,
  error: undefined,
}

test('nobody: the fields that say so, and no others', async () => {
  expect(await show({})).toEqual({
    status: 'not_authenticated',
    authenticated: false,
    method: 'none',
    expires_in_seconds: 0,
    has_refresh_token: false,
    is_expired: false,
    needs_refresh: false,
    storage: { path: '/home/me/.claude/auth.json' },
    message: 'Nobody is signed in.',
  })
})

test('somebody: the account, its address masked, and whole seconds', async () => {
  const account = { accountId: 'acct-1', email: 'ab@example.com', plan: 'team', fedramp: false }
  const data = await show({ status: 'authenticated', authenticated: true, account, expiresInMs: 3_599_999 })
  expect(data).toMatchObject({ account_id: 'acct-1', email: 'a…b@example.com', plan: 'team', expires_in_seconds: 3599 })
})

test('a credential has its source, its cost and its times, as far as there are some', async () => {
  const created = { createdAt: NOW, refreshedAt: NOW + 1_500 }
  expect(await show({ method: 'chatgpt', source: 'account', cost: 'ChatGPT pro plan', ...created })).toMatchObject({
    method: 'chatgpt',
    source: 'account',
    cost: 'ChatGPT pro plan',
    created_at: '2027-01-15T08:00:00.000Z',
    refreshed_at: '2027-01-15T08:00:01.500Z',
  })
  const key = await show({
    status: 'authenticated',
    authenticated: true,
    method: 'api_key',
    source: 'OPENAI_API_KEY',
    cost: 'billed per token',
    expiresInMs: undefined,
  })
  expect(key).toMatchObject({ authenticated: true, source: 'OPENAI_API_KEY', cost: 'billed per token' })
  // What does not expire has not expired either.
  expect(key).not.toHaveProperty('expires_in_seconds')
  expect(key).toMatchObject({ is_expired: false, needs_refresh: false, has_refresh_token: false })
})

test.each([
  ['authenticated', false, false],
  ['needs_refresh', false, true],
  ['expired', true, true],
  ['not_authenticated', false, false],
] as const)('%s: expired %j, needs a refresh %j', async (status, isExpired, needsRefresh) => {
  expect(await show({ status })).toMatchObject({ status, is_expired: isExpired, needs_refresh: needsRefresh })
})

test('a sign-in that is open has its address and the seconds left', async () => {
  expect((await show({ login: open })).login).toEqual({
    started_at: STARTED_AT,

    method: 'browser',
    state: 'pending',
    url: open.url,
    expires_in_seconds: 91,
  })
})

test.each(['succeeded', 'cancelled'] as const)('a sign-in that has %s has neither', async (state) => {
  expect((await show({ login: { ...open, state } })).login).toEqual({
    started_at: STARTED_AT,
    method: 'browser',
    state,
  })
})

test('a sign-in that failed says why, with its code', async () => {
  const error = new CodexError('LOGIN_TIMEOUT', 'Nobody came.', { hint: 'Again.', cause: new Error('CANARY') })
  expect((await show({ login: { ...open, state: 'failed', error } })).login).toEqual({
    started_at: STARTED_AT,

    state: 'failed',
    method: 'browser',
    error: 'Nobody came. [LOGIN_TIMEOUT]',
  })
})

test('trouble with the file stands beside its path', async () => {
  expect((await show({ storageProblem: 'It is damaged.' })).storage).toEqual({
    path: '/home/me/.claude/auth.json',
    problem: 'It is damaged.',
  })
})

test('how the record lies in its file is told', async () => {
  const { storage } = await show({ storageForm: 'keychain', storageProblem: 'It is locked.' })
  expect(storage).toEqual({ path: '/home/me/.claude/auth.json', form: 'keychain', problem: 'It is locked.' })
})

describe('usage', () => {
  const usage: UsageStatus = {
    asked: false,
    ageMs: 61_999,
    age: '1 minute ago',
    plan: 'pro',
    primary: { usedPercent: 12, window: '5-hour', resetsAt: NOW + 1000, resets: 'at 08:00 UTC' },
    secondary: { usedPercent: 40, window: 'weekly' },
    credits: { has: true, unlimited: false, balance: 9.99 },
    creditWords: '9.99',
    others: { 'gpt-x': { primary: { usedPercent: 1, window: '1-day' } } },
    message: 'Plan usage: 5-hour 12 %.',
  }

  test('is told with both windows, their resets for programs and for people, credits, plan and age', async () => {
    expect((await show({ usage })).usage).toEqual({
      asked: false,
      age_seconds: 61,
      plan: 'pro',
      primary: { used_percent: 12, window: '5-hour', resets_at: '2027-01-15T08:00:01.000Z', resets: 'at 08:00 UTC' },
      secondary: { used_percent: 40, window: 'weekly' },
      credits: { has_credits: true, unlimited: false, balance: 9.99 },
      others: { 'gpt-x': { primary: { used_percent: 1, window: '1-day' } } },
      message: 'Plan usage: 5-hour 12 %.',
    })
  })

  test('that cannot be asked is a sentence and an address', async () => {
    const trouble = { asked: false, manage: 'https://chatgpt.com/settings/usage', trouble: 'No.', message: 'No.' }
    expect((await show({ usage: trouble })).usage).toEqual({
      asked: false,
      manage: 'https://chatgpt.com/settings/usage',
      message: 'No.',
    })
  })

  test.each([
    [{ usage: true }, true],
    [{ usage: false }, false],
    [{}, undefined],
  ])('with %j is asked for: %j, and the call can be cancelled', async (args, asked) => {
    const calls: unknown[] = []
    const readStatus: ReadStatus = async (options) => {
      calls.push(options)
      return nobody
    }
    const { signal } = new AbortController()
    await statusTool(readStatus).run(args as never, toolCall({ signal }))
    expect(calls).toEqual([{ usage: asked, signal }])
  })

  test.each([{ usage: 'yes' }, { usage: 1 }, { used: true }])('%j is no argument of it', (args) => {
    expect(statusTool(async () => nobody).input.safeParse(args).success).toBe(false)
  })
})

describe('what can be had again', () => {
  const answer = (id: string, more: Partial<AnswerSummary> = {}): AnswerSummary => ({
    ...{ id, state: 'finished', startedAt: NOW - 90_000, endedAt: NOW, model: 'gpt-x', conversation: undefined },
    ...{ prompt: 'Why is', phase: undefined, characters: 12, isKept: true, ...more },
  })

  test('are answers with their state and age, and conversations', async () => {
    const kept = {
      answers: [answer('a-1', { state: 'running', model: undefined, conversation: 'design' }), answer('a-2')],
      conversations: [{ name: 'design', turns: 3, updatedAt: NOW - 5_000, lastPrompt: 'And now?' }],
    }
    const { answers, conversations } = await show({}, kept)
    expect(answers).toEqual([
      { id: 'a-1', state: 'running', age_seconds: 90, conversation: 'design', prompt: 'Why is', characters: 12 },
      { id: 'a-2', state: 'finished', age_seconds: 90, model: 'gpt-x', prompt: 'Why is', characters: 12 },
    ])
    expect(conversations).toEqual([{ name: 'design', turns: 3, age_seconds: 5, last_prompt: 'And now?' }])
  })

  test('are the newest ten of each', async () => {
    const answers = Array.from({ length: 30 }, (_, n) => answer(`a-${n}`))
    expect((await show({}, { answers })).answers.map(({ id }: { id: string }) => id)).toEqual(
      answers.slice(0, 10).map(({ id }) => id),
    )
  })

  test('and of a conversation that cannot be read the message tells', async () => {
    expect((await show({}, { problems: ['x is damaged.'] })).message).toBe('Nobody is signed in. x is damaged.')
  })
})

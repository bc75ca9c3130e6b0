import { expect, test } from 'vitest'
import type { LoginOptions, LoginOutcome } from '../../src/services/sign-in.ts'
import { codexLogin } from '../../src/tools/codex-login.ts'

const NOW = 1_800_000_000_000

/** What the tool makes of this outcome, and what it asked for. */
async function run(outcome: LoginOutcome, args: Record<string, unknown> = {}) {
  const asked: LoginOptions[] = []
  const signIn = {
    login: async (options: LoginOptions) => {
      asked.push(options)
      return outcome
    },
    view: () => undefined,
    cancel: async () => {},
  }
  const tool = codexLogin({ signIn, now: () => NOW })
  const call = { signal: new AbortController().signal, progress: () => {} }
  const output = await tool.run(tool.input.parse(args) as never, call)
  const data = JSON.parse(JSON.stringify('structured' in output ? output.structured : {}))
  expect(tool.output?.safeParse(data).success).toBe(true)
  return { data, asked, call }
}

const pending: Extract<LoginOutcome, { status: 'pending' }> = {
  status: 'pending',
  url: 'https://auth.example/oauth/authorize?state=x',
  port: 1457,
  expiresAt: NOW + 200_500,
  browser: { opened: true },
}

function signedInAs(account: { accountId?: string; email?: string; plan?: string }, fresh = true): LoginOutcome {
  const claims = { accountId: undefined, email: undefined, plan: undefined, fedramp: false, ...account }
  return { status: 'authenticated', account: claims, fresh }
}

test('force is off unless asked for; signal and progress are handed on', async () => {
  const { asked, call } = await run(pending)
  expect(asked).toEqual([{ force: false, signal: call.signal, onProgress: call.progress }])
  expect((await run(pending, { force: true })).asked[0]?.force).toBe(true)
})

test('"pending" has the address, the seconds left and the port', async () => {
  expect((await run(pending)).data).toEqual({
    status: 'pending',
    url: pending.url,
    expires_in_seconds: 201,
    message: `Waiting for you in the browser. The answer is expected on port 1457 of this machine. Call codex_login again when done. ${pending.url}`,
  })
})

test('a browser that was not opened is said first', async () => {
  const { data } = await run({ ...pending, browser: { opened: false, reason: 'This is an SSH session.' } })
  expect(data.message).toMatch(/^(?:[^.]+: )?This is an SSH session\. Open the address yourself/)
  expect(data.message).toContain(pending.url)
})

test('no time is left rather than less than none', async () => {
  expect((await run({ ...pending, expiresAt: NOW - 1 })).data.expires_in_seconds).toBe(0)
})

test('who signed in is told, the address masked', async () => {
  const { data } = await run(signedInAs({ accountId: 'acct-1', email: 'person@example.com', plan: 'plus' }))
  expect(data).toEqual({
    status: 'authenticated',
    account_id: 'acct-1',
    email: 'p…n@example.com',
    plan: 'plus',
    message: 'Signed in as p…n@example.com.',
  })
})

test('an account without an address is told by its id, or as one without a name', async () => {
  expect((await run(signedInAs({ accountId: 'acct-1' }))).data.message).toBe('Signed in as acct-1.')
  expect((await run(signedInAs({}))).data.message).toBe('Signed in as an account without a name.')
})

test('somebody who was signed in already is told how to change that', async () => {
  expect((await run(signedInAs({ accountId: 'acct-1' }, false))).data.message).toBe(
    'Already signed in as acct-1; nothing was opened. Use force: true to sign in anew.',
  )
})

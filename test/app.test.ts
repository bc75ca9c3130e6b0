import { expect, onTestFinished, test } from 'vitest'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from './support/fake-openai.ts'
import { recordOf, type StartedApp, startApp } from './support/start-app.ts'

async function startFake(options?: FakeOpenAIOptions): Promise<FakeOpenAI> {
  const fake = await startFakeOpenAI(options)
  onTestFinished(() => fake.close())
  return fake
}

/** Signs in as a person would: the tool gives the address, a browser follows it. */
async function signIn(fake: FakeOpenAI, app: StartedApp, args: Record<string, unknown> = {}) {
  let visit: ReturnType<FakeOpenAI['browser']> | undefined
  const outcome = await app.call('codex_login', args, {
    onProgress: (message) => {
      visit ??= fake.browser(/https?:\S+/.exec(message)?.[0] ?? '')
    },
  })
  return { outcome, page: await visit }
}

test('sign in, ask, expire, refresh, sign out', async () => {
  const fake = await startFake()
  const app = await startApp(fake)

  expect((await app.call('codex_status')).data).toMatchObject({ status: 'not_authenticated', authenticated: false })
  const refused = await app.call('codex_query', { prompt: 'Anybody there?' })
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('[NOT_AUTHENTICATED]') })

  const { outcome, page } = await signIn(fake, app)
  expect(outcome.data).toMatchObject({ status: 'authenticated', account_id: 'acct-fake-0001', plan: 'pro' })
  expect(page).toMatchObject({ status: 200, body: expect.stringContaining('You are signed in') })
  expect((await app.call('codex_status')).data).toMatchObject({
    status: 'authenticated',
    email: 'p…n@example.com',
    login: { state: 'succeeded' },
  })

  const answer = await app.call('codex_query', { prompt: 'Hello?' })
  expect(answer.texts).toEqual([
    'Hello from the fake Codex.',
    expect.stringMatching(/^Answered by Codex \(gpt-6\.1-sol\)/),
  ])

  fake.expireAccessTokens()
  expect((await app.call('codex_query', { prompt: 'Still there?' })).isError).toBe(false)
  expect(fake.seen.grants).toEqual(['authorization_code', 'refresh_token'])

  const cleared = await app.call('codex_clear')
  expect(cleared.data).toMatchObject({ cleared: true, revoked: true })
  expect(app.stored()).toEqual({})
  expect((await app.call('codex_clear')).data).toMatchObject({ cleared: false })
})

test('two programs, ten questions, one refresh', async () => {
  const fake = await startFake()
  const one = await startApp(fake)
  const two = await startApp(fake, { home: one.home })
  one.seed(recordOf(fake.issueTokens({ expiresInSeconds: -1 }), -1))

  const asked = Array.from({ length: 10 }, (_, i) =>
    (i % 2 ? one : two).call('codex_query', { prompt: `Question ${i}` }),
  )
  expect((await Promise.all(asked)).map(({ isError }) => isError)).toEqual(Array(10).fill(false))
  expect(fake.seen.grants).toEqual(['refresh_token'])
  expect(fake.seen.reuses).toBe(0)
})

import { expect, test } from 'vitest'
import { asked, expectCorrect, pathCount, signInToPlan, startPlanApp } from './support/plan-bench.ts'

const OFF = 'Signed in, plan usage off.'

const consents = (authorizations: Record<string, string>[]) => authorizations.map(({ prompt }) => prompt)

test('who does not allow the plan is signed in with plan usage off, and no question leaves', async () => {
  const { fake, app } = await startPlanApp()
  fake.plan.declinePlanScope()
  const { login } = await signInToPlan(fake, app)
  expect(login.data).toMatchObject({ status: 'authenticated', message: expect.stringContaining(OFF) })
  expect(login.data.message).toContain('codex_login with route "plan"')
  const answer = await app.call('codex_query', { prompt: 'Hi' })
  expect(answer.text).toMatch(/plan usage off.*route "plan".*\[PLAN_REQUIRED\]$/)
  expect((await app.call('codex_status')).data).toMatchObject({ authenticated: false, route: 'plan' })
  await app.call('codex_models')
  expect([pathCount(fake, '/v1/responses'), pathCount(fake, '/v1/models')]).toEqual([0, 0])
  expectCorrect(fake)
})

test('asked for by its route it is asked for again, with consent, and is on', async () => {
  const { fake, app } = await startPlanApp()
  fake.plan.declinePlanScope()
  await signInToPlan(fake, app)
  const { opened, login } = await signInToPlan(fake, app)
  expect(asked(opened.data.url)).toMatchObject({ client_id: 'oaiapp_FAKE1', prompt: 'consent' })
  expect(login.data.message).toMatch(/^Signed in as .*Your ChatGPT plan is in use/)
  expect((await app.call('codex_query', { prompt: 'Hi' })).isError).toBe(false)
  await app.call('codex_clear')
  await signInToPlan(fake, app)
  expect(consents(fake.plan.seen.authorizations)).toEqual([undefined, 'consent', undefined])
  expectCorrect(fake)
})

test('a call that only goes on asks nobody for consent', async () => {
  const { fake, app } = await startPlanApp()
  fake.plan.declinePlanScope()
  await signInToPlan(fake, app)
  const again = await app.call('codex_login')
  expect(again.data).toMatchObject({ status: 'authenticated', message: expect.stringMatching(/^Already signed in/) })
  expect(again.data.message).toContain(OFF)
  expect(app.opened).toHaveLength(1)
})

test('the first call after the sign-in tells how it ended, even if it names the route', async () => {
  const { fake, app } = await startPlanApp()
  fake.plan.declinePlanScope()
  const { data } = await app.call('codex_login', { route: 'plan' })
  await fake.browser(data.url)
  expect((await app.call('codex_login', { route: 'plan' })).data.message).toMatch(/^Signed in as .*plan usage off/)
  expect(app.opened).toHaveLength(1)
  expect((await app.call('codex_login', { route: 'plan' })).data.status).toBe('pending')
})

test('what the callback says of scopes does not count', async () => {
  const { fake, app } = await startPlanApp()
  const edit = ({ searchParams }: URL) => searchParams.set('scope', 'openid')
  expect((await signInToPlan(fake, app, {}, { edit })).login.data.message).not.toContain(OFF)
  expect((await app.call('codex_query', { prompt: 'Hi' })).isError).toBe(false)
})

test('consent that was withdrawn turns it off at the next renewal, and the sign-in stays', async () => {
  const { fake, app } = await startPlanApp()
  await signInToPlan(fake, app)
  fake.plan.withdrawPlanScope()
  fake.plan.expireAccessTokens()
  expect((await app.call('codex_query', { prompt: 'Hi' })).text).toMatch(/\[PLAN_REQUIRED\]$/)
  const { opened, login } = await signInToPlan(fake, app)
  expect(asked(opened.data.url).prompt).toBe('consent')
  expect(login.data.message).toBe('Signed in as p…n@example.com.')
  expect(fake.plan.crossings).toEqual([])
})
